"""A step of mini-batch gradient descent, and how threads share it.

A thread owns a range of columns (units) of each layer that is large enough, forward and in the
update, so that its weights never leave its core's caches. Layers that are too small it has for
itself, and it gathers each batch for itself: work done twice takes less time than rows that travel
from one core to another. Per step,

1. hidden layers forward, one after the other, each thread its own columns -- all threads meet
2. each thread: the last layer, softmax, and the gradient of the loss by the logits
3. the way back through the layers, each thread its own columns -- all threads meet, unless
   the layer above is each thread's own and there is no layer below to wait for it
4. each thread updates its own columns

So the threads that train one hidden layer and some classes meet just once a step. No barrier stands
between a step and the next one: a thread that is ahead writes its activations to the other one of
two blocks. Each number is computed in a fixed order, whoever computes it: the number of threads
can't change a bit of the result.
"""

from __future__ import annotations

from fastmlp.kernels import clock
from fastmlp.kernels import plan as at
from fastmlp.kernels.cache import compiled
from fastmlp.kernels.gather import (
    CSR,
    FLOAT32,
    MASK_ROWS,
    UINT8,
    gather_csr,
    gather_float32,
    gather_float64,
    gather_uint8,
)
from fastmlp.kernels.simd import copy_rows, copy_vectors, itemsize, lanes, word
from fastmlp.kernels.skip import forward_skipping, update_skipping
from fastmlp.kernels.softmax import softmax_rows, subtract_labels
from fastmlp.kernels.team import enter, meet
from fastmlp.kernels.tile import RELU, RELU_MASK, STORE, tiles
from fastmlp.kernels.transpose import transpose_squares


@compiled
def layer_table(plan, layer):
    """Address of a layer's table."""
    return word(plan, at.LAYERS) + layer * at.LAYER_FIELDS * 8


@compiled
def copy_of(table, field, thread, one):
    """Address of a thread's own copy of a buffer; of the buffer, if the threads share it."""
    return word(table, field) + thread * word(table, field + 1) * itemsize(one)


@compiled
def masks_of(plan, thread):
    """Address of a thread's own masks."""
    return word(plan, at.MASKS) + thread * word(plan, at.MASKS_COPY) * 8


@compiled
def first_vector(table, thread, n_threads):
    """First of a thread's own vectors of columns; they end where the next thread's begin."""
    n_vectors = word(table, at.N_VECTORS)
    if word(table, at.IS_SHARED) != 0:
        return n_vectors * thread // n_threads
    return 0


@compiled
def last_vector(table, thread, n_threads):
    n_vectors = word(table, at.N_VECTORS)
    if word(table, at.IS_SHARED) != 0:
        return n_vectors * (thread + 1) // n_threads
    return n_vectors


@compiled
def activation_of(plan, layer, thread, turn, one):
    """Address of the block of a layer's activations that a step writes, in its turn 0 or 1."""
    table = layer_table(plan, layer)
    block = turn * word(table, at.ACTIVATION_BLOCK) * itemsize(one)
    return copy_of(table, at.ACTIVATION, thread, one) + block


@compiled
def input_of(plan, layer, thread, turn, one):
    """Address of a layer's input."""
    if layer == 0:
        return copy_of(plan, at.INPUT, thread, one)
    return activation_of(plan, layer - 1, thread, turn, one)


@compiled
def input_row_of(plan, layer):
    """Elements from one row of a layer's input to the next."""
    if layer == 0:
        return word(plan, at.INPUT_ROW)
    return word(layer_table(plan, layer - 1), at.UNIT_ROW)


@compiled
def gather(plan, thread, first, rows, scale, inverse):
    """The batch of `rows` rows that starts at row `first` of the order, into a thread's block."""
    n_features = word(layer_table(plan, 0), at.N_IN)
    n_padded = word(layer_table(plan, 0), at.N_IN_PADDED)
    stride = word(plan, at.INPUT_ROW)
    kind = word(plan, at.X_KIND)
    x = word(plan, at.X)
    block = copy_of(plan, at.INPUT, thread, scale)
    block_masks = masks_of(plan, thread)
    for start in range(0, rows, MASK_ROWS):
        count = min(rows - start, MASK_ROWS)
        order = word(plan, at.ORDER) + (first + start) * 8
        # The last batch has no next one: what is fetched then is at hand.
        has_next = first + rows + start + count <= word(plan, at.N_ROWS)
        next_order = order + rows * 8 if has_next else order
        out = block + start * stride * itemsize(scale)
        masks = block_masks + start // MASK_ROWS * word(plan, at.MASKS_ROW) * 8
        if kind == UINT8:
            gather_uint8(x, n_features, order, count, next_order,
                         scale, inverse, out, stride, masks)  # fmt: skip
        elif kind == FLOAT32:
            gather_float32(x, n_features, order, count, next_order,
                         scale, inverse, out, stride, masks)  # fmt: skip
        elif kind == CSR:
            gather_csr(word(plan, at.X_INDPTR), word(plan, at.X_INDICES), x, n_padded,
                       order, count, out, stride, masks, scale)  # fmt: skip
        else:
            gather_float64(x, n_features, order, count, next_order,
                         scale, inverse, out, stride, masks)  # fmt: skip


@compiled
def forward(plan, layer, thread, n_threads, turn, rows, one):
    """A thread's own columns of a layer's activations; of the last layer: of the logits."""
    table = layer_table(plan, layer)
    size = itemsize(one)
    width = lanes(one)
    x = input_of(plan, layer, thread, turn, one)
    x_row = input_row_of(plan, layer)
    z = activation_of(plan, layer, thread, turn, one)
    z_row = word(table, at.UNIT_ROW)
    weights = copy_of(table, at.WEIGHTS, thread, one)
    panel = word(table, at.WEIGHTS_PANEL)
    bias = copy_of(table, at.BIAS, thread, one)
    is_last = layer == word(plan, at.N_LAYERS) - 1
    c = first_vector(table, thread, n_threads)
    last = last_vector(table, thread, n_threads)
    if layer == 0 and word(plan, at.IS_SKIPPING) != 0 and not is_last:
        n_padded = word(table, at.N_IN_PADDED)
        forward_skipping(x, x_row, masks_of(plan, thread), word(plan, at.MASKS_ROW), rows, n_padded,
                         weights, panel, bias, z, z_row, c, last, one)  # fmt: skip
        return
    while c < last:
        vectors = 2 if c % 2 == 0 and c + 2 <= last else 1
        w = weights + (c // 2 * panel + c % 2 * width) * size
        offset = c * width * size
        tiles(vectors, rows, x, x_row, 1, w, 2 * width, bias + offset, 0, one,
              z + offset, z_row, word(table, at.N_IN), STORE if is_last else RELU, 0)  # fmt: skip
        c += vectors


@compiled
def loss_gradient(plan, thread, turn, first, rows, rate, one):
    """From the logits to the gradient by them, times `rate`, in a thread's own block."""
    last_layer = word(plan, at.N_LAYERS) - 1
    table = layer_table(plan, last_layer)
    stride = word(table, at.UNIT_ROW)
    gradient = copy_of(table, at.GRADIENT, thread, one)
    softmax_rows(activation_of(plan, last_layer, thread, turn, one), stride, rows,
                 word(table, at.N_OUT), gradient, stride, rate)  # fmt: skip
    subtract_labels(gradient, stride, rows, word(plan, at.ORDER) + first * 8,
                    word(plan, at.LABELS), copy_of(plan, at.CHOSEN, thread, one), rate)  # fmt: skip


@compiled
def backward(plan, layer, thread, n_threads, turn, rows, one):
    """From the gradient by a layer's outputs to a thread's own columns of that by its inputs."""
    table = layer_table(plan, layer)
    below = layer_table(plan, layer - 1)
    size = itemsize(one)
    width = lanes(one)
    dz = copy_of(table, at.GRADIENT, thread, one)
    dz_row = word(table, at.UNIT_ROW)
    out = copy_of(below, at.GRADIENT, thread, one)
    out_row = word(below, at.UNIT_ROW)
    mask = activation_of(plan, layer - 1, thread, turn, one)
    transposed = copy_of(table, at.TRANSPOSED, thread, one)
    panel = word(table, at.TRANSPOSED_PANEL)
    c = first_vector(below, thread, n_threads)
    last = last_vector(below, thread, n_threads)
    while c < last:
        vectors = 2 if c % 2 == 0 and c + 2 <= last else 1
        w = transposed + (c // 2 * panel + c % 2 * width) * size
        offset = c * width * size
        tiles(vectors, rows, dz, dz_row, 1, w, 2 * width, word(plan, at.ZEROS), 0, one,
              out + offset, out_row, word(table, at.N_OUT), RELU_MASK, mask + offset)  # fmt: skip
        c += vectors


@compiled
def update(plan, layer, thread, n_threads, turn, rows, decay, one):
    """A thread's own columns of a layer's weights and biases, in place, with no gradient array."""
    table = layer_table(plan, layer)
    size = itemsize(one)
    width = lanes(one)
    x = input_of(plan, layer, thread, turn, one)
    x_row = input_row_of(plan, layer)
    dz = copy_of(table, at.GRADIENT, thread, one)
    dz_row = word(table, at.UNIT_ROW)
    weights = copy_of(table, at.WEIGHTS, thread, one)
    panel = word(table, at.WEIGHTS_PANEL)
    transposed = copy_of(table, at.TRANSPOSED, thread, one)
    bias = copy_of(table, at.BIAS, thread, one)
    c = first_vector(table, thread, n_threads)
    last = last_vector(table, thread, n_threads)
    is_skipping = layer == 0 and word(plan, at.IS_SKIPPING) != 0
    if is_skipping:
        n_padded = word(table, at.N_IN_PADDED)
        update_skipping(x, x_row, masks_of(plan, thread), word(plan, at.MASKS_ROW), rows, n_padded,
                        weights, panel, decay, one, dz, dz_row, c, last)  # fmt: skip
    while c < last:
        vectors = 2 if c % 2 == 0 and c + 2 <= last else 1
        offset = c * width * size
        tiles(vectors, 1, word(plan, at.ONES), 0, 0, dz + offset, dz_row,
              bias + offset, 0, one, bias + offset, 0, rows, STORE, 0)  # fmt: skip
        if not is_skipping:
            w = weights + (c // 2 * panel + c % 2 * width) * size
            tiles(vectors, word(table, at.N_IN), x, 1, x_row, dz + offset, dz_row,
                  w, 2 * width, decay, w, 2 * width, rows, STORE, 0)  # fmt: skip
        if layer > 0:
            for v in range(c, c + vectors):
                transpose_squares(
                    weights + (v // 2 * panel + v % 2 * width) * size, 2 * width,
                    transposed + v * width * 2 * width * size, word(table, at.TRANSPOSED_PANEL),
                    word(layer_table(plan, layer - 1), at.N_VECTORS), one,
                )  # fmt: skip
        c += vectors


@compiled
def step(plan, thread, n_threads, number, decay, rate, scale, inverse, one):
    """Step `number` of an epoch, one thread's part of it; see :func:`run_steps`.

    Computes :func:`fastmlp.reference.forward` and :func:`fastmlp.reference.backward_update`.
    """
    team = word(plan, at.TEAM)
    watch = word(plan, at.WATCHES)
    if watch != 0:
        watch += thread * clock.WATCH_FIELDS * 8
    clock.start(watch)
    n_layers = word(plan, at.N_LAYERS)
    first = number * word(plan, at.BATCH_ROWS)
    rows = min(word(plan, at.BATCH_ROWS), word(plan, at.N_ROWS) - first)
    turn = number % 2
    gather(plan, thread, first, rows, scale, inverse)
    clock.lap(watch, clock.GATHER)
    for layer in range(n_layers):
        forward(plan, layer, thread, n_threads, turn, rows, one)
        clock.lap(watch, clock.FORWARD if layer == 0 else clock.FORWARD_ABOVE)
        if word(layer_table(plan, layer), at.IS_SHARED) != 0:
            meet(team, n_threads)
            clock.lap(watch, clock.WAIT)
    loss_gradient(plan, thread, turn, first, rows, rate, one)
    clock.lap(watch, clock.LOSS)
    for layer in range(n_layers - 1, 0, -1):
        backward(plan, layer, thread, n_threads, turn, rows, one)
        clock.lap(watch, clock.BACKWARD)
        # Until now others read this layer's weights, from now on the gradient that came out.
        above, below = layer_table(plan, layer), layer_table(plan, layer - 1)
        if word(above, at.IS_SHARED) + (layer > 1) * word(below, at.IS_SHARED) != 0:
            meet(team, n_threads)
            clock.lap(watch, clock.WAIT)
    for layer in range(n_layers):
        update(plan, layer, thread, n_threads, turn, rows, decay, one)
        clock.lap(watch, clock.UPDATE if layer == 0 else clock.UPDATE_ABOVE)


@compiled
def catch_up(plan, thread, one):
    """Copy what the first thread has for itself: it may have worked alone before."""
    for layer in range(word(plan, at.N_LAYERS)):
        table = layer_table(plan, layer)
        if word(table, at.IS_SHARED) == 0:
            for field in (at.WEIGHTS, at.TRANSPOSED, at.BIAS):
                source = copy_of(table, field, 0, one)
                n = word(table, field + 1)
                copy_vectors(source, n, copy_of(table, field, thread, one), one)


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
    if thread > 0:
        catch_up(plan, thread, one)
    meet(team, n_threads)
    batch_rows = word(plan, at.BATCH_ROWS)
    for number in range(first_step, last_step):
        is_whole = (number + 1) * batch_rows <= word(plan, at.N_ROWS)
        step_rate = rate if is_whole else last_rate
        step(plan, thread, n_threads, number, decay, step_rate, scale, inverse, one)
    return n_threads


@compiled
def run_forward(plan, first, last, scale, inverse, one):
    """Probabilities of rows `first` to `last` of the order, written to the same rows of OUT.

    Computes :func:`fastmlp.reference.forward`, a batch at a time, by one thread alone.
    """
    batch_rows = word(plan, at.BATCH_ROWS)
    n_layers = word(plan, at.N_LAYERS)
    table = layer_table(plan, n_layers - 1)
    n_classes = word(table, at.N_OUT)
    for start in range(first, last, batch_rows):
        rows = min(batch_rows, last - start)
        gather(plan, 0, start, rows, scale, inverse)
        for layer in range(n_layers):
            forward(plan, layer, 0, 1, 0, rows, one)
        z, z_row = word(table, at.ACTIVATION), word(table, at.UNIT_ROW)
        softmax_rows(z, z_row, rows, n_classes, z, z_row, one)
        copy_rows(z, z_row, rows, n_classes,
                  word(plan, at.OUT) + start * n_classes * itemsize(one), one)  # fmt: skip
