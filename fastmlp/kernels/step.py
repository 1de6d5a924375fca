"""A step of mini-batch gradient descent, and how threads share it.

Each thread gathers the batch for itself, since a row that crosses between two cores' caches takes
longer than to gather it twice. Then, with a barrier where all threads meet:

1. hidden layers forward, one after the other; a thread computes its own columns (units) -- meet
2. for its own rows of the batch, a thread computes the last layer, softmax, the gradient of the
   loss, and its way back through all layers -- meet
3. a thread updates its own columns of all weights, which so never leave its caches

No barrier stands between a step and the next one: a thread that is ahead writes its activations to
the other one of two blocks. Each number is computed by one thread and in a fixed order, so the
number of threads can't change a bit of the result.
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
    gather_uint8,
)
from fastmlp.kernels.simd import copy_rows, itemsize, lanes, word
from fastmlp.kernels.skip import MASK_ROWS, WORD_ROWS, forward_skipping, update_skipping
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
def share_rows(rows, unit, thread, n_threads):
    """The same for rows in groups of `unit`, the last of which may be short."""
    return min(share(-(-rows // unit), thread, n_threads) * unit, rows)


@compiled
def layer_table(plan, layer):
    """Address of a layer's table."""
    return word(plan, at.LAYERS) + layer * at.LAYER_FIELDS * 8


@compiled
def gather(plan, thread, first, rows, scale, inverse):
    """The batch of `rows` rows that starts at row `first` of the order, into a thread's block."""
    n_features = word(layer_table(plan, 0), at.N_IN)
    n_padded = word(layer_table(plan, 0), at.N_IN_PADDED)
    stride = word(plan, at.INPUT_ROW)
    kind = word(plan, at.X_KIND)
    x = word(plan, at.X)
    block = word(plan, at.INPUT) + thread * word(plan, at.INPUT_BLOCK) * itemsize(scale)
    block_words = word(plan, at.WORDS) + thread * word(plan, at.WORDS_BLOCK)
    for start in range(0, rows, WORD_ROWS):
        count = min(rows - start, WORD_ROWS)
        order = word(plan, at.ORDER) + (first + start) * 8
        # The last batch has no next one: what is fetched then is at hand.
        has_next = first + rows + start + count <= word(plan, at.N_ROWS)
        next_order = order + rows * 8 if has_next else order
        out = block + start * stride * itemsize(scale)
        words = block_words + start // WORD_ROWS * n_padded * 4
        if kind == UINT8:
            gather_uint8(x, n_features, order, count, next_order,
                         scale, inverse, out, stride, words)  # fmt: skip
        elif kind == FLOAT32:
            gather_float32(x, n_features, order, count, next_order,
                         scale, inverse, out, stride, words)  # fmt: skip
        elif kind == CSR:
            gather_csr(word(plan, at.X_INDPTR), word(plan, at.X_INDICES), x, n_padded,
                       order, count, out, stride, words, scale)  # fmt: skip
        else:
            gather_float64(x, n_features, order, count, next_order,
                         scale, inverse, out, stride, words)  # fmt: skip


@compiled
def activation_of(plan, layer, turn, one):
    """Address of the block of a layer's activations that a step writes, in its turn 0 or 1."""
    table = layer_table(plan, layer)
    return word(table, at.ACTIVATION) + turn * word(table, at.ACTIVATION_BLOCK) * itemsize(one)


@compiled
def input_of(plan, layer, thread, turn, one):
    """Address of a layer's input."""
    if layer == 0:
        return word(plan, at.INPUT) + thread * word(plan, at.INPUT_BLOCK) * itemsize(one)
    return activation_of(plan, layer - 1, turn, one)


@compiled
def input_row_of(plan, layer):
    """Elements from one row of a layer's input to the next."""
    if layer == 0:
        return word(plan, at.INPUT_ROW)
    return word(layer_table(plan, layer - 1), at.UNIT_ROW)


@compiled
def forward(plan, layer, thread, turn, first_row, last_row, first, last, one):
    """A layer's activations (of the last layer: logits), for some rows and vectors of columns."""
    table = layer_table(plan, layer)
    size = itemsize(one)
    width = lanes(one)
    x_row = input_row_of(plan, layer)
    z_row = word(table, at.UNIT_ROW)
    x = input_of(plan, layer, thread, turn, one) + first_row * x_row * size
    z = activation_of(plan, layer, turn, one) + first_row * z_row * size
    if layer == 0 and word(plan, at.IS_SKIPPING) != 0 and word(plan, at.N_LAYERS) > 1:
        n_padded = word(table, at.N_IN_PADDED)
        words = word(plan, at.WORDS) + thread * word(plan, at.WORDS_BLOCK)
        words += first_row // WORD_ROWS * n_padded * 4
        forward_skipping(x, x_row, words, n_padded, word(plan, at.NO_WORDS),
                         last_row - first_row, n_padded,
                         word(table, at.WEIGHTS), word(table, at.WEIGHTS_PANEL),
                         word(table, at.BIAS), z, z_row, first, last, one)  # fmt: skip
        return
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
def backward(plan, layer, turn, first_row, last_row, one):
    """From the gradient by a layer's outputs to that by its inputs, through the ReLU."""
    table = layer_table(plan, layer)
    below = layer_table(plan, layer - 1)
    size = itemsize(one)
    width = lanes(one)
    dz_row = word(table, at.UNIT_ROW)
    out_row = word(below, at.UNIT_ROW)
    dz = word(table, at.GRADIENT) + first_row * dz_row * size
    out = word(below, at.GRADIENT) + first_row * out_row * size
    mask = activation_of(plan, layer - 1, turn, one) + first_row * out_row * size
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
def update(plan, layer, thread, turn, rows, first, last, first_input, last_input, decay, one):
    """Part of a layer's weights and biases, in place, with no gradient array.

    The part is vectors `first` to `last` of the columns, and whole squares of rows.
    """
    table = layer_table(plan, layer)
    size = itemsize(one)
    width = lanes(one)
    x = input_of(plan, layer, thread, turn, one)
    x_row = input_row_of(plan, layer)
    dz_row = word(table, at.UNIT_ROW)
    panel = word(table, at.WEIGHTS_PANEL)
    is_skipping = layer == 0 and word(plan, at.IS_SKIPPING) != 0
    if is_skipping:
        n_padded = word(table, at.N_IN_PADDED)
        words = word(plan, at.WORDS) + thread * word(plan, at.WORDS_BLOCK)
        update_skipping(x, x_row, words, n_padded, word(plan, at.NO_WORDS), rows,
                        first_input, last_input, word(table, at.WEIGHTS), panel,
                        decay, one, word(table, at.GRADIENT), dz_row, first, last)  # fmt: skip
    c = first
    while c < last:
        vectors = 2 if c % 2 == 0 and c + 2 <= last else 1
        offset = c * width * size
        dz = word(table, at.GRADIENT) + offset
        if first_input == 0:
            bias = word(table, at.BIAS) + offset
            tiles(vectors, 1, word(plan, at.ONES), 0, 0, dz, dz_row,
                  bias, 0, one, bias, 0, rows, STORE, 0)  # fmt: skip
        if not is_skipping:
            w = word(table, at.WEIGHTS) + (c // 2 * panel + c % 2 * width) * size
            w += first_input * 2 * width * size
            n_inputs = min(last_input, word(table, at.N_IN)) - first_input
            tiles(vectors, n_inputs, x + first_input * size, 1, x_row, dz, dz_row,
                  w, 2 * width, decay, w, 2 * width, rows, STORE, 0)  # fmt: skip
        if layer > 0:
            for v in range(c, c + vectors):
                transpose_squares(
                    word(table, at.WEIGHTS) + (v // 2 * panel + v % 2 * width) * size, 2 * width,
                    word(table, at.TRANSPOSED) + v * width * 2 * width * size,
                    word(table, at.TRANSPOSED_PANEL),
                    first_input // width, last_input // width, one,
                )  # fmt: skip
        c += vectors


@compiled
def hidden_forward(plan, layer, turn, rows, thread, n_threads, one):
    """A thread's own columns of a hidden layer; its own rows, where there are too few columns."""
    n_vectors = word(layer_table(plan, layer), at.N_VECTORS)
    if n_vectors >= n_threads:
        first = share(n_vectors, thread, n_threads)
        last = share(n_vectors, thread + 1, n_threads)
        forward(plan, layer, thread, turn, 0, rows, first, last, one)
    else:
        unit = MASK_ROWS if word(plan, at.IS_SKIPPING) != 0 else ROWS_TOGETHER
        first = share_rows(rows, unit, thread, n_threads)
        last = share_rows(rows, unit, thread + 1, n_threads)
        forward(plan, layer, thread, turn, first, last, 0, n_vectors, one)


@compiled
def output_rows(plan, thread, turn, first, first_row, last_row, rate, one):
    """The last layer, the loss and the way back to the first layer, for rows of the batch."""
    last_layer = word(plan, at.N_LAYERS) - 1
    table = layer_table(plan, last_layer)
    size = itemsize(one)
    stride = word(table, at.UNIT_ROW)
    n_rows = last_row - first_row
    n_vectors = word(table, at.N_VECTORS)
    forward(plan, last_layer, thread, turn, first_row, last_row, 0, n_vectors, one)
    offset = first_row * stride * size
    gradient = word(table, at.GRADIENT) + offset
    softmax_rows(activation_of(plan, last_layer, turn, one) + offset, stride, n_rows,
                 word(table, at.N_OUT), gradient, stride, rate)  # fmt: skip
    subtract_labels(gradient, stride, n_rows,
                    word(plan, at.ORDER) + (first + first_row) * 8, word(plan, at.LABELS),
                    word(plan, at.CHOSEN) + first_row * size, rate)  # fmt: skip
    for layer in range(last_layer, 0, -1):
        backward(plan, layer, turn, first_row, last_row, one)


@compiled
def update_part(plan, layer, turn, rows, thread, n_threads, decay, one):
    """A thread's own columns of a layer's weights; its own rows, where the columns are too few."""
    table = layer_table(plan, layer)
    n_vectors = word(table, at.N_VECTORS)
    n_inputs = word(table, at.N_IN_PADDED)
    width = lanes(one)
    if n_vectors >= n_threads:
        first = share(n_vectors, thread, n_threads)
        last = share(n_vectors, thread + 1, n_threads)
        update(plan, layer, thread, turn, rows, first, last, 0, n_inputs, decay, one)
    else:
        first = share_rows(n_inputs, width, thread, n_threads)
        last = share_rows(n_inputs, width, thread + 1, n_threads)
        update(plan, layer, thread, turn, rows, 0, n_vectors, first, last, decay, one)


@compiled
def run_steps(
    plan, thread, n_threads, first_step, last_step,
    decay, rate, last_rate, scale, inverse, one,
):  # fmt: skip
    """Steps `first_step` to `last_step` of an epoch, one thread's part of them.

    Computes an epoch of :class:`fastmlp.reference.Trainer`, step by step.

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
    n_layers = word(plan, at.N_LAYERS)
    for step in range(first_step, last_step):
        turn = step % 2
        first = step * batch_rows
        rows = min(batch_rows, n_rows - first)
        step_rate = rate if rows == batch_rows else last_rate
        gather(plan, thread, first, rows, scale, inverse)
        for layer in range(n_layers - 1):
            hidden_forward(plan, layer, turn, rows, thread, n_threads, one)
            meet(team, n_threads)
        first_row = share_rows(rows, ROWS_TOGETHER, thread, n_threads)
        last_row = share_rows(rows, ROWS_TOGETHER, thread + 1, n_threads)
        output_rows(plan, thread, turn, first, first_row, last_row, step_rate, one)
        meet(team, n_threads)
        for layer in range(n_layers):
            update_part(plan, layer, turn, rows, thread, n_threads, decay, one)
        if n_layers == 1:  # no hidden layer, at which threads would meet before the next output
            meet(team, n_threads)
    return n_threads


@compiled
def run_forward(plan, first, last, scale, inverse, one):
    """Probabilities of rows `first` to `last` of the order, written to the same rows of OUT.

    Computes :func:`fastmlp.reference.forward`, a batch at a time, by one thread alone.
    """
    batch_rows = word(plan, at.BATCH_ROWS)
    last_layer = word(plan, at.N_LAYERS) - 1
    table = layer_table(plan, last_layer)
    n_classes = word(table, at.N_OUT)
    for start in range(first, last, batch_rows):
        rows = min(batch_rows, last - start)
        gather(plan, 0, start, rows, scale, inverse)
        for layer in range(last_layer + 1):
            n_vectors = word(layer_table(plan, layer), at.N_VECTORS)
            forward(plan, layer, 0, 0, 0, rows, 0, n_vectors, one)
        z, z_row = word(table, at.ACTIVATION), word(table, at.UNIT_ROW)
        softmax_rows(z, z_row, rows, n_classes, z, z_row, one)
        copy_rows(z, z_row, rows, n_classes,
                  word(plan, at.OUT) + start * n_classes * itemsize(one), one)  # fmt: skip
