"""The stages of a step: the batch's rows, and each layer forward, back, and updated.

Every stage does one thread's part: the vectors of columns (units) that the thread owns, or its rows
where a layer is shared by rows. Of a layer that is not shared, each thread has a copy, and owns it
all. See :mod:`fastmlp.kernels.plan`.
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
from fastmlp.kernels.nonzeros import (
    MASK_ROWS,
    find_nonzero_pixels,
    find_nonzeros,
    locate_rows,
)
from fastmlp.kernels.simd import claim_rows, itemsize, lanes, word
from fastmlp.kernels.skip import forward_skipping, update_skipping
from fastmlp.kernels.softmax import logits_gradient, softmax_rows
from fastmlp.kernels.tile import RELU, RELU_MASK, STORE, TILE_ROWS, tiles
from fastmlp.kernels.transpose import transpose_squares

# Rows of a batch that the update takes together: a panel of their gradient stays in the first-level
# cache, and their inputs in the second.
BLOCK_ROWS = 128


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
    if word(table, at.SHARING) == at.BY_COLUMNS:
        return n_vectors * thread // n_threads
    return 0


@compiled
def last_vector(table, thread, n_threads):
    n_vectors = word(table, at.N_VECTORS)
    if word(table, at.SHARING) == at.BY_COLUMNS:
        return n_vectors * (thread + 1) // n_threads
    return n_vectors


@compiled
def first_row(table, thread, n_threads, n, unit):
    """First of a thread's own rows out of `n`; they end where the next thread's begin."""
    if word(table, at.SHARING) == at.BY_ROWS:
        return min((n + unit - 1) // unit * thread // n_threads * unit, n)
    return 0


@compiled
def last_row(table, thread, n_threads, n, unit):
    if word(table, at.SHARING) == at.BY_ROWS:
        return first_row(table, thread + 1, n_threads, n, unit)
    return n


@compiled
def unit_of_rows(plan, layer):
    """Rows of a batch that threads don't divide between them."""
    return MASK_ROWS if layer == 0 and word(plan, at.IS_SKIPPING) != 0 else TILE_ROWS


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
def table_of(plan, field, thread):
    """Address of a thread's own table of rows."""
    return word(plan, field) + thread * word(plan, at.ROWS_COPY) * 8


@compiled
def gather(plan, thread, first, rows, one):
    """Have a batch's rows at hand: the `rows` ones from row `first` of the order on.

    They are copied into the thread's block, or their places in X noted; and where zeros are
    skipped, they are found.
    """
    n_features = word(layer_table(plan, 0), at.N_IN)
    order = word(plan, at.ORDER) + first * 8
    # Where no whole batch follows, what is fetched is at hand.
    next_order = order + rows * 8 if first + 2 * rows <= word(plan, at.N_ROWS) else order
    kind = word(plan, at.X_KIND)
    x = word(plan, at.X)
    is_in_place = word(plan, at.IS_IN_PLACE) != 0
    scale = word(plan, at.SCALE)
    block = copy_of(plan, at.INPUT, thread, one)
    stride = word(plan, at.INPUT_ROW)
    if is_in_place:
        row_bytes = n_features if kind == UINT8 else n_features * itemsize(one)
        locate_rows(x, row_bytes, order, rows, table_of(plan, at.ROWS, thread))
        locate_rows(x, row_bytes, next_order, rows, table_of(plan, at.NEXT_ROWS, thread))
    elif kind == UINT8:
        gather_uint8(x, n_features, order, rows, next_order, scale, block, stride, one)
    elif kind == FLOAT32:
        gather_float32(x, n_features, order, rows, next_order, scale, block, stride, one)
    elif kind == CSR:
        gather_csr(word(plan, at.X_INDPTR), word(plan, at.X_INDICES), x,
                   word(layer_table(plan, 0), at.N_IN_PADDED),
                   order, rows, block, stride, one)  # fmt: skip
    else:
        gather_float64(x, n_features, order, rows, next_order, scale, block, stride, one)
    if word(plan, at.IS_SKIPPING) != 0:
        for start in range(0, rows, MASK_ROWS):
            count = min(rows - start, MASK_ROWS)
            table = table_of(plan, at.ROWS, thread) + start * 8
            masks = masks_of(plan, thread) + start // MASK_ROWS * word(plan, at.MASKS_ROW) * 8
            scratch = word(plan, at.FOUND) + thread * word(plan, at.FOUND_COPY)
            part = word(plan, at.FOUND_COPY) // (MASK_ROWS // 8)
            if word(plan, at.LEVELS) != 0:
                find_nonzero_pixels(table, count, n_features, scratch, part, masks, one)
            else:
                find_nonzeros(table, count, n_features, scratch, part, masks, one)


@compiled
def claim_activations(plan, layer, thread, n_threads, turn, rows, one):
    """Fetch a thread's own part of a layer's activations, which others have read, to be written.

    Asked for one by one, when they are written, the cache lines would come much more slowly.
    """
    table = layer_table(plan, layer)
    width = lanes(one)
    first = first_vector(table, thread, n_threads)
    n = (last_vector(table, thread, n_threads) - first) * width
    start = first_row(table, thread, n_threads, rows, unit_of_rows(plan, layer))
    end = last_row(table, thread, n_threads, rows, unit_of_rows(plan, layer))
    z_row = word(table, at.UNIT_ROW)
    z = activation_of(plan, layer, thread, turn, one)
    claim_rows(z + (start * z_row + first * width) * itemsize(one), z_row, end - start, n, one)


@compiled
def forward(plan, layer, thread, n_threads, turn, rows, one):
    """A thread's own columns, or rows, of a layer's activations; of logits, in the last layer."""
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
    start = first_row(table, thread, n_threads, rows, unit_of_rows(plan, layer))
    end = last_row(table, thread, n_threads, rows, unit_of_rows(plan, layer))
    if layer == 0 and word(plan, at.IS_SKIPPING) != 0:
        n_padded = word(table, at.N_IN_PADDED)
        forward_skipping(masks_of(plan, thread), word(plan, at.MASKS_ROW), start, end, n_padded,
                         table_of(plan, at.ROWS, thread), table_of(plan, at.NEXT_ROWS, thread),
                         word(plan, at.LEVELS),
                         weights, panel, bias, z, z_row, c, last, is_last, one)  # fmt: skip
        return
    while c < last:
        vectors = 2 if c % 2 == 0 and c + 2 <= last else 1
        w = weights + (c // 2 * panel + c % 2 * width) * size
        offset = c * width * size
        tiles(vectors, end - start, x + start * x_row * size, x_row, 1, w, 2 * width,
              bias + offset, 0, one, z + offset + start * z_row * size, z_row,
              word(table, at.N_IN), STORE if is_last else RELU, 0)  # fmt: skip
        c += vectors


@compiled
def loss_gradient(plan, thread, turn, first, rows, rate, one):
    """From the logits to the gradient by them, times `rate`, in a thread's own block."""
    last_layer = word(plan, at.N_LAYERS) - 1
    table = layer_table(plan, last_layer)
    stride = word(table, at.UNIT_ROW)
    gradient = copy_of(table, at.GRADIENT, thread, one)
    n_classes = word(table, at.N_OUT)
    softmax_rows(activation_of(plan, last_layer, thread, turn, one), stride, rows, n_classes,
                 gradient, stride, one)  # fmt: skip
    logits_gradient(gradient, stride, rows, n_classes, word(plan, at.ORDER) + first * 8,
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
    """A thread's own columns, or inputs, of a layer's weights, and its biases, in place.

    There is no gradient array. Where the inputs are shared, thread 0 has the biases.
    """
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
    first = first_vector(table, thread, n_threads)
    last = last_vector(table, thread, n_threads)
    is_skipping = layer == 0 and word(plan, at.IS_SKIPPING) != 0
    # Inputs are the rows of the weights.
    n_inputs = word(table, at.N_IN_PADDED) if is_skipping else word(table, at.N_IN)
    start = first_row(table, thread, n_threads, n_inputs, at.LONGEST_GROUP)
    end = last_row(table, thread, n_threads, n_inputs, at.LONGEST_GROUP)
    if is_skipping:
        update_skipping(masks_of(plan, thread), word(plan, at.MASKS_ROW), rows, start, end,
                        table_of(plan, at.ROWS, thread), table_of(plan, at.NEXT_ROWS, thread),
                        word(plan, at.LEVELS),
                        weights, panel, decay, one, dz, dz_row, first, last)  # fmt: skip
    for block in range(0, rows, BLOCK_ROWS):
        count = min(rows - block, BLOCK_ROWS)
        scale = decay if block == 0 else one
        x_at, dz_at = x + block * x_row * size, dz + block * dz_row * size
        c = first
        while c < last:
            vectors = 2 if c % 2 == 0 and c + 2 <= last else 1
            offset = c * width * size
            if thread == 0 or word(table, at.SHARING) != at.BY_ROWS:
                tiles(vectors, 1, word(plan, at.ONES), 0, 0, dz_at + offset, dz_row,
                      bias + offset, 0, one, bias + offset, 0, count, STORE, 0)  # fmt: skip
            if not is_skipping:
                w = weights + (c // 2 * panel + c % 2 * width + start * 2 * width) * size
                tiles(vectors, end - start, x_at + start * size, 1, x_row, dz_at + offset, dz_row,
                      w, 2 * width, scale, w, 2 * width, count, STORE, 0)  # fmt: skip
            c += vectors
    if layer > 0:
        for v in range(first, last):
            transpose_squares(
                weights + (v // 2 * panel + v % 2 * width) * size, 2 * width,
                transposed + v * width * 2 * width * size, word(table, at.TRANSPOSED_PANEL),
                word(layer_table(plan, layer - 1), at.N_VECTORS), one,
            )  # fmt: skip
