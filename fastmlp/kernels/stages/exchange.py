"""Adds up the first layer's sums where threads divide its inputs.

Each thread has summed up its own parts of the inputs, for all rows of the batch. When all have met,
each adds the parts of its own rows, in their order. It is fast because a thread requests the lines
that it is about to write, or to read from another core, all at once, instead of waiting for one
after the other.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fastmlp.kernels.codegen.buffers import LINE
from fastmlp.kernels.codegen.kernel import kernel
from fastmlp.kernels.codegen.numba_types import View
from fastmlp.kernels.codegen.simd import Lanes, constant
from fastmlp.kernels.codegen.vector_op import itemsize, lanes, prefetch_to_write, vector_op
from fastmlp.kernels.entries.activations import RELU
from fastmlp.kernels.layout.partition import first_input, first_row, last_input, last_row
from fastmlp.kernels.layout.records import layer_at, work_at
from fastmlp.kernels.stages.tile import epilogue_of

VECTORS_TOGETHER = 4  # whose sums are added up together, independently


@vector_op
def _prefetch(v: Lanes, matrix: View, rows: Any, n: Any, dtype: Any) -> None:
    """Request the cache lines of `n` elements of each of `rows` rows."""
    b = v.builder

    def row(r: Any) -> None:
        start = v.at(matrix.address, b.mul(r, matrix.row))
        v.repeat(n, lambda i: v.prefetch(v.at(start, i)), step=LINE // v.size)

    v.repeat(rows, row)


@vector_op
def _add_parts(
    v: Lanes, parts: View, n_parts: Any, rows: Any, n: Any, bias: Any, out: View,
    epilogue: Any, dtype: Any,
) -> None:  # fmt: skip
    """``out[r, :n] = epilogue(bias[:n] + parts[0][r, :n] + parts[1][r, :n] + ...)``.

    ``parts.row`` is the distance between rows, ``parts.column`` that between parts.
    """
    b = v.builder
    is_relu = b.icmp_signed("==", epilogue, constant(RELU))

    def row(r: Any) -> None:
        sums, target = (v.at(view.address, b.mul(r, view.row)) for view in (parts, out))

        def vectors(together: int, first: Any) -> None:
            places = [b.add(first, constant(c * v.count)) for c in range(together)]

            def add(part: Any, *zs: Any) -> list[Any]:
                start = v.at(sums, b.mul(part, parts.column))
                return [b.fadd(z, v.load(v.at(start, i))) for z, i in zip(zs, places, strict=True)]

            zs = v.repeat(n_parts, add, initial=[v.load(v.at(bias, i)) for i in places])
            for z, i in zip(zs, places, strict=True):
                v.store(b.select(is_relu, v.relu(z), z), v.at(target, i))

        i = constant(0)
        for together in (VECTORS_TOGETHER, 1):
            i = v.repeat_whole(i, n, together * v.count, partial(vectors, together))

    v.repeat(rows, row)


@kernel
def claim_sums(work, layer, dtype):
    """Claim the lines of a thread's own sums that another thread has read, in the step before."""
    work, layer = work_at(work), layer_at(layer)
    if work.n_threads > 1:
        row, n, size = layer.unit_row, layer.n_vectors * lanes(dtype), itemsize(dtype)
        start, end = first_row(work, layer), last_row(work, layer)
        for k in range(first_input(work, layer), last_input(work, layer), layer.n_in_part):
            sums = layer.sums + k // layer.n_in_part * layer.sums_part * size
            prefetch_to_write(View(sums, row, 1), start, n, dtype)
            prefetch_to_write(View(sums + end * row * size, row, 1), work.n_rows - end, n, dtype)


@kernel
def claim_rows(work, layer, dtype):
    """Claim the lines of a thread's own rows of the outputs and of the gradient."""
    work, layer = work_at(work), layer_at(layer)
    if work.n_threads > 1:
        row, n, size = layer.unit_row, layer.n_vectors * lanes(dtype), itemsize(dtype)
        start = first_row(work, layer)
        n_rows = last_row(work, layer) - start
        z = layer.slopes + (work.turn * layer.outputs_block + start * row) * size
        prefetch_to_write(View(z, row, 1), n_rows, n, dtype)
        prefetch_to_write(View(layer.gradient + start * row * size, row, 1), n_rows, n, dtype)


@kernel
def fetch_rows(work, layer, dtype):
    """Fetch the other threads' rows of the gradient."""
    work, layer = work_at(work), layer_at(layer)
    if work.n_threads > 1:
        row, n, size = layer.unit_row, layer.n_vectors * lanes(dtype), itemsize(dtype)
        end = last_row(work, layer)
        _prefetch(View(layer.gradient, row, 1), first_row(work, layer), n, dtype)
        after = layer.gradient + end * row * size
        _prefetch(View(after, row, 1), work.n_rows - end, n, dtype)


@kernel
def exchange(work, layer, dtype, activation):
    """Add up the parts of the sums of a thread's own rows, and the bias.

    Computes :func:`fastmlp.reference.matmul_bias` from what `forward_skipping` has left, with the
    bits that it has where threads divide the columns.
    """
    work, layer = work_at(work), layer_at(layer)
    row, n, size = layer.unit_row, layer.n_vectors * lanes(dtype), itemsize(dtype)
    start = first_row(work, layer)
    n_rows = last_row(work, layer) - start
    n_parts = (layer.n_in + layer.n_in_part - 1) // layer.n_in_part
    sums = layer.sums + start * row * size
    if work.n_threads > 1:
        for part in range(n_parts):
            _prefetch(View(sums + part * layer.sums_part * size, row, 1), n_rows, n, dtype)
    z = layer.slopes + (work.turn * layer.outputs_block + start * row) * size
    _add_parts(View(sums, row, layer.sums_part), n_parts, n_rows, n, layer.bias,
               View(z, row, 1), epilogue_of(activation), dtype)  # fmt: skip
