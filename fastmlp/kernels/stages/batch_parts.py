"""Large batches, in parts: each thread takes whole parts of the batch's rows.

Layer by layer, a thousand rows and more don't stay in a core's caches, and the few columns of a
small network can't be shared by threads. So such a batch is taken in parts of ROWS_PER_SUM rows,
each of which goes forward and back through all layers while it is in the caches. A part leaves the
sums of its gradient in a place of its own. When all parts are done, threads meet, and each adds up
the parts in their order, and updates its own copy of the parameters: that takes less time than to
hand them over.

The sums are those of `update`, in the same order: so are the bits.
"""

from __future__ import annotations

from typing import Any

from fastmlp.kernels.codegen.kernel import kernel
from fastmlp.kernels.codegen.numba_types import View
from fastmlp.kernels.codegen.simd import BOOL, Lanes, constant
from fastmlp.kernels.codegen.vector_op import itemsize, lanes, vector_op
from fastmlp.kernels.entries.activations import STORE
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.blocking import ROWS_PER_SUM
from fastmlp.kernels.layout.records import layer_at, scalars_at, work_at
from fastmlp.kernels.stages.tile import product
from fastmlp.kernels.stages.update import Part, finish_update

FEWEST_PARTS = 4  # of a batch, from which it is worth while
MOST_SUMS = 1 << 22  # numbers that all parts may leave
SMALL = 1 << 13  # weights of a network whose columns are too few to be shared instead
WEIGHTS_A_PART = 1 << 16  # of others, which each thread has to update as a whole


def takes_parts(n_weights: int, batch_rows: int, n_threads: int) -> bool:
    """Whether a batch of so many rows is taken in parts, by a network of so many weights.

    Larger networks want some parts for each of the threads, which would be idle without.
    """
    n_parts = -(-batch_rows // ROWS_PER_SUM)
    if n_parts < FEWEST_PARTS or n_parts * n_weights > MOST_SUMS:
        return False
    is_shared = n_parts >= 2 * n_threads and n_weights <= n_parts * WEIGHTS_A_PART
    return n_weights <= SMALL or is_shared


@vector_op
def _add_columns(v: Lanes, matrix: View, rows: Any, n: Any, out: Any, dtype: Any) -> None:
    """``out[:n] = matrix.sum(axis=0)``, whole vectors."""
    b = v.builder

    def column(i: Any) -> None:
        def row(r: Any, total: Any) -> list[Any]:
            return [b.fadd(total, v.load(v.at(matrix.address, b.mul(r, matrix.row), i)))]

        (total,) = v.repeat(rows, row, initial=[v.full(0.0)])
        v.store(total, v.at(out, i))

    v.repeat(n, column, step=v.count)


@vector_op
def _step(
    v: Lanes, sums: View, n_parts: Any, n: Any, parameters: View, scalars: Any,
    optimizer: Any, dtype: Any,
) -> None:  # fmt: skip
    """Take the optimiser's step for `n` parameters, in place, by the sums of all parts.

    The row of `sums` is from part to part; that of `parameters` from them to their first state.
    """
    b = v.builder
    whole = Part(constant(0), constant(0), BOOL(1), BOOL(1), parameters.row, scalars)

    def vector(i: Any) -> None:
        place = v.at(sums.address, i)

        def add(part: Any, total: Any) -> list[Any]:
            return [b.fadd(total, v.load(v.at(place, b.mul(part, sums.row))))]

        (total,) = v.repeat(n_parts, add, initial=[v.load(place)], first=constant(1))
        here = v.at(parameters.address, i)
        finish_update(v, whole, optimizer, [total], [here], [here])

    v.repeat(n, vector, step=v.count)


@kernel
def add_part(work, layer, dtype):
    """A part's sums of a layer's gradient, by its weights as they are packed and by its biases.

    Computes the products of :func:`fastmlp.reference.backward` for the part's rows.
    """
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(dtype), lanes(dtype)
    sums = layer.sums + (work.turn * layer.sums_turn + work.part * layer.sums_part) * size
    p = View(layer.inputs + work.turn * layer.inputs_block * size, 1, layer.inputs_row)
    start = View(work.zeros, 0, 1)
    c = 0
    while c < layer.n_vectors:
        is_wide = c % 2 == 0 and c + 2 <= layer.n_vectors
        out = View(sums + (c // 2 * layer.weights_panel + c % 2 * width) * size, 2 * width, 1)
        dz = View(layer.gradient + c * width * size, layer.unit_row, 1)
        product(is_wide, layer.n_in, work.n_rows, p, dz, start, out, STORE, 0, dtype)
        c += 2 if is_wide else 1
    gradient = View(layer.gradient, layer.unit_row, 1)
    biases = sums + layer.weights_state * size
    _add_columns(gradient, work.n_rows, layer.n_vectors * width, biases, dtype)


@kernel
def update_by_parts(work, layer, dtype, optimizer):
    """A thread's own copy of a layer's weights, biases and states, in place.

    Computes :func:`fastmlp.reference.optimizer_step` from what `add_part` has left of each part.
    """
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(dtype), lanes(dtype)
    n_parts = (work.n_rows + work.part_rows - 1) // work.part_rows
    sums = layer.sums + work.turn * layer.sums_turn * size
    weights = View(layer.weights, layer.weights_state, 1)
    _step(View(sums, layer.sums_part, 1), n_parts, layer.weights_state, weights,
          scalars_at(work, at.FOR_WEIGHTS, dtype), optimizer, dtype)  # fmt: skip
    sums += layer.weights_state * size
    biases = View(layer.bias, layer.bias_state, 1)
    _step(View(sums, layer.sums_part, 1), n_parts, layer.n_vectors * width, biases,
          scalars_at(work, at.FOR_BIASES, dtype), optimizer, dtype)  # fmt: skip
