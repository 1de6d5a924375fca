"""Softmax, cross-entropy and its gradient, in one pass over a row of logits.

The classes are padded to whole vectors, so that 10 of them cost no more than 16.
"""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir

from fastmlp.kernels.elementary import exp_nonpositive
from fastmlp.kernels.simd import INT64, Lanes, constant, vector_op


@vector_op
def softmax_rows(
    v: Lanes,
    z: Any, z_row: Any, rows: Any, n_classes: Any,
    out: Any, out_row: Any, one: Any,
) -> None:  # fmt: skip
    """``out[r, :n_classes] = softmax(z[r, :n_classes])``, zeros up to a whole vector.

    `out` may be `z`. Computes :func:`fastmlp.reference.softmax`.
    """
    b = v.builder
    lowest = v.full(-math.inf)

    def inside(i: Any) -> Any:
        return v.below(b.sub(n_classes, i))

    def short_row(r: Any) -> None:
        """A row of one vector, which never leaves the registers."""
        is_class = inside(constant(0))
        values = b.select(is_class, v.load(v.at(z, b.mul(r, z_row))), lowest)
        largest = v.splat(v.reduce(v.maximum, values))
        powers = b.select(is_class, exp_nonpositive(v, b.fsub(values, largest)), v.full(0.0))
        factor = v.splat(b.fdiv(one, v.reduce(b.fadd, powers)))
        v.store(b.fmul(powers, factor), v.at(out, b.mul(r, out_row)))

    def long_row(r: Any) -> None:
        z_at, out_at = v.at(z, b.mul(r, z_row)), v.at(out, b.mul(r, out_row))

        def one_maximum(i: Any, largest: Any) -> list[Any]:
            value = b.select(inside(i), v.load(v.at(z_at, i)), lowest)
            return [b.add(i, constant(v.count)), v.maximum(value, largest)]

        def one_exp(i: Any, total: Any) -> list[Any]:
            value = exp_nonpositive(v, b.fsub(v.load(v.at(z_at, i)), largest))
            value = b.select(inside(i), value, v.full(0.0))
            v.store(value, v.at(out_at, i))
            return [b.add(i, constant(v.count)), b.fadd(total, value)]

        def one_scaling(i: Any) -> None:
            v.store(b.fmul(v.load(v.at(out_at, i)), factor), v.at(out_at, i))

        def more(i: Any, _: Any) -> Any:
            return b.icmp_signed("<", i, n_classes)

        _, largest = v.loop([constant(0), lowest], more, one_maximum)
        largest = v.splat(v.reduce(v.maximum, largest))
        _, total = v.loop([constant(0), v.full(0.0)], more, one_exp)
        factor = v.splat(b.fdiv(one, v.reduce(b.fadd, total)))
        v.repeat(n_classes, one_scaling, step=v.count)

    with b.if_else(b.icmp_signed("<=", n_classes, constant(v.count))) as (if_short, if_long):
        with if_short:
            v.repeat(rows, short_row)
        with if_long:
            v.repeat(rows, long_row)


@vector_op
def logits_gradient(
    v: Lanes,
    p: Any, p_row: Any, rows: Any, n_classes: Any,
    order: Any, labels: Any, chosen: Any, rate: Any,
) -> None:  # fmt: skip
    """From the probabilities to the gradient by the logits, times `rate`, in place.

    Computes :func:`fastmlp.reference.softmax_cross_entropy_gradient`, whose division by the rows
    `rate` contains. Row r's label is ``labels[order[r]]``; both hold 64-bit integers, and labels
    were checked to lie below the number of classes. ``chosen[r]`` becomes the label's probability,
    from which the loss is made.
    """
    b = v.builder
    wide = ir.VectorType(INT64, v.count)
    numbers = ir.Constant(wide, list(range(v.count)))
    rates, ones, zeros = v.splat(rate), v.full(1.0), v.full(0.0)

    def row(r: Any) -> None:
        place = v.load(b.add(order, b.mul(r, constant(8))), INT64)
        label = v.load(b.add(labels, b.mul(place, constant(8))), INT64)
        at = v.at(p, b.mul(r, p_row))
        v.store(v.load(v.at(at, label), v.element), v.at(chosen, r))

        def classes(i: Any) -> None:
            is_label = b.icmp_signed("==", numbers, v.splat(b.sub(label, i), wide))
            excess = b.fsub(v.load(v.at(at, i)), b.select(is_label, ones, zeros))
            v.store(b.fmul(excess, rates), v.at(at, i))

        v.repeat(n_classes, classes, step=v.count)

    v.repeat(rows, row)
