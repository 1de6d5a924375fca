"""Updates a layer: computes its gradient and the optimiser's step in one pass over the weights.

The gradient of a group of weights is summed up over the batch's rows in registers. After the last
row the optimiser's entry (`optimizers`) computes new weights and states from it, still in
registers. It is fast because the gradient need not be stored, nor the weights loaded again.

Batches of more than ROWS_PER_SUM rows are processed in parts. Between parts the sums are kept in a
scratch buffer. To keep this and the part of the batch in the second-level cache, one block of the
weights at a time, some inputs and some columns, is computed for all parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from fastmlp.kernels.codegen.kernel import kernel
from fastmlp.kernels.codegen.numba_types import View
from fastmlp.kernels.codegen.simd import BOOL, Lanes, constant
from fastmlp.kernels.codegen.vector_op import fill, itemsize, lanes, vector_op
from fastmlp.kernels.entries.optimizers import Optimizer
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.blocking import ROWS_PER_SUM, SUMMED_INPUTS, SUMMED_VECTORS, SUMS_PANEL
from fastmlp.kernels.layout.partition import (
    InputRange,
    by_width,
    end_of_block,
    first_input,
    first_updated,
    last_input,
    last_updated,
    own_biases,
    vectors_from,
)
from fastmlp.kernels.layout.records import layer_at, scalars_at, scalars_of, step_at, work_at
from fastmlp.kernels.stages.penalty import add_squares, keep_sums, own_squares
from fastmlp.kernels.stages.transpose import transpose_squares

BIASES_TOGETHER = 4  # vectors of biases whose sums are computed together, independently


class Part(NamedTuple):
    """A part of a batch, and what to do with its gradient sums.

    Attributes
    ----------
    first_row, n_rows : int
        Its rows of the batch.
    is_first, is_last : bool
        Whether it is the batch's first part, and the last one.
    state : int
        Distance from weights to their first state, and between states.
    scalars : int
        Address of the optimiser's scalars.
    adds_squares : bool
        Whether to add up the squares of the weights.
    """

    first_row: Any
    n_rows: Any
    is_first: Any
    is_last: Any
    state: Any
    scalars: Any
    adds_squares: Any = BOOL(0)


def part_from(v: Lanes, work: Any, layer: Any, row: Any, squares: Any) -> Part:
    """The part of the batch from a row on, for a layer's weights.

    `squares` is 0 if squares are not wanted.
    """
    b = v.builder
    left = b.sub(work.n_rows, row)
    is_last = b.icmp_signed("<=", left, constant(ROWS_PER_SUM))
    n_rows = b.select(is_last, left, constant(ROWS_PER_SUM))
    is_first = b.icmp_signed("==", row, constant(0))
    scalars = scalars_of(v, work, at.FOR_WEIGHTS)
    adds_squares = b.icmp_signed("!=", squares, constant(0))
    return Part(row, n_rows, is_first, is_last, layer.weights_state, scalars, adds_squares)


def finish_update(
    v: Lanes,
    part: Part,
    optimizer: Optimizer,
    gradients: Sequence[Any],
    sums_at: Sequence[Any],
    weights_at: Sequence[Any],
    squares_at: Sequence[Any] = (),
) -> None:
    """Emit what follows a part's sums: add those of earlier parts, then store, or take the step.

    Parameters
    ----------
    v : Lanes
    part : Part
    optimizer : Optimizer
    gradients : sequence of vector
        The part's sums.
    sums_at, weights_at : sequence of int64
        Addresses of each vector's sums and weights.
    squares_at : sequence of int64, optional
        Addresses where the squares are added up, if ``part.adds_squares``.
    """
    b = v.builder
    gradients = v.choose(
        b.not_(part.is_first),
        lambda: [b.fadd(v.load(a), g) for a, g in zip(sums_at, gradients, strict=True)],
        gradients,
    )
    with b.if_else(part.is_last) as (if_last, if_more):
        with if_last:
            if squares_at:
                with b.if_then(part.adds_squares):
                    add_squares(v, weights_at, squares_at)
            values = [v.broadcast(v.at(part.scalars, i)) for i in range(at.N_OPTIMIZER_SCALARS)]
            for gradient, address in zip(gradients, weights_at, strict=True):
                places = [address]
                for _ in range(optimizer.n_states):
                    places.append(v.at(places[-1], part.state))
                old = [v.load(place) for place in places]
                weight, states = optimizer.step(v, old[0], gradient, old[1:], values)
                for value, before, place in zip([weight, *states], old, places, strict=True):
                    if value is not before:
                        v.store(value, place)
        with if_more:
            for gradient, address in zip(gradients, sums_at, strict=True):
                v.store(gradient, address)


@vector_op
def update_bias(v: Lanes, work: Any, layer: Any, optimizer: Any, dtype: Any) -> None:
    """Update a thread's own biases, in place.

    A bias's gradient is the sum over the rows of its unit's gradient, in the same parts as sums of
    weights.
    """
    b = v.builder
    vector = constant(v.count * v.size)
    scalars = scalars_of(v, work, at.FOR_BIASES)
    part = Part(constant(0), work.n_rows, BOOL(1), BOOL(1), layer.bias_state, scalars)
    gradient, gradient_row = layer.gradient, layer.unit_row
    bias, n_rows = layer.bias, work.n_rows

    def columns(together: int, c: Any) -> None:
        first = b.mul(c, vector)
        places = [b.add(first, constant(i * v.count * v.size)) for i in range(together)]
        zeros = [v.full(0.0)] * together

        def some(first: Any, *totals: Any) -> list[Any]:
            after = b.add(first, constant(ROWS_PER_SUM))
            end = b.select(b.icmp_signed("<", after, n_rows), after, n_rows)

            def row(r: Any, *sums: Any) -> list[Any]:
                row_at = v.at(gradient, b.mul(r, gradient_row))
                values = [v.load(b.add(row_at, place)) for place in places]
                return [*map(b.fadd, sums, values)]

            sums = v.repeat(end, row, initial=zeros, first=first)
            return [*map(b.fadd, totals, sums)]

        gradients = v.repeat(n_rows, some, step=ROWS_PER_SUM, initial=zeros)
        biases = [b.add(bias, place) for place in places]
        finish_update(v, part, optimizer, gradients, biases, biases)

    column, last = own_biases(v, work, layer)
    for together in (BIASES_TOGETHER, 1):
        column = v.repeat_whole(column, last, together, partial(columns, together))


@vector_op
def _update_columns(
    v: Lanes, n: Any, work: Any, layer: Any, row: Any, inputs: InputRange,
    dz: View, sums: View, weights: View, squares: Any, optimizer: Any, rows: Any, dtype: Any,
) -> None:  # fmt: skip
    """Update some inputs' weights, `n` vectors wide, from the part of the batch from `row` on."""

    def columns(vectors: int) -> None:
        part = part_from(v, work, layer, row, squares)
        squares_at = [v.at(squares, c * v.count) for c in range(vectors)]

        def finish(gradients: Sequence[Any], addresses: Any, columns: Sequence[int]) -> None:
            places = addresses(sums), addresses(weights)
            finish_update(v, part, optimizer, gradients, *places, [squares_at[c] for c in columns])

        rows.sum_up(v, vectors, work, layer, part, inputs, dz, finish)

    by_width(v, n, rows, columns)


@kernel
def update(work, layer, dtype, optimizer, rows):
    """Update a thread's own columns, or inputs, of a layer's weights, biases and states, in place.

    Computes the weights of :func:`fastmlp.reference.optimizer_step`, fused: no gradient is stored
    except for a block's, between the parts of a large batch. If requested, adds up the squares of
    the weights before the step. `rows` says how the inputs are read: `TILES`, or `Elements` if
    zeros are skipped.
    """
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(dtype), lanes(dtype)
    start, end, last = first_input(work, layer), last_input(work, layer), last_updated(work, layer)
    step = step_at(work.steps + work.step * work.steps_row)
    has_squares = layer.sharing != at.BY_ROWS and layer.sharing != at.BY_INPUTS
    all_squares = own_squares(layer, step.epoch, dtype) if has_squares else 0
    part = layer.n_in_part if all_squares != 0 else end
    k = start
    while k < end:
        inputs = InputRange(k, end_of_block(k, part, SUMMED_INPUTS, end))
        for strip in range(first_updated(work, layer), last, SUMMED_VECTORS):
            strip_end = min(strip + SUMMED_VECTORS, last)
            n_squares = (strip_end - strip) * width if all_squares != 0 else 0
            fill(View(work.squares, 0, 1), 1, n_squares, dtype)
            for row in range(0, work.n_rows, ROWS_PER_SUM):
                c = strip
                while c < strip_end:
                    n = vectors_from(c, strip_end, rows)
                    gradient = layer.gradient + (row * layer.unit_row + c * width) * size
                    dz = View(gradient, layer.unit_row, 1)
                    kept = ((c // 2 - strip // 2) * SUMS_PANEL + c % 2 - k * 2) * width
                    sums = View(work.sums + kept * size, SUMS_PANEL * width, 1)
                    panel = c // 2 * layer.weights_panel + c % 2 * width
                    weights = View(layer.weights + panel * size, layer.weights_panel, 1)
                    squares = work.squares + (c - strip) * width * size if n_squares > 0 else 0
                    _update_columns(n, work, layer, row, inputs, dz,
                                    sums, weights, squares, optimizer, rows, dtype)  # fmt: skip
                    c += n
            out = all_squares + strip * width * size
            keep_sums(work.squares, n_squares, scalars_at(work, at.PENALTY, dtype), out, dtype)
        k = inputs.last
    update_bias(work, layer, optimizer, dtype)


@kernel
def transpose(work, layer, dtype):
    """Transpose a thread's own columns of a layer's weights, for the backward product."""
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(dtype), lanes(dtype)
    for c in range(first_updated(work, layer), last_updated(work, layer)):
        transpose_squares(
            layer.weights + (c // 2 * layer.weights_panel + c % 2 * width) * size, 2 * width,
            layer.transposed + c * width * 2 * width * size, layer.transposed_panel,
            layer.n_vectors_below, dtype,
        )  # fmt: skip
