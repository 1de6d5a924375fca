"""The update of a layer: its gradient, and the optimiser's step, in one pass over the weights.

The gradient of a group of weights is summed up over the batch's rows in registers. After the last
row the optimiser's entry (`optimizers`) makes the new weights and states of
it, still in registers.

Batches of more than ROWS_PER_SUM rows are taken in parts. Between two parts the sums wait in a
scratch buffer. So that it stays in the second-level cache, and the part of the batch too, only a
block of the weights at a time goes through all parts: some inputs and some columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fastmlp.kernels.codegen.kernel import kernel
from fastmlp.kernels.codegen.numba_types import View
from fastmlp.kernels.codegen.simd import BOOL, Lanes, constant
from fastmlp.kernels.codegen.vector_op import fill, itemsize, lanes, vector_op
from fastmlp.kernels.entries.optimizers import Optimizer
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.blocking import (
    ROWS_PER_SUM,
    SUMMED_INPUTS,
    SUMMED_VECTORS,
    SUMS_PANEL,
    TILE_VECTORS,
)
from fastmlp.kernels.layout.partition import (
    first_input,
    first_vector,
    last_input,
    last_vector,
    own_vectors,
)
from fastmlp.kernels.layout.records import layer_at, step_at, work_at
from fastmlp.kernels.stages.penalty import add_squares, factor_of_squares, keep_sums, own_squares
from fastmlp.kernels.stages.tile import Tile, column_of_tiles
from fastmlp.kernels.stages.transpose import transpose_squares

BIASES_TOGETHER = 4  # vectors of biases whose sums don't wait for each other


class Part(NamedTuple):
    """A part of a batch, and what is to come of its sums.

    Attributes
    ----------
    first_row, n_rows : int
        Its rows of the batch.
    is_first, is_last : bool
        Whether no part came before, and whether none follows.
    state : int
        Elements from weights to their first state, and from that to the next one.
    numbers : int
        Address of the optimiser's numbers.
    adds_squares : bool
        Whether the squares of the weights are to be added up.
    """

    first_row: Any
    n_rows: Any
    is_first: Any
    is_last: Any
    state: Any
    numbers: Any
    adds_squares: Any = BOOL(0)


def part_from(v: Lanes, work: Any, layer: Any, row: Any, squares: Any) -> Part:
    """The part of the batch from a row on, for a layer's weights.

    `squares` is 0 where nobody wants to know of them.
    """
    b = v.builder
    left = b.sub(work.n_rows, row)
    is_last = b.icmp_signed("<=", left, constant(ROWS_PER_SUM))
    n_rows = b.select(is_last, left, constant(ROWS_PER_SUM))
    is_first = b.icmp_signed("==", row, constant(0))
    numbers = numbers_of(v, work, at.FOR_WEIGHTS)
    adds_squares = b.icmp_signed("!=", squares, constant(0))
    return Part(row, n_rows, is_first, is_last, layer.weights_state, numbers, adds_squares)


def numbers_of(v: Lanes, work: Any, first: int) -> Any:
    """Where some of the step's numbers lie."""
    return v.at(work.numbers, v.builder.mul(work.number, work.numbers_row), first)


def finish_update(
    v: Lanes,
    part: Part,
    optimizer: Optimizer,
    gradients: Sequence[Any],
    sums_at: Sequence[Any],
    weights_at: Sequence[Any],
    squares_at: Sequence[Any] = (),
) -> None:
    """Emit what follows a part's sums: add what came before, then keep it, or take the step.

    Parameters
    ----------
    v : Lanes
    part : Part
    optimizer : Optimizer
    gradients : sequence of vector
        The part's sums.
    sums_at, weights_at : sequence of int64
        Where each vector's sums are kept, and its weights.
    squares_at : sequence of int64, optional
        Where its squares are added up, if the part says so.
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
            values = [v.broadcast(v.at(part.numbers, i)) for i in range(at.MOST_NUMBERS)]
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
    """A thread's own biases, in place. Where threads share a layer by rows, thread 0 has all.

    A bias's gradient is the sum of its unit's over the rows, made in parts as those of weights are.
    """
    b = v.builder
    vector = constant(v.count * v.size)
    numbers = numbers_of(v, work, at.FOR_BIASES)
    part = Part(constant(0), work.n_rows, BOOL(1), BOOL(1), layer.bias_state, numbers)
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
                return [b.add(r, constant(1)), *map(b.fadd, sums, values)]

            _, *sums = v.loop([first, *zeros], lambda r, *_: b.icmp_signed("<", r, end), row)
            return [after, *map(b.fadd, totals, sums)]

        _, *gradients = v.loop(
            [constant(0), *zeros], lambda r, *_: b.icmp_signed("<", r, n_rows), some
        )
        biases = [b.add(bias, place) for place in places]
        finish_update(v, part, optimizer, gradients, biases, biases)

    by_rows = b.icmp_signed("==", layer.sharing, constant(at.BY_ROWS))
    has_none = b.and_(by_rows, b.icmp_signed(">", work.thread, constant(0)))
    column, last = own_vectors(v, work, layer)
    last = b.select(has_none, column, last)
    for together in (BIASES_TOGETHER, 1):

        def once(c: Any, together: int = together) -> list[Any]:
            columns(together, c)
            return [b.add(c, constant(together))]

        def fits(c: Any, together: int = together) -> Any:
            return b.icmp_signed("<=", b.add(c, constant(together)), last)

        (column,) = v.loop([column], fits, once)


def _update(vectors: int) -> Any:
    def update_columns(
        v: Lanes, work: Any, layer: Any, row: Any, n_inputs: Any,
        x: View, dz: View, sums: View, weights: View, squares: Any, optimizer: Any, dtype: Any,
    ) -> None:  # fmt: skip
        """Some inputs of the weights, `vectors` wide, and the part of the batch from `row`."""
        part = part_from(v, work, layer, row, squares)
        squares_at = [v.at(squares, c * v.count) for c in range(vectors)]

        def finish(tile: Tile, gradients: Sequence[Any]) -> None:
            places = tile.addresses(sums), tile.addresses(weights)
            finish_update(
                v, part, optimizer, gradients, *places, [squares_at[c] for _, c in tile.places]
            )

        column_of_tiles(v, vectors, n_inputs, part.n_rows, x, dz, finish)

    return vector_op(update_columns)


_wide_update, _narrow_update = _update(TILE_VECTORS), _update(1)


@kernel
def update(work, layer, dtype, optimizer):
    """A thread's own columns, or inputs, of a layer's weights, biases and states, in place.

    Computes the weights of :func:`fastmlp.reference.optimizer_step`, fused: no gradient is stored
    but for a block's, from part to part of a large batch. Adds up the squares of the weights as
    they are before, if they are wanted.
    """
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(dtype), lanes(dtype)
    inputs = layer.inputs + work.turn * layer.inputs_block * size
    start, end, last = first_input(work, layer), last_input(work, layer), last_vector(work, layer)
    step = step_at(work.steps + work.number * work.steps_row)
    all_squares = own_squares(layer, step.epoch, dtype) if layer.sharing != at.BY_ROWS else 0
    for k in range(start, end, SUMMED_INPUTS):
        n_inputs = min(end - k, SUMMED_INPUTS)
        for strip in range(first_vector(work, layer), last, SUMMED_VECTORS):
            strip_end = min(strip + SUMMED_VECTORS, last)
            n_squares = (strip_end - strip) * width if all_squares != 0 else 0
            fill(View(work.squares, 0, 1), 1, n_squares, dtype)
            for row in range(0, work.n_rows, ROWS_PER_SUM):
                x = View(inputs + (row * layer.inputs_row + k) * size, 1, layer.inputs_row)
                c = strip
                while c < strip_end:
                    panel = c // 2 * layer.weights_panel + (c % 2 + k * 2) * width
                    weights = View(layer.weights + panel * size, 2 * width, 1)
                    kept = ((c // 2 - strip // 2) * SUMS_PANEL + c % 2) * width
                    sums = View(work.sums + kept * size, 2 * width, 1)
                    gradient = layer.gradient + (row * layer.unit_row + c * width) * size
                    dz = View(gradient, layer.unit_row, 1)
                    squares = work.squares + (c - strip) * width * size if n_squares > 0 else 0
                    if c % 2 == 0 and c + 2 <= strip_end:
                        _wide_update(work, layer, row, n_inputs,
                                     x, dz, sums, weights, squares, optimizer, dtype)  # fmt: skip
                        c += 2
                    else:
                        _narrow_update(work, layer, row, n_inputs,
                                       x, dz, sums, weights, squares, optimizer, dtype)  # fmt: skip
                        c += 1
            out = all_squares + strip * width * size
            keep_sums(work.squares, n_squares, factor_of_squares(work, dtype), out, dtype)
    update_bias(work, layer, optimizer, dtype)


@kernel
def transpose(work, layer, dtype):
    """A thread's own columns of a layer's weights, transposed for the way back."""
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(dtype), lanes(dtype)
    for c in range(first_vector(work, layer), last_vector(work, layer)):
        transpose_squares(
            layer.weights + (c // 2 * layer.weights_panel + c % 2 * width) * size, 2 * width,
            layer.transposed + c * width * 2 * width * size, layer.transposed_panel,
            layer.n_vectors_below, dtype,
        )  # fmt: skip
