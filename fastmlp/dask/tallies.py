"""Sums over rows, of which losses and scores can be made: parts of rows can be added up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Tally(NamedTuple):
    """Of some rows.

    Attributes
    ----------
    weight : float
        The sum of the rows' weights.
    loss : float
        The sum of their losses, times their weights; 0 where it has not been asked for.
    score : tuple
        What the estimator's `_score_sums` returns.
    """

    weight: float
    loss: float
    score: Any


class Squares(NamedTuple):
    """Sums by which R^2 is computed, of each output (n_outputs,).

    `mean` is that of the targets, `around` the sum of squares around it, and `missed` that of what
    a prediction misses.
    """

    weight: float
    mean: Array
    around: Array
    missed: Array

    @classmethod
    def of(cls, outputs: Array, targets: Array, weights: Array | None) -> Squares:
        """Return the sums of some rows, each by the formula of `sklearn.metrics.r2_score`."""
        w = 1.0 if weights is None else weights.reshape(-1, 1)
        mean = np.average(targets, axis=0, weights=weights)
        missed = np.sum(w * (targets - outputs) ** 2, axis=0)
        around = np.sum(w * (targets - mean) ** 2, axis=0)
        weight = float(len(targets) if weights is None else weights.sum(dtype=np.float64))
        return cls(weight, mean, around, missed)

    @classmethod
    def together(cls, parts: Sequence[Squares]) -> Squares:
        """Return the sums of all rows, added up in this order (Chan et al., 1979)."""
        total = parts[0]
        for part in parts[1:]:
            weight = total.weight + part.weight
            step = part.mean - total.mean
            total = cls(
                weight,
                total.mean + step * (part.weight / weight),
                total.around + part.around + step**2 * (total.weight * part.weight / weight),
                total.missed + part.missed,
            )
        return total

    def r2(self) -> float:
        """Return R^2, the mean over the outputs; 1 or 0 where all targets of an output are one."""
        is_one = self.around == 0
        scores = np.where(is_one & (self.missed != 0), 0.0, 1.0)
        np.divide(self.missed, self.around, out=scores, where=~is_one)
        scores[~is_one] = 1 - scores[~is_one]
        return float(np.average(scores))


def added(tallies: Sequence[Tally | None]) -> tuple[float, float, list[Any]]:
    """Return weight and loss of all rows, and the sums of scores; None has no rows."""
    found = [tally for tally in tallies if tally is not None and tally.weight > 0]
    if not found:
        return 0.0, math.nan, []
    weight, loss = found[0].weight, found[0].loss
    for tally in found[1:]:
        weight, loss = weight + tally.weight, loss + tally.loss
    return weight, loss, [tally.score for tally in found]
