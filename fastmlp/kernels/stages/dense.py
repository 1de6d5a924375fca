"""Computes the products of a dense layer: its pre-activations, and the gradient of the layer below.

A thread goes through its own columns a panel (two vectors) at a time, or one vector at a time where
it does not own the whole panel. Long sums are computed in parts: after the first part, a product
starts from the result that it has stored before. `tile` says why products are fast.
"""

from __future__ import annotations

from fastmlp.kernels.codegen.kernel import kernel
from fastmlp.kernels.codegen.numba_types import View
from fastmlp.kernels.codegen.vector_op import itemsize, lanes, prefetch_to_write
from fastmlp.kernels.entries.activations import STORE
from fastmlp.kernels.layout.partition import (
    first_row,
    first_row_back,
    first_vector,
    last_row,
    last_row_back,
    last_vector,
)
from fastmlp.kernels.layout.records import layer_at, work_at
from fastmlp.kernels.stages.tile import epilogue_of, mask_of, product


@kernel
def claim_outputs(work, layer, dtype):
    """Claim the cache lines that a thread is about to write its outputs to.

    Two steps ago the other threads read them, so that their cores hold copies, and a core must be
    a line's only holder before it can write there. Requesting all lines at once takes much less
    time than waiting for one after the other at each write. Nothing in memory changes.
    """
    work, layer = work_at(work), layer_at(layer)
    if work.n_threads > 1:
        size, width = itemsize(dtype), lanes(dtype)
        first, start = first_vector(work, layer), first_row(work, layer)
        out = (
            layer.slopes
            + (work.turn * layer.outputs_block + start * layer.unit_row + first * width) * size
        )
        prefetch_to_write(View(out, layer.unit_row, 1), last_row(work, layer) - start,
                          (last_vector(work, layer) - first) * width, dtype)  # fmt: skip


@kernel
def forward(work, layer, dtype, activation):
    """Compute a thread's own columns, or rows, of a layer's pre-activations.

    Computes :func:`fastmlp.reference.matmul_bias`. Where the activation is ReLU, the tiles apply it
    before they are stored; other activations follow as a stage of their own (`activate`).
    """
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(dtype), lanes(dtype)
    start, last = first_row(work, layer), last_vector(work, layer)
    n_rows = last_row(work, layer) - start
    x = layer.inputs + (work.turn * layer.inputs_block + start * layer.inputs_row) * size
    z = layer.slopes + (work.turn * layer.outputs_block + start * layer.unit_row) * size
    c = first_vector(work, layer)
    while c < last:
        is_wide = c % 2 == 0 and c + 2 <= last
        weights = layer.weights + (c // 2 * layer.weights_panel + c % 2 * width) * size
        out = View(z + c * width * size, layer.unit_row, 1)
        before = View(layer.bias + c * width * size, 0, 1)
        for k in range(0, layer.n_in, layer.n_in_part):
            count = min(layer.n_in - k, layer.n_in_part)
            p = View(x + k * size, layer.inputs_row, 1)
            q = View(weights + k * 2 * width * size, 2 * width, 1)
            epilogue = epilogue_of(activation) if k + count == layer.n_in else STORE
            product(is_wide, n_rows, count, p, q, before, out, epilogue, 0, dtype)
            before = out
        c += 2 if is_wide else 1


@kernel
def backward(work, layer, dtype, activation):
    """Compute a thread's own columns, or rows, of the gradient with respect to a layer's inputs.

    Computes ``dz @ w.T`` of :func:`fastmlp.reference.backward`. If the layer below has ReLU, the
    tiles multiply by its slope before they are stored, so that the result is the gradient with
    respect to that layer's pre-activations; without an activation, the two are the same. Other
    slopes follow as a stage of their own (`slope`).
    """
    work, layer = work_at(work), layer_at(layer)
    below = layer_at(layer.below)
    size, width = itemsize(dtype), lanes(dtype)
    start, last = first_row_back(work, below), last_vector(work, below)
    n_rows = last_row_back(work, below) - start
    dz = layer.gradient + start * layer.unit_row * size
    skipped = start * below.unit_row
    c = first_vector(work, below)
    while c < last:
        is_wide = c % 2 == 0 and c + 2 <= last
        weights = layer.transposed + (c // 2 * layer.transposed_panel + c % 2 * width) * size
        out = View(below.gradient + (skipped + c * width) * size, below.unit_row, 1)
        mask = below.slopes + (work.turn * below.outputs_block + skipped + c * width) * size
        before = View(work.zeros, 0, 1)
        for k in range(0, layer.n_out, layer.n_out_part):
            count = min(layer.n_out - k, layer.n_out_part)
            p = View(dz + k * size, layer.unit_row, 1)
            q = View(weights + k * 2 * width * size, 2 * width, 1)
            epilogue = mask_of(activation) if k + count == layer.n_out else STORE
            product(is_wide, n_rows, count, p, q, before, out, epilogue, mask, dtype)
            before = out
        c += 2 if is_wide else 1
