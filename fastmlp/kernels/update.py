"""The update of a layer: its gradient, and the optimiser's step, in one pass over the weights.

The gradient of a group of weights is summed up over the batch's rows in registers. Batches of more
than ROWS_PER_SUM rows are taken in parts, whose sums meet in a scratch buffer of the size of the
second-level cache: a block of inputs and columns at a time, so that neither the scratch nor the
part of the batch leaves that cache. After the last part the optimiser's entry makes the new
weights and states (:mod:`fastmlp.kernels.optimizers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastmlp.kernels import records as at
from fastmlp.kernels.kernel import kernel
from fastmlp.kernels.memory import View
from fastmlp.kernels.optimizers import Optimizer
from fastmlp.kernels.records import layer_at, work_at
from fastmlp.kernels.sharing import first_input, first_vector, last_input, last_vector
from fastmlp.kernels.simd import VECTOR_BYTES, Lanes, constant, itemsize, lanes, vector_op
from fastmlp.kernels.tile import ROWS_PER_SUM, TILE_VECTORS, Tile, column_of_tiles
from fastmlp.kernels.transpose import transpose_squares

# The block whose sums are kept from part to part: a quarter of a megabyte.
SUMMED_INPUTS = 256
SUMMED_VECTORS = 1024 // VECTOR_BYTES
SUMS_PANEL = SUMMED_INPUTS * 2  # vectors from one panel of sums to the next
BIASES_TOGETHER = 4  # vectors of biases whose sums don't wait for each other


def finish_update(
    v: Lanes, optimizer: Optimizer, gradients: Sequence[Any],
    sums_at: Sequence[Any], weights_at: Sequence[Any], state: Any, numbers: Any,
    is_first: Any, is_last: Any,
) -> None:  # fmt: skip
    """Emit what follows a part's sums: add what came before, then keep it, or take the step.

    Parameters
    ----------
    v : Lanes
    optimizer : Optimizer
    gradients : sequence of vector
        The part's sums.
    sums_at, weights_at : sequence of int64
        Where each vector's sums are kept, and its weights.
    state : int64
        Elements from weights to their first state, and from that to the next one.
    numbers : int64
        Address of the optimiser's numbers.
    is_first, is_last : int64
        Whether no part came before, and whether none follows.
    """
    b = v.builder
    gradients = v.choose(
        b.icmp_signed("==", is_first, constant(0)),
        lambda: [b.fadd(v.load(a), g) for a, g in zip(sums_at, gradients, strict=True)],
        gradients,
    )
    with b.if_else(b.icmp_signed("!=", is_last, constant(0))) as (if_last, if_more):
        with if_last:
            values = [v.broadcast(v.at(numbers, i)) for i in range(at.MOST_NUMBERS)]
            for gradient, address in zip(gradients, weights_at, strict=True):
                places = [address]
                for _ in range(optimizer.n_states):
                    places.append(v.at(places[-1], state))
                old = [v.load(place) for place in places]
                weight, states = optimizer.step(v, old[0], gradient, old[1:], values)
                for value, before, place in zip([weight, *states], old, places, strict=True):
                    if value is not before:
                        v.store(value, place)
        with if_more:
            for gradient, address in zip(gradients, sums_at, strict=True):
                v.store(gradient, address)


def _update(vectors: int) -> Any:
    def update_columns(
        v: Lanes,
        rows: Any, count: Any, x: View, dz: View, sums: View, weights: View, state: Any,
        numbers: Any, is_first: Any, is_last: Any, optimizer: Any, one: Any,
    ) -> None:  # fmt: skip
        """Some rows (inputs) of the weights, `vectors` vectors wide, and a part of the batch."""

        def finish(tile: Tile, gradients: Sequence[Any]) -> None:
            finish_update(v, optimizer, gradients, tile.addresses(sums), tile.addresses(weights),
                          state, numbers, is_first, is_last)  # fmt: skip

        column_of_tiles(v, vectors, rows, count, x, dz, finish)

    return vector_op(update_columns)


_wide_update, _narrow_update = _update(TILE_VECTORS), _update(1)


@kernel
def update(work, layer, one, optimizer):
    """A thread's own columns, or inputs, of a layer's weights and states, in place.

    Computes the weights of :func:`fastmlp.reference.backward_update`, fused: no gradient is stored
    but for a block's, from part to part of a large batch.
    """
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(one), lanes(one)
    x = layer.inputs + work.turn * layer.inputs_block * size
    start, end, last = first_input(work, layer), last_input(work, layer), last_vector(work, layer)
    numbers = work.numbers + (work.number * work.numbers_row + at.FOR_WEIGHTS) * size
    n_rows = work.n_rows
    in_parts = n_rows > ROWS_PER_SUM
    block_inputs = SUMMED_INPUTS if in_parts else max(1, end - start)
    for k in range(start, end, block_inputs):
        n_inputs = min(end - k, block_inputs)
        for strip in range(first_vector(work, layer), last, SUMMED_VECTORS):
            strip_end = min(strip + SUMMED_VECTORS, last)
            for part in range(0, n_rows, ROWS_PER_SUM):
                count = min(n_rows - part, ROWS_PER_SUM)
                x_part = View(x + (part * layer.inputs_row + k) * size, 1, layer.inputs_row)
                is_last = part + count == n_rows
                c = strip
                while c < strip_end:
                    weights = (
                        layer.weights
                        + (c // 2 * layer.weights_panel + (c % 2 + k * 2) * width) * size
                    )
                    sums = work.sums + ((c // 2 - strip // 2) * SUMS_PANEL + c % 2) * width * size
                    dz = layer.gradient + (part * layer.unit_row + c * width) * size
                    if c % 2 == 0 and c + 2 <= strip_end:
                        _wide_update(n_inputs, count, x_part, View(dz, layer.unit_row, 1),
                                     View(sums, 2 * width, 1), View(weights, 2 * width, 1),
                                     layer.weights_state, numbers, part == 0, is_last,
                                     optimizer, one)  # fmt: skip
                        c += 2
                    else:
                        _narrow_update(n_inputs, count, x_part, View(dz, layer.unit_row, 1),
                                       View(sums, 2 * width, 1), View(weights, 2 * width, 1),
                                       layer.weights_state, numbers, part == 0, is_last,
                                       optimizer, one)  # fmt: skip
                        c += 1


def _bias_columns(
    v: Lanes,
    n: Any, n_rows: Any, dz: View, bias: Any, state: Any, numbers: Any, optimizer: Any, one: Any,
) -> None:  # fmt: skip
    """`n` vectors of biases: the sum of `dz` over all rows, part by part, and the step."""
    b = v.builder

    def columns(together: int, c: Any) -> None:
        places = [
            b.add(b.mul(c, constant(v.count * v.size)), constant(i * v.count * v.size))
            for i in range(together)
        ]
        zeros = [v.full(0.0)] * together

        def part(first: Any, *totals: Any) -> list[Any]:
            after = b.add(first, constant(ROWS_PER_SUM))
            end = b.select(b.icmp_signed("<", after, n_rows), after, n_rows)

            def row(r: Any, *sums: Any) -> list[Any]:
                row_at = v.at(dz.address, b.mul(r, dz.row))
                values = [v.load(b.add(row_at, place)) for place in places]
                return [b.add(r, constant(1)), *map(b.fadd, sums, values)]

            _, *sums = v.loop([first, *zeros], lambda r, *_: b.icmp_signed("<", r, end), row)
            return [after, *map(b.fadd, totals, sums)]

        _, *gradients = v.loop(
            [constant(0), *zeros], lambda r, *_: b.icmp_signed("<", r, n_rows), part
        )
        biases = [b.add(bias, place) for place in places]
        finish_update(v, optimizer, gradients, biases, biases, state, numbers,
                      constant(1), constant(1))  # fmt: skip

    column = constant(0)
    for together in (BIASES_TOGETHER, 1):

        def once(c: Any, together: int = together) -> list[Any]:
            columns(together, c)
            return [b.add(c, constant(together))]

        def fits(c: Any, together: int = together) -> Any:
            return b.icmp_signed("<=", b.add(c, constant(together)), n)

        (column,) = v.loop([column], fits, once)


_update_bias = vector_op(_bias_columns)


@kernel
def update_bias(work, layer, one, optimizer):
    """A thread's own biases of a layer, in place; thread 0's, where threads share the inputs."""
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(one), lanes(one)
    if layer.sharing == at.BY_ROWS and work.thread > 0:
        return
    numbers = work.numbers + (work.number * work.numbers_row + at.FOR_BIASES) * size
    c = first_vector(work, layer)
    _update_bias(last_vector(work, layer) - c, work.n_rows,
                 View(layer.gradient + c * width * size, layer.unit_row, 1), layer.bias + c * width * size,
                 layer.bias_state, numbers, optimizer, one)  # fmt: skip


@kernel
def transpose(work, layer, one):
    """A thread's own columns of a layer's weights, transposed for the way back."""
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(one), lanes(one)
    for c in range(first_vector(work, layer), last_vector(work, layer)):
        transpose_squares(
            layer.weights + (c // 2 * layer.weights_panel + c % 2 * width) * size, 2 * width,
            layer.transposed + c * width * 2 * width * size, layer.transposed_panel,
            layer.n_vectors_below, one,
        )  # fmt: skip
