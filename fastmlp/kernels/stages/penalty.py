"""Sums up the squares of the weights, which scikit-learn's loss contains.

They are added up by columns, in the order of the inputs, in parts of SQUARES_PER_SUM inputs, so
that neither the vector width nor the number of threads changes a bit. It is fast because a layer's
update does it while the weights are in registers. :func:`penalty` is for layers in which threads
divide the rows, or the parts of a batch, :func:`own_penalty` for those whose inputs they divide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastmlp.kernels.codegen.kernel import kernel
from fastmlp.kernels.codegen.numba_types import View
from fastmlp.kernels.codegen.simd import INT64, Lanes, constant
from fastmlp.kernels.codegen.vector_op import Integer, fill, itemsize, lanes, vector_op
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.blocking import SQUARES_PER_SUM
from fastmlp.kernels.layout.partition import end_of_block, first_input, last_input
from fastmlp.kernels.layout.records import layer_at, scalars_at, step_at, work_at


def add_squares(v: Lanes, weights_at: Sequence[Any], sums_at: Sequence[Any]) -> None:
    """Emit ``sum += weight**2`` for each pair of addresses: a vector of weights, and its sum."""
    sums = {place: v.load(place) for place in dict.fromkeys(sums_at)}
    for weight_at, place in zip(weights_at, sums_at, strict=True):
        weight = v.load(weight_at)
        sums[place] = v.fma(weight, weight, sums[place])
    for place, value in sums.items():
        v.store(value, place)


@vector_op
def keep_sums(v: Lanes, sums: Any, n: Any, factor: Any, out: Any, dtype: Any) -> None:
    """``out[:n] += factor * sums[:n]``; `factor` is an address, `n` is rounded up to vectors."""
    factors = v.broadcast(factor)

    def vector(i: Any) -> None:
        place = v.at(out, i)
        v.store(v.fma(factors, v.load(v.at(sums, i)), v.load(place)), place)

    v.repeat(n, vector, step=v.count)


@vector_op
def own_squares(v: Lanes, layer: Any, epoch: Any, dtype: Any) -> Integer:
    """Address of the epoch's sums of squares if this thread adds to them, else 0."""
    b = v.builder
    n_vectors = b.and_(b.add(layer.n_vectors, constant(1)), constant(-2))  # in whole panels
    place = v.at(layer.squares, b.mul(b.mul(epoch, n_vectors), constant(v.count)))
    return b.select(b.icmp_signed("==", layer.squares, constant(0)), constant(0), place)


@vector_op
def part_squares_at(v: Lanes, layer: Any, k: Any, dtype: Any) -> Integer:
    """Address of the sums of squares of the block of inputs that begins at `k`.

    A part of the inputs has up to two blocks.
    """
    b = v.builder
    part = b.sdiv(k, layer.n_in_part)
    is_second = b.icmp_signed("!=", b.mul(part, layer.n_in_part), k)
    block = b.add(b.mul(part, constant(2)), b.zext(is_second, INT64))
    return v.at(layer.part_squares, b.mul(block, layer.part_squares_row))


@vector_op
def _add_panel(v: Lanes, weights: Any, rows: Any, sums: Any, dtype: Any) -> None:
    """Add the squares of some rows of a panel."""
    b = v.builder
    sums_at = [sums, v.at(sums, v.count)]

    def row(k: Any) -> None:
        start = v.at(weights, b.mul(k, constant(2 * v.count)))
        add_squares(v, [start, v.at(start, v.count)], sums_at)

    v.repeat(rows, row)


@kernel
def penalty(work, layer, dtype):
    """Add the squares of a layer's weights, as they are before the step, by columns."""
    work, layer = work_at(work), layer_at(layer)
    step = step_at(work.steps + work.step * work.steps_row)
    size, panel_width = itemsize(dtype), 2 * lanes(dtype)
    squares = own_squares(layer, step.epoch, dtype)
    if squares == 0:
        return
    factor = scalars_at(work, at.PENALTY, dtype)
    for panel in range((layer.n_vectors + 1) // 2):
        weights = layer.weights + panel * layer.weights_panel * size
        out = squares + panel * panel_width * size
        k = 0
        while k < layer.n_in:
            end = end_of_block(k, layer.n_in_part, SQUARES_PER_SUM, layer.n_in)
            fill(View(work.squares, 0, 1), 1, panel_width, dtype)
            _add_panel(weights + k * panel_width * size, end - k, work.squares, dtype)
            keep_sums(work.squares, panel_width, factor, out, dtype)
            k = end


@kernel
def own_penalty(work, layer, dtype):
    """Add up the squares of a thread's own inputs' weights, for `add_penalty`."""
    work, layer = work_at(work), layer_at(layer)
    size, panel_width = itemsize(dtype), 2 * lanes(dtype)
    end = min(last_input(work, layer), layer.n_in)
    k = first_input(work, layer)
    while k < end:
        last = end_of_block(k, layer.n_in_part, SQUARES_PER_SUM, end)
        out = part_squares_at(layer, k, dtype)
        for panel in range((layer.n_vectors + 1) // 2):
            weights = layer.weights + (panel * layer.weights_panel + k * panel_width) * size
            fill(View(out, 0, 1), 1, panel_width, dtype)
            _add_panel(weights, last - k, out, dtype)
            out += panel_width * size
        k = last


@kernel
def add_penalty(work, layer, dtype):
    """Add what all threads' `own_penalty` have left, in its order; in thread 0 only."""
    work, layer = work_at(work), layer_at(layer)
    step = step_at(work.steps + work.step * work.steps_row)
    squares = own_squares(layer, step.epoch, dtype)
    if work.thread > 0 or squares == 0:
        return
    n = (layer.n_vectors + 1) // 2 * 2 * lanes(dtype)
    k = 0
    while k < layer.n_in:
        sums = part_squares_at(layer, k, dtype)
        keep_sums(sums, n, scalars_at(work, at.PENALTY, dtype), squares, dtype)
        k = end_of_block(k, layer.n_in_part, SQUARES_PER_SUM, layer.n_in)
