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


@vector_op
def _add_squares(v: Lanes, column: View, rows: Any, factor: Any, out: Any, dtype: Any) -> None:
    """``out += factor * sum of the squares of each column`` of a vector of columns."""
    b = v.builder

    def part(first: Any, total: Any) -> list[Any]:
        after = b.add(first, constant(ROWS_PER_SUM))
        end = b.select(b.icmp_signed("<", after, rows), after, rows)

        def row(k: Any, value: Any) -> list[Any]:
            w = v.load(v.at(column.address, b.mul(k, column.row)))
            return [b.add(k, constant(1)), v.fma(w, w, value)]

        _, value = v.loop([first, v.full(0.0)], lambda k, _: b.icmp_signed("<", k, end), row)
        return [after, b.fadd(total, value)]

    _, total = v.loop([constant(0), v.full(0.0)], lambda k, _: b.icmp_signed("<", k, rows), part)
    v.store(v.fma(v.broadcast(factor), total, v.load(out)), out)


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
    for c in range(first_vector(work, layer), last_vector(work, layer)):
        weights = layer.weights + (c // 2 * layer.weights_panel + c % 2 * width) * size
        out = squares + c * width * size
        _add_squares(View(weights, 2 * width, 1), layer.n_in, factor, out, dtype)
