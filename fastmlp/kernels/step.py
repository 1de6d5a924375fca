"""A step of mini-batch gradient descent, and how threads share it.

Per step, with `meet` where all threads wait for each other:

1. hidden layers forward, one after the other; a thread computes its own columns (units) -- meet
2. for its own rows of the batch, a thread computes the last layer, softmax, the gradient of the
   loss, and its way back through all layers -- meet
3. a thread updates its own columns of all weights, which so never leave its caches, and gathers
   its share of the next batch's rows -- meet

Each number is computed by one thread and in a fixed order, so the number of threads can't change
a bit of the result.
"""

from __future__ import annotations

from fastmlp.kernels import plan as at
from fastmlp.kernels.cache import compiled
from fastmlp.kernels.gather import (
    CSR,
    FLOAT32,
    UINT8,
    gather_csr,
    gather_float32,
    gather_float64,
    gather_labels,
    gather_uint8,
)
from fastmlp.kernels.simd import copy_rows, itemsize, lanes, word
from fastmlp.kernels.skip import WORD_ROWS, forward_skipping, update_skipping
from fastmlp.kernels.softmax import softmax_rows, subtract_labels
from fastmlp.kernels.team import enter, meet
from fastmlp.kernels.tile import RELU, RELU_MASK, STORE, tiles
from fastmlp.kernels.transpose import transpose_squares

ROWS_TOGETHER = 4  # rows of a batch that stay with one thread


@compiled
def share(n, thread, n_threads):
    """First of `thread`'s part of n units; the part ends where the next thread's starts."""
    return n * thread // n_threads


@compiled
def layer_table(plan, layer):
    """Address of a layer's table."""
    return word(plan, at.LAYERS) + layer * at.LAYER_FIELDS * 8


@compiled
def gather(plan, first, rows, next_first, buffer, first_half, last_half, scale, inverse):
    """Rows `first_half` to `last_half` (in units of 32) of a batch into block `buffer`."""
    n_features = word(layer_table(plan, 0), at.N_IN)
    n_padded = word(layer_table(plan, 0), at.N_IN_PADDED)
    stride = word(plan, at.INPUT_ROW)
    kind = word(plan, at.X_KIND)
    x = word(plan, at.X)
    for half in range(first_half, last_half):
        start = half * WORD_ROWS
        count = min(rows - start, WORD_ROWS)
        order = word(plan, at.ORDER) + (first + start) * 8
        # The last batch of all has no next one: its own rows are at hand.
        next_order = word(plan, at.ORDER) + (next_first + start) * 8
        if next_first + start + count > word(plan, at.N_ROWS):
            next_order = order
        out = word(plan, at.INPUT)
        out += (buffer * word(plan, at.INPUT_BLOCK) + start * stride) * itemsize(scale)
        words = word(plan, at.WORDS) + buffer * word(plan, at.WORDS_BLOCK) + half * n_padded * 4
        if kind == UINT8:
            gather_uint8(x, n_features, order, next_order, count, scale, inverse,
                         out, stride, words)  # fmt: skip
        elif kind == FLOAT32:
            gather_float32(x, n_features, order, next_order, count, scale, inverse,
                           out, stride, words)  # fmt: skip
        elif kind == CSR:
            gather_csr(word(plan, at.X_INDPTR), word(plan, at.X_INDICES), x, n_padded,
                       order, count, out, stride, words, scale)  # fmt: skip
        else:
            gather_float64(x, n_features, order, next_order, count, scale, inverse,
                           out, stride, words)  # fmt: skip
        if word(plan, at.LABELS) != 0:
            batch_labels = word(plan, at.BATCH_LABELS)
            batch_labels += (buffer * word(plan, at.BATCH_ROWS) + start) * 8
            gather_labels(word(plan, at.LABELS), order, count, batch_labels)


@compiled
def input_of(plan, layer, buffer, one):
    """Address of a layer's input."""
    if layer == 0:
        return word(plan, at.INPUT) + buffer * word(plan, at.INPUT_BLOCK) * itemsize(one)
    return word(layer_table(plan, layer - 1), at.ACTIVATION)


@compiled
def input_row_of(plan, layer):
    if layer == 0:
        return word(plan, at.INPUT_ROW)
    return word(layer_table(plan, layer - 1), at.UNIT_ROW)


@compiled
def forward(plan, layer, buffer, first_row, last_row, first, last, one):
    """A layer's activations (of the last layer: logits), for some rows and vectors of columns."""
    table = layer_table(plan, layer)
    size = itemsize(one)
    width = lanes(one)
    x_row = input_row_of(plan, layer)
    z_row = word(table, at.UNIT_ROW)
    x = input_of(plan, layer, buffer, one) + first_row * x_row * size
    z = word(table, at.ACTIVATION) + first_row * z_row * size
    epilogue = STORE if layer == word(plan, at.N_LAYERS) - 1 else RELU
    c = first
    while c < last:
        vectors = 2 if c % 2 == 0 and c + 2 <= last else 1
        w = word(table, at.WEIGHTS)
        w += (c // 2 * word(table, at.WEIGHTS_PANEL) + c % 2 * width) * size
        offset = c * width * size
        tiles(vectors, last_row - first_row, x, x_row, 1, w, 2 * width,
              word(table, at.BIAS) + offset, 0, one, z + offset, z_row,
              word(table, at.N_IN), epilogue, 0)  # fmt: skip
        c += vectors


@compiled
def backward(plan, layer, first_row, last_row, one):
    """From the gradient by a layer's outputs to that by its inputs, through the ReLU."""
    table = layer_table(plan, layer)
    below = layer_table(plan, layer - 1)
    size = itemsize(one)
    width = lanes(one)
    dz_row = word(table, at.UNIT_ROW)
    out_row = word(below, at.UNIT_ROW)
    dz = word(table, at.GRADIENT) + first_row * dz_row * size
    out = word(below, at.GRADIENT) + first_row * out_row * size
    mask = word(below, at.ACTIVATION) + first_row * out_row * size
    c = 0
    while c < word(table, at.TRANSPOSED_VECTORS):
        vectors = 2 if c + 2 <= word(table, at.TRANSPOSED_VECTORS) else 1
        w = word(table, at.TRANSPOSED) + c // 2 * word(table, at.TRANSPOSED_PANEL) * size
        offset = c * width * size
        tiles(vectors, last_row - first_row, dz, dz_row, 1, w, 2 * width,
              word(plan, at.ZEROS), 0, one, out + offset, out_row,
              word(table, at.N_OUT), RELU_MASK, mask + offset)  # fmt: skip
        c += vectors


@compiled
def update(plan, layer, buffer, rows, first, last, decay, one):
    """Vectors of columns of a layer's weights and biases, in place, with no gradient array."""
    table = layer_table(plan, layer)
    size = itemsize(one)
    width = lanes(one)
    x_row = input_row_of(plan, layer)
    dz_row = word(table, at.UNIT_ROW)
    panel = word(table, at.WEIGHTS_PANEL)
    x = input_of(plan, layer, buffer, one)
    c = first
    while c < last:
        vectors = 2 if c % 2 == 0 and c + 2 <= last else 1
        offset = c * width * size
        dz = word(table, at.GRADIENT) + offset
        bias = word(table, at.BIAS) + offset
        tiles(vectors, 1, word(plan, at.ONES), 0, 0, dz, dz_row,
              bias, 0, one, bias, 0, rows, STORE, 0)  # fmt: skip
        if layer > 0 or word(plan, at.IS_SKIPPING) == 0:
            w = word(table, at.WEIGHTS) + (c // 2 * panel + c % 2 * width) * size
            tiles(vectors, word(table, at.N_IN), x, 1, x_row, dz, dz_row,
                  w, 2 * width, decay, w, 2 * width, rows, STORE, 0)  # fmt: skip
            if layer > 0:
                for v in range(c, c + vectors):
                    transpose_squares(
                        word(table, at.WEIGHTS) + (v // 2 * panel + v % 2 * width) * size,
                        2 * width,
                        word(table, at.TRANSPOSED) + v * width * 2 * width * size,
                        word(table, at.TRANSPOSED_PANEL),
                        word(table, at.TRANSPOSED_VECTORS),
                        one,
                    )
        c += vectors


@compiled
def hidden_forward(plan, layer, buffer, rows, thread, n_threads, one):
    """A thread's own columns of a hidden layer, skipping zeros in the data where that pays."""
    table = layer_table(plan, layer)
    first = share(word(table, at.N_VECTORS), thread, n_threads)
    last = share(word(table, at.N_VECTORS), thread + 1, n_threads)
    if layer == 0 and word(plan, at.IS_SKIPPING) != 0:
        forward_skipping(
            input_of(plan, 0, buffer, one), word(plan, at.INPUT_ROW),
            word(plan, at.WORDS) + buffer * word(plan, at.WORDS_BLOCK),
            word(table, at.N_IN_PADDED), word(plan, at.NO_WORDS),
            rows, word(table, at.N_IN_PADDED),
            word(table, at.WEIGHTS), word(table, at.WEIGHTS_PANEL), word(table, at.BIAS),
            word(table, at.ACTIVATION), word(table, at.UNIT_ROW), first, last, one,
        )  # fmt: skip
    else:
        forward(plan, layer, buffer, 0, rows, first, last, one)


@compiled
def output_rows(plan, buffer, first_row, last_row, rate, one):
    """The last layer, the loss and the way back to the first layer, for rows of the batch."""
    last_layer = word(plan, at.N_LAYERS) - 1
    table = layer_table(plan, last_layer)
    size = itemsize(one)
    stride = word(table, at.UNIT_ROW)
    forward(plan, last_layer, buffer, first_row, last_row, 0, word(table, at.N_VECTORS), one)
    offset = first_row * stride * size
    gradient = word(table, at.GRADIENT) + offset
    softmax_rows(word(table, at.ACTIVATION) + offset, stride, last_row - first_row,
                 word(table, at.N_OUT), gradient, stride, rate)  # fmt: skip
    labels = word(plan, at.BATCH_LABELS)
    labels += (buffer * word(plan, at.BATCH_ROWS) + first_row) * 8
    subtract_labels(gradient, stride, last_row - first_row, labels,
                    word(plan, at.CHOSEN) + first_row * size, rate)  # fmt: skip
    for layer in range(last_layer, 0, -1):
        backward(plan, layer, first_row, last_row, one)


@compiled
def update_columns(plan, buffer, rows, thread, n_threads, decay, one):
    """A thread's own columns of all layers' weights."""
    for layer in range(word(plan, at.N_LAYERS)):
        table = layer_table(plan, layer)
        first = share(word(table, at.N_VECTORS), thread, n_threads)
        last = share(word(table, at.N_VECTORS), thread + 1, n_threads)
        if layer == 0 and word(plan, at.IS_SKIPPING) != 0:
            update_skipping(
                input_of(plan, 0, buffer, one), word(plan, at.INPUT_ROW),
                word(plan, at.WORDS) + buffer * word(plan, at.WORDS_BLOCK),
                word(table, at.N_IN_PADDED), word(plan, at.NO_WORDS),
                rows, word(table, at.N_IN_PADDED),
                word(table, at.WEIGHTS), word(table, at.WEIGHTS_PANEL), decay, one,
                word(table, at.GRADIENT), word(table, at.UNIT_ROW), first, last,
            )  # fmt: skip
        update(plan, layer, buffer, rows, first, last, decay, one)


@compiled
def run_steps(
    plan, thread, n_threads, first_step, last_step,
    decay, rate, last_rate, scale, inverse, one,
):  # fmt: skip
    """Steps `first_step` to `last_step` of an epoch, one thread's part of them.

    Computes what :func:`fastmlp.reference.train_step` does, step by step.

    Parameters
    ----------
    plan : int
        Address of a plan's table; see :mod:`fastmlp.kernels.plan`. Its weights and biases are
        updated in place.
    thread, n_threads : int
        This thread's number and that of all. They all call this function, at about the same time.
    decay : float
        ``1 - learning_rate * lambda_reg``; its dtype is that of all elements.
    rate, last_rate : float
        Minus the learning rate, divided by a batch's rows: a whole one's, and the last one's.
    scale, inverse : float
        What uint8 inputs are divided by, and 1 divided by that.
    one : float
        1.

    Returns
    -------
    int
        The number of threads that worked: 1 if helpers did not come, 0 for a helper too late.
    """
    team = word(plan, at.TEAM)
    n_threads = enter(team, thread, n_threads)
    if n_threads == 0:
        return 0
    n_rows = word(plan, at.N_ROWS)
    batch_rows = word(plan, at.BATCH_ROWS)
    n_hidden = word(plan, at.N_LAYERS) - 1
    buffer = first_step % 2
    for step in range(first_step - 1, last_step):
        rows = min(batch_rows, n_rows - step * batch_rows)
        if step >= first_step:
            for layer in range(n_hidden):
                hidden_forward(plan, layer, buffer, rows, thread, n_threads, one)
                meet(team, n_threads)
            n_shares = -(-rows // ROWS_TOGETHER)
            first_row = share(n_shares, thread, n_threads) * ROWS_TOGETHER
            last_row = min(share(n_shares, thread + 1, n_threads) * ROWS_TOGETHER, rows)
            step_rate = rate if rows == batch_rows else last_rate
            output_rows(plan, buffer, first_row, last_row, step_rate, one)
            meet(team, n_threads)
            update_columns(plan, buffer, rows, thread, n_threads, decay, one)
            buffer = 1 - buffer
        if step + 1 < last_step:
            following = (step + 1) * batch_rows
            next_rows = min(batch_rows, n_rows - following)
            n_halves = -(-next_rows // WORD_ROWS)
            gather(plan, following, next_rows, following + batch_rows, buffer,
                   share(n_halves, thread, n_threads), share(n_halves, thread + 1, n_threads),
                   scale, inverse)  # fmt: skip
        meet(team, n_threads)
    return n_threads


@compiled
def run_forward(plan, first, last, scale, inverse, one):
    """Probabilities of rows `first` to `last` of the order, written to the same rows of OUT.

    Computes :func:`fastmlp.reference.forward`, for whole batches, by one thread alone.
    """
    batch_rows = word(plan, at.BATCH_ROWS)
    n_layers = word(plan, at.N_LAYERS)
    table = layer_table(plan, n_layers - 1)
    size = itemsize(one)
    for start in range(first, last, batch_rows):
        rows = min(batch_rows, last - start)
        gather(plan, start, rows, start + batch_rows, 0, 0, -(-rows // WORD_ROWS), scale, inverse)
        for layer in range(n_layers - 1):
            hidden_forward(plan, layer, 0, rows, 0, 1, one)
        forward(plan, n_layers - 1, 0, 0, rows, 0, word(table, at.N_VECTORS), one)
        z, z_row = word(table, at.ACTIVATION), word(table, at.UNIT_ROW)
        softmax_rows(z, z_row, rows, word(table, at.N_OUT), z, z_row, one)
        n_classes = word(table, at.N_OUT)
        out = word(plan, at.OUT) + start * n_classes * size
        copy_rows(z, z_row, rows, n_classes, out, one)
