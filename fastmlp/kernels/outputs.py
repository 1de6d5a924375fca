"""The last layer's end: predictions, the loss, and its gradient by the logits."""

from __future__ import annotations

from typing import Any

from fastmlp.kernels import records as at
from fastmlp.kernels.kernel import kernel
from fastmlp.kernels.losses import Loss, Target, sum_over_units
from fastmlp.kernels.memory import View
from fastmlp.kernels.records import layer_at, work_at
from fastmlp.kernels.simd import (
    INT64,
    Lanes,
    constant,
    copy_rows,
    itemsize,
    vector_op,
)


def emit_predictions(v: Lanes, z: View, rows: Any, n: Any, out: View, loss: Loss) -> None:
    """Emit ``out[r, :n] = output(z[r, :n])``; `out` may be `z`. Rows are whole 16 units long."""
    b = v.builder

    def row(r: Any) -> None:
        z_at, out_at = (v.at(view.address, b.mul(r, view.row)) for view in (z, out))
        loss.predict(v, z_at, n, out_at)

    v.repeat(rows, row)


@vector_op
def _predict_rows(v: Lanes, z: View, rows: Any, n: Any, out: View, loss: Any, one: Any) -> None:
    emit_predictions(v, z, rows, n, out, loss)


@vector_op
def _differentiate_rows(
    v: Lanes,
    p: View, rows: Any, n: Any, order: Any, targets: View, row_weights: Any, share: Any,
    floor: Any, row_losses: Any, loss: Any, one: Any,
) -> None:  # fmt: skip
    """From predictions to the gradient by the logits, and each row's loss."""
    b = v.builder
    of_labels = getattr(loss, "of_labels", False)
    share = v.load(share, v.element)
    floors = v.broadcast(floor)
    is_weighted = b.icmp_signed("!=", row_weights, constant(0))

    def row(r: Any) -> None:
        place = v.load(b.add(order, b.mul(r, constant(8))), INT64)
        if of_labels:
            address = b.add(targets.address, b.mul(place, constant(8)))
            target = Target(label=v.load(address, INT64))
        else:
            target = Target(numbers=v.at(targets.address, b.mul(place, targets.row)))

        def weighted() -> list[Any]:
            return [b.fmul(share, v.load(v.at(row_weights, place), v.element))]

        (factor,) = v.choose(is_weighted, weighted, [share])
        p_at = v.at(p.address, b.mul(r, p.row))
        value = loss.differentiate(v, p_at, n, target, v.splat(factor), floors)
        v.store(value, v.at(row_losses, r))

    v.repeat(rows, row)


@vector_op
def _add_losses(
    v: Lanes,
    row_losses: Any, rows: Any, order: Any, row_weights: Any, floor: Any, out: Any,
    loss: Any, one: Any,
) -> None:  # fmt: skip
    """``out[0]`` becomes the sum of the rows' losses, times their weights."""
    b = v.builder
    floors = v.broadcast(floor)

    def total(i: Any, inside: Any) -> Any:
        value = loss.late(v, b.select(inside, v.load(v.at(row_losses, i)), v.full(1.0)), floors)
        return b.select(inside, value, v.full(0.0))

    def weigh() -> list[Any]:
        """Multiply them in place by their weights, after what is left to do for many together."""

        def finish(i: Any) -> None:
            v.store(loss.late(v, v.load(v.at(row_losses, i)), floors), v.at(row_losses, i))

        def row(r: Any, sum_: Any) -> list[Any]:
            place = v.load(b.add(order, b.mul(r, constant(8))), INT64)
            weight = v.load(v.at(row_weights, place), v.element)
            value = v.load(v.at(row_losses, r), v.element)
            return [b.add(r, constant(1)), b.fadd(sum_, b.fmul(weight, value))]

        v.repeat(rows, finish, step=v.count)
        return [
            v.loop([constant(0), v.scalar(0.0)], lambda r, _: b.icmp_signed("<", r, rows), row)[1]
        ]

    is_weighted = b.icmp_signed("!=", row_weights, constant(0))
    with b.if_else(is_weighted) as (if_weighted, if_plain):
        with if_weighted:
            v.store(weigh()[0], out)
        with if_plain:
            v.store(sum_over_units(v, rows, total), out)


@kernel
def loss_gradient(work, layer, one, loss):
    """From the logits to the gradient by them, in a thread's own block, and the step's loss.

    Computes an entry of :data:`fastmlp.reference.LOSSES`. The gradient contains the row's weight,
    and the division by the batch's rows.
    """
    work, layer = work_at(work), layer_at(layer)
    size = itemsize(one)
    z = View(layer.slopes + work.turn * layer.outputs_block * size, layer.unit_row, 1)
    p = View(layer.gradient, layer.unit_row, 1)
    order = work.order + work.first_row * 8
    _predict_rows(z, work.n_rows, layer.n_out, p, loss, one)
    share = work.numbers + (work.number * work.numbers_row + at.SHARE) * size
    _differentiate_rows(p, work.n_rows, layer.n_out, order, View(work.targets, work.target_row, 1),
                        work.row_weights, share, work.floor, work.row_losses, loss, one)  # fmt: skip
    if work.thread == 0:
        _add_losses(work.row_losses, work.n_rows, order, work.row_weights, work.floor,
                    work.losses + work.number * size, loss, one)  # fmt: skip


@kernel
def predict(work, layer, one, loss):
    """Predictions of the batch's rows, to the same rows of OUT."""
    work, layer = work_at(work), layer_at(layer)
    z = View(layer.slopes, layer.unit_row, 1)
    _predict_rows(z, work.n_rows, layer.n_out, z, loss, one)
    out = work.out + work.first_row * layer.n_out * itemsize(one)
    copy_rows(z, work.n_rows, layer.n_out, View(out, layer.n_out, 1), one)
