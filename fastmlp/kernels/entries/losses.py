"""Losses: compute predictions, the gradient with respect to the logits, and losses of rows.

An entry emits the formulas of the entry of the same name in :mod:`fastmlp.reference.losses`, in two
passes over a row: :meth:`Loss.predict` turns logits into predictions, :meth:`Loss.differentiate`
turns predictions into the gradient and returns the row's loss. Sums over units are added in the
order of 16 lanes, whatever the vector width. Softmax keeps rows of up to 16 units in registers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmlp.kernels.codegen.numba_types import Entry
from fastmlp.kernels.codegen.simd import SUM_LANES, Lanes, constant
from fastmlp.kernels.entries import elementary


@dataclass
class Target:
    """A row's target: its label (64 bits), or the address of its dense targets, one per unit.

    `logits` is the address of the logits from which its predictions were computed.
    """

    label: Any = None
    values: Any = None
    logits: Any = None


class Loss(Entry):
    """A loss whose predictions and terms depend on one unit each.

    Subclasses define :meth:`output` and :meth:`term`, or override the passes as a whole. If the
    logits give a more exact loss than the predictions, override :meth:`term_of_logits` instead.

    Attributes
    ----------
    of_labels : bool
        Whether targets are labels.
    """

    of_labels = False

    def for_labels(self) -> Loss:
        """Return the same loss with labels as targets; itself if it takes none."""
        return self

    def output(self, v: Lanes, z: Any) -> Any:
        """Emit the predictions for a vector of logits."""
        raise NotImplementedError

    def term(self, v: Lanes, p: Any, y: Any, floor: Any) -> Any:
        """Emit each unit's term of a row's loss; `floor` is the lower bound of probabilities."""
        raise NotImplementedError

    def term_of_logits(self, v: Lanes, z: Any, p: Any, y: Any, floor: Any) -> Any:
        """Emit what `term` does, from the logits `z` too, of which `p` are the predictions."""
        return self.term(v, p, y, floor)

    def gradient(self, v: Lanes, p: Any, y: Any) -> Any:
        """Emit the derivative of the row's loss with respect to the logits."""
        return v.builder.fsub(p, y)

    def row_loss(self, v: Lanes, total: Any, n: Any) -> Any:
        """Emit a row's loss, a scalar, from the sum of its units' terms."""
        return total

    def late(self, v: Lanes, value: Any, floor: Any) -> Any:
        """Emit the losses of a vector of rows from what `differentiate` returned for them."""
        return value

    def predict(self, v: Lanes, z: Any, n: Any, out: Any) -> None:
        """Emit a row's predictions; `out` may be `z`, and is padded to a multiple of 16 units."""

        def vector(i: Any) -> None:
            v.store(self.output(v, v.load(v.at(z, i))), v.at(out, i))

        v.repeat(n, vector, step=v.count)

    def differentiate(
        self, v: Lanes, p: Any, n: Any, target: Target, factor: Any, floor: Any
    ) -> Any:
        """Emit the gradient times `factor`, in place of the predictions; returns the row's loss.

        Units beyond the last one are set to zero.
        """
        b = v.builder
        zero = v.full(0.0)

        def term(i: Any, inside: Any) -> Any:
            place = v.at(p, i)
            y = v.load_masked(v.at(target.values, i), inside, v.vector)
            value = b.select(inside, v.load(place), zero)
            v.store(b.select(inside, b.fmul(self.gradient(v, value, y), factor), zero), place)
            z = v.load(v.at(target.logits, i))
            return b.select(inside, self.term_of_logits(v, z, value, y, floor), zero)

        return self.row_loss(v, sum_over_units(v, n, term), n)


def sum_over_units(v: Lanes, n: Any, term: Callable[[Any, Any], Any]) -> Any:
    """Emit the sum of ``term(i, inside)`` over vectors of units from `i` on; returns the scalar.

    `inside` is the mask of units before the n-th.
    """
    b = v.builder
    offsets = range(0, SUM_LANES, v.count) or range(1)

    def group(i: Any, *totals: Any) -> list[Any]:
        new = []
        for offset, total in zip(offsets, totals, strict=True):
            first = b.add(i, constant(offset))
            new.append(b.fadd(total, term(first, v.below(b.sub(n, first)))))
        return new

    zeros = [v.full(0.0)] * len(offsets)
    return v.reduce(b.fadd, v.repeat(n, group, step=SUM_LANES, initial=zeros))


class SquaredError(Loss):
    def output(self, v: Lanes, z: Any) -> Any:
        return z

    def term(self, v: Lanes, p: Any, y: Any, floor: Any) -> Any:
        error = v.builder.fsub(p, y)
        return v.builder.fmul(error, error)

    def row_loss(self, v: Lanes, total: Any, n: Any) -> Any:
        half = v.scalar(0.5)
        return v.builder.fdiv(v.builder.fmul(half, total), v.builder.sitofp(n, v.element))


class BinaryCrossEntropy(Loss):
    def output(self, v: Lanes, z: Any) -> Any:
        return elementary.logistic(v, z)

    def term(self, v: Lanes, p: Any, y: Any, floor: Any) -> Any:
        b = v.builder
        ones = v.full(1.0)
        hit = b.fmul(y, elementary.log(v, at_least(v, p, floor)))
        rest = at_least(v, b.fsub(ones, p), floor)
        miss = b.fmul(b.fsub(ones, y), elementary.log(v, rest))
        return v.negative(b.fadd(hit, miss))


class Poisson(Loss):
    def output(self, v: Lanes, z: Any) -> Any:
        return elementary.exp(v, z)

    def term_of_logits(self, v: Lanes, z: Any, p: Any, y: Any, floor: Any) -> Any:
        b = v.builder
        limits = np.finfo(np.float32 if v.size == 4 else np.float64)
        tiny, largest, ones = v.full(float(limits.tiny)), v.full(float(limits.max)), v.full(1.0)
        counts = v.is_positive(y)
        y_or_1 = b.select(counts, y, ones)
        ratio = b.fdiv(p, y_or_1)
        is_normal = b.fcmp_ordered(">=", p, tiny)
        is_normal = b.and_(is_normal, b.fcmp_ordered(">=", ratio, tiny))
        is_normal = b.and_(is_normal, b.fcmp_ordered("<=", ratio, largest))
        log = elementary.log(v, b.select(is_normal, ratio, y_or_1))
        logs = b.select(is_normal, log, b.fsub(z, log))
        product = b.select(counts, b.fmul(y, logs), v.full(0.0))
        return b.fsub(b.fsub(p, y), product)


class CrossEntropy(Loss):
    """Softmax over all units of a row; targets are labels, or dense."""

    def __init__(self, of_labels: bool = False) -> None:
        self.of_labels = of_labels

    def for_labels(self) -> CrossEntropy:
        """Return the same loss with labels as targets."""
        return CrossEntropy(of_labels=True)

    def term(self, v: Lanes, p: Any, y: Any, floor: Any) -> Any:
        return v.negative(v.builder.fmul(y, elementary.log(v, at_least(v, p, floor))))

    def late(self, v: Lanes, value: Any, floor: Any) -> Any:
        if not self.of_labels:
            return value
        return v.negative(elementary.log(v, at_least(v, value, floor)))

    def differentiate(
        self, v: Lanes, p: Any, n: Any, target: Target, factor: Any, floor: Any
    ) -> Any:
        if not self.of_labels:
            return super().differentiate(v, p, n, target, factor, floor)
        b = v.builder
        chosen = v.load(v.at(p, target.label), v.element)
        ones, zeros = v.full(1.0), v.full(0.0)

        def classes(i: Any) -> None:
            y = b.select(v.is_lane(b.sub(target.label, i)), ones, zeros)
            v.store(b.fmul(b.fsub(v.load(v.at(p, i)), y), factor), v.at(p, i))

        v.repeat(n, classes, step=v.count)
        return chosen  # `late` takes the logarithms of many rows together

    def predict(self, v: Lanes, z: Any, n: Any, out: Any) -> None:
        """Subtract the row's maximum first. Units beyond the last one are set to zero."""
        b = v.builder
        wanted = [1]
        while wanted[-1] * v.count < SUM_LANES:
            wanted.append(2 * wanted[-1])

        def short(n_vectors: int) -> None:
            """A row of up to `n_vectors` vectors, which never leave the registers."""
            offsets = [i * v.count for i in range(n_vectors)]
            inside = [v.below(b.sub(n, constant(i))) for i in offsets]
            low, zero = v.full(-math.inf), v.full(0.0)
            values = [
                b.select(mask, v.load(v.at(z, i)), low)
                for mask, i in zip(inside, offsets, strict=True)
            ]
            largest = v.splat(v.reduce(v.maximum, values))
            powers = [
                b.select(mask, elementary.exp_nonpositive(v, b.fsub(value, largest)), zero)
                for mask, value in zip(inside, values, strict=True)
            ]
            factor = v.splat(b.fdiv(v.scalar(1.0), v.reduce(b.fadd, powers)))
            for power, i in zip(powers, offsets, strict=True):
                v.store(b.fmul(power, factor), v.at(out, i))

        def choose(choices: list[int]) -> None:
            if not choices:
                self._predict_long(v, z, n, out)
                return
            fits = b.icmp_signed("<=", n, constant(choices[0] * v.count))
            with b.if_else(fits) as (then, otherwise):
                with then:
                    short(choices[0])
                with otherwise:
                    choose(choices[1:])

        choose(wanted)

    def _predict_long(self, v: Lanes, z: Any, n: Any, out: Any) -> None:
        b = v.builder

        def one_maximum(i: Any, largest: Any) -> list[Any]:
            inside = v.below(b.sub(n, i))
            value = b.select(inside, v.load(v.at(z, i)), v.full(-math.inf))
            return [v.maximum(value, largest)]

        largest = v.repeat(n, one_maximum, step=v.count, initial=[v.full(-math.inf)])
        largest = v.splat(v.reduce(v.maximum, largest))

        def power(i: Any, inside: Any) -> Any:
            value = elementary.exp_nonpositive(v, b.fsub(v.load(v.at(z, i)), largest))
            value = b.select(inside, value, v.full(0.0))
            v.store(value, v.at(out, i))
            return value

        factor = v.splat(b.fdiv(v.scalar(1.0), sum_over_units(v, n, power)))
        v.repeat(
            n, lambda i: v.store(b.fmul(v.load(v.at(out, i)), factor), v.at(out, i)), step=v.count
        )


def at_least(v: Lanes, x: Any, floor: Any) -> Any:
    """x, or the floor where x is below it; NaN stays NaN."""
    return v.builder.select(v.builder.fcmp_ordered("<", x, floor), floor, x)


LOSSES: dict[str, Loss] = {
    "cross_entropy": CrossEntropy(),
    "binary_cross_entropy": BinaryCrossEntropy(),
    "squared_error": SquaredError(),
    "poisson": Poisson(),
}
