"""Computes predictions, losses, and the gradient with respect to the logits, from the logits.

Each is a pass over the rows of the batch, a vector of units at a time. Losses that need a logarithm
for each row take those of many rows together, in one vector.
"""

from __future__ import annotations

import math
from typing import Any

from fastmlp.kernels.codegen.kernel import kernel
from fastmlp.kernels.codegen.numba_types import View
from fastmlp.kernels.codegen.simd import INT64, Lanes, constant
from fastmlp.kernels.codegen.vector_op import copy_rows, itemsize, vector_op
from fastmlp.kernels.entries.losses import Loss, Target, sum_over_units
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.partition import first_row_back, last_row_back
from fastmlp.kernels.layout.records import layer_at, scalars_of, work_at


def emit_predictions(v: Lanes, z: View, rows: Any, n: Any, out: View, loss: Loss) -> None:
    """Emit ``out[r, :n] = output(z[r, :n])``; `out` may be `z`. Rows are padded to 16 units."""
    b = v.builder

    def row(r: Any) -> None:
        z_at, out_at = (v.at(view.address, b.mul(r, view.row)) for view in (z, out))
        loss.predict(v, z_at, n, out_at)

    v.repeat(rows, row)


@vector_op
def _predict_rows(v: Lanes, z: View, rows: Any, n: Any, out: View, loss: Any, dtype: Any) -> None:
    emit_predictions(v, z, rows, n, out, loss)


@vector_op
def _label_rows(v: Lanes, z: View, rows: Any, n: Any, out: Any, dtype: Any) -> None:
    """``out[r] = argmax(z[r, :n])``: the first of equal ones, and 0 if any is NaN."""
    b = v.builder
    nothing = constant(0)

    def row(r: Any) -> None:
        z_at = v.at(z.address, b.mul(r, z.row))

        def look(i: Any, largest: Any, nans: Any) -> list[Any]:
            low = v.full(-math.inf)
            value = b.select(v.below(b.sub(n, i)), v.load(v.at(z_at, i)), low)
            is_nan = b.fcmp_unordered("uno", value, value)
            return [v.maximum(value, largest), b.or_(nans, v.bits(is_nan))]

        largest, nans = v.repeat(n, look, step=v.count, initial=[v.full(-math.inf), nothing])
        largest = v.splat(v.reduce(v.maximum, [largest]))

        def find(i: Any, found: Any) -> list[Any]:
            # Lanes beyond the last unit may match too, but only after the largest unit.
            lanes = v.bits(b.fcmp_ordered("==", v.load(v.at(z_at, i)), largest))
            is_first = b.and_(
                b.icmp_signed("!=", lanes, nothing), b.icmp_signed("<", found, nothing)
            )
            return [b.select(is_first, b.add(i, v.lowest(lanes)), found)]

        (found,) = v.repeat(n, find, step=v.count, initial=[constant(-1)])
        found = b.select(b.icmp_signed("==", nans, nothing), found, nothing)
        v.store(found, b.add(out, b.mul(r, constant(8))))

    v.repeat(rows, row)


@vector_op
def _differentiate_rows(
    v: Lanes, work: Any, first: Any, last: Any, z: View, p: View, n: Any, loss: Any, dtype: Any
) -> None:
    """Turn some rows' predictions into the gradient to the logits; store each row's loss."""
    b = v.builder
    order = _order(v, work)
    targets, row_weights = work.targets, work.row_weights
    row_losses = v.at(_row_losses(v, work), b.mul(work.part, work.part_rows))
    target_row = work.target_row
    share = v.load(scalars_of(v, work, at.SHARE), v.element)
    floors = v.broadcast(work.floor)
    is_weighted = b.icmp_signed("!=", row_weights, constant(0))

    def row(r: Any) -> None:
        place = v.load(b.add(order, b.mul(r, constant(8))), INT64)
        if loss.of_labels:
            address = b.add(targets, b.mul(place, constant(8)))
            target = Target(label=v.load(address, INT64))
        else:
            logits = v.at(z.address, b.mul(r, z.row))
            target = Target(values=v.at(targets, b.mul(place, target_row)), logits=logits)

        def weighted() -> list[Any]:
            return [b.fmul(share, v.load(v.at(row_weights, place), v.element))]

        (factor,) = v.choose(is_weighted, weighted, [share])
        p_at = v.at(p.address, b.mul(r, p.row))
        value = loss.differentiate(v, p_at, n, target, v.splat(factor), floors)
        v.store(value, v.at(row_losses, r))

    v.repeat(last, row, first=first)


def _order(v: Lanes, work: Any) -> Any:
    """Address of the indices of the batch's rows."""
    return v.builder.add(work.order, v.builder.mul(work.first_row, constant(8)))


def _row_losses(v: Lanes, work: Any) -> Any:
    """Address of the losses of the batch's rows."""
    return v.at(work.row_losses, v.builder.mul(work.turn, work.row_losses_turn))


@vector_op
def _add_losses(v: Lanes, work: Any, loss: Any, dtype: Any) -> None:
    """Store the step's loss: the sum of the rows' losses times their weights."""
    b = v.builder
    order, rows = _order(v, work), work.n_rows
    row_weights, row_losses = work.row_weights, _row_losses(v, work)
    out = v.at(work.losses, work.step)
    floors = v.broadcast(work.floor)

    def total(i: Any, inside: Any) -> Any:
        value = loss.late(v, b.select(inside, v.load(v.at(row_losses, i)), v.full(1.0)), floors)
        return b.select(inside, value, v.full(0.0))

    def weigh() -> Any:
        """The weighted sum, after `Loss.late` has finished the rows' losses in place."""

        def finish(i: Any) -> None:
            v.store(loss.late(v, v.load(v.at(row_losses, i)), floors), v.at(row_losses, i))

        def row(r: Any, sum_: Any) -> list[Any]:
            place = v.load(b.add(order, b.mul(r, constant(8))), INT64)
            weight = v.load(v.at(row_weights, place), v.element)
            value = v.load(v.at(row_losses, r), v.element)
            return [b.fadd(sum_, b.fmul(weight, value))]

        v.repeat(rows, finish, step=v.count)
        return v.repeat(rows, row, initial=[v.scalar(0.0)])[0]

    is_weighted = b.icmp_signed("!=", row_weights, constant(0))
    with b.if_else(is_weighted) as (if_weighted, if_plain):
        with if_weighted:
            v.store(weigh(), out)
        with if_plain:
            v.store(sum_over_units(v, rows, total), out)


@kernel
def loss_gradient(work, layer, dtype, loss):
    """Compute the gradient with respect to the logits, in a thread's own block or rows, and losses.

    The losses are each row's, and the step's too if a thread processes the whole batch. Computes an
    entry of :data:`fastmlp.reference.LOSSES`. The gradient contains the factor of each row: its
    weight, divided by the batch's sum of weights.
    """
    work, layer = work_at(work), layer_at(layer)
    size = itemsize(dtype)
    start, end = first_row_back(work, layer), last_row_back(work, layer)
    z = View(layer.slopes + work.turn * layer.outputs_block * size, layer.unit_row, 1)
    p = View(layer.gradient, layer.unit_row, 1)
    skipped = start * layer.unit_row * size
    own_z, own_p = View(z.address + skipped, z.row, 1), View(p.address + skipped, p.row, 1)
    _predict_rows(own_z, end - start, layer.n_out, own_p, loss, dtype)
    _differentiate_rows(work, start, end, z, p, layer.n_out, loss, dtype)
    if work.thread == 0 and work.part_stages == 0 and layer.has_own_rows == 0:
        _add_losses(work, loss, dtype)


@kernel
def add_losses(work, layer, dtype, loss):
    """Store the step's loss, from those of its rows, when all are done; in thread 0 only."""
    work = work_at(work)
    if work.thread == 0:
        _add_losses(work, loss, dtype)


@kernel
def predict(work, layer, dtype, loss):
    """Write predictions of the batch's rows to the same rows of ``work.out``."""
    work, layer = work_at(work), layer_at(layer)
    z = View(layer.slopes, layer.unit_row, 1)
    _predict_rows(z, work.n_rows, layer.n_out, z, loss, dtype)
    out = work.out + work.first_row * layer.n_out * itemsize(dtype)
    copy_rows(z, work.n_rows, layer.n_out, View(out, layer.n_out, 1), dtype)


@kernel
def label(work, layer, dtype):
    """Write the index of each row's largest logit to the same rows of ``work.out``.

    Indices are 64-bit integers. Softmax keeps the order of logits, so it need not be computed. Of
    infinite logits, whose softmax is NaN, the first of the largest is taken.
    """
    work, layer = work_at(work), layer_at(layer)
    z = View(layer.slopes, layer.unit_row, 1)
    _label_rows(z, work.n_rows, layer.n_out, work.out + work.first_row * 8, dtype)
