"""Processes large batches in parts: each thread takes whole parts of the batch's rows.

A thousand rows or more don't stay in a core's caches from layer to layer, and threads can't divide
the few columns of a small network. So such a batch is processed in parts of ROWS_PER_SUM rows, each
of which goes forward and back through all layers while it is in the caches. Each part stores its
gradient sums in a buffer of its own. When all parts are done, the threads meet, and each adds up
the parts in their order and updates its own copy of the parameters, which takes less time than
passing parameters from core to core.

The sums are those of `update` in the same order, and so have the same bits.
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

FEWEST_PARTS = 4  # batches of fewer parts are not worth dividing
MOST_SUMS = 1 << 22  # elements in the gradient sums of all parts together
SMALL = 1 << 13  # weights of a network that has too few columns to divide
WEIGHTS_A_PART = 1 << 16  # most weights of others per part, since each thread updates all of them


def takes_parts(n_weights: int, batch_rows: int, n_threads: int) -> bool:
    """Whether to process batches of `batch_rows` rows in parts.

    Networks that are not SMALL use parts only if there are at least two per thread, since some
    threads would be idle otherwise.
    """
    n_parts = -(-batch_rows // ROWS_PER_SUM)
    if n_parts < FEWEST_PARTS or n_parts * n_weights > MOST_SUMS:
        return False
    is_shared = n_parts >= 2 * n_threads and n_weights <= n_parts * WEIGHTS_A_PART
    return n_weights <= SMALL or is_shared


@vector_op
def _add_columns(v: Lanes, matrix: View, rows: Any, n: Any, out: Any, dtype: Any) -> None:
    """``out[:n] = matrix.sum(axis=0)``; `n` is rounded up to whole vectors."""
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
    """Take the optimiser's step for `n` parameters, in place, from the sums of all parts.

    ``sums.row`` is the distance between parts, ``parameters.row`` that from the parameters to their
    first state, and between states.
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
    """Store a part's gradient sums of a layer: of its weights, in panels, and of its biases.

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
    """Update a thread's own copy of a layer's weights, biases and states, in place.

    Computes :func:`fastmlp.reference.optimizer_step` from the sums that `add_part` has stored.
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
