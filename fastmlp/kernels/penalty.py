"""The squares of the weights, which scikit-learn's loss contains."""

from __future__ import annotations

from typing import Any

from fastmlp.kernels import records as at
from fastmlp.kernels.kernel import kernel
from fastmlp.kernels.memory import View
from fastmlp.kernels.ops import itemsize, lanes, vector_op
from fastmlp.kernels.records import layer_at, step_at, work_at
from fastmlp.kernels.sharing import first_vector, last_vector
from fastmlp.kernels.simd import Lanes, constant
from fastmlp.kernels.tile import ROWS_PER_SUM


def _squares(together: int) -> Any:
    """Make the vector op for some vectors of columns from the start of a panel on, or for one."""

    def add_squares(v: Lanes, weights: View, rows: Any, factor: Any, out: Any, dtype: Any) -> None:
        """``out += factor * sum of each column's squares``; `weights.row` is a panel's size."""
        b = v.builder
        starts = [v.at(weights.address, (c % 2) * v.count) for c in range(together)]
        starts = [v.at(start, *[weights.row] * (c // 2)) for c, start in enumerate(starts)]
        zeros = [v.full(0.0)] * together

        def part(first: Any, *totals: Any) -> list[Any]:
            after = b.add(first, constant(ROWS_PER_SUM))
            end = b.select(b.icmp_signed("<", after, rows), after, rows)

            def row(k: Any, *sums: Any) -> list[Any]:
                below = b.mul(k, constant(2 * v.count))
                ws = [v.load(v.at(start, below)) for start in starts]
                squared = [v.fma(w, w, value) for w, value in zip(ws, sums, strict=True)]
                return [b.add(k, constant(1)), *squared]

            _, *sums = v.loop([first, *zeros], lambda k, *_: b.icmp_signed("<", k, end), row)
            return [after, *map(b.fadd, totals, sums)]

        _, *totals = v.loop([constant(0), *zeros], lambda k, *_: b.icmp_signed("<", k, rows), part)
        factors = v.broadcast(factor)
        for c, total in enumerate(totals):
            place = v.at(out, c * v.count)
            v.store(v.fma(factors, total, v.load(place)), place)

    return vector_op(add_squares)


TOGETHER = 4  # vectors of columns whose sums don't wait for each other
_some, _one = _squares(TOGETHER), _squares(1)


@kernel
def penalty(work, layer, dtype):
    """Add the squares of a layer's weights, as they are before the step, by columns.

    A thread takes its own columns; thread 0 all of them where threads share the inputs.
    """
    work, layer = work_at(work), layer_at(layer)
    step = step_at(work.steps + work.number * work.steps_row)
    size, width = itemsize(dtype), lanes(dtype)
    if layer.sharing != at.BY_COLUMNS and work.thread > 0:
        return
    squares = layer.squares + step.epoch * layer.n_vectors * width * size
    factor = work.numbers + (work.number * work.numbers_row + at.PENALTY) * size
    c, last = first_vector(work, layer), last_vector(work, layer)
    while c < last:
        address = layer.weights + (c // 2 * layer.weights_panel + c % 2 * width) * size
        weights = View(address, layer.weights_panel, 1)
        out = squares + c * width * size
        if c % 2 == 0 and c + TOGETHER <= last:
            _some(weights, layer.n_in, factor, out, dtype)
            c += TOGETHER
        else:
            _one(weights, layer.n_in, factor, out, dtype)
            c += 1
