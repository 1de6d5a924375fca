"""How a column of numbers becomes inputs of a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
MOST_ROWS = 200_000  # that quantiles are computed from
WIDEST = 3.0  # where scaled numbers are clipped, smoothly
LARGEST = 1e30  # beyond it, scaled numbers are as good as infinite


@dataclass(frozen=True)
class Numbers:
    """A number's scaled value, the bins that it fills, and whether it is missing.

    The scaled value is z / sqrt(1 + (z / 3)^2) for z = (x - median) / (its interquartile range):
    robust scaling with smooth clipping (Holzmueller et al., arXiv:2407.04491, section 3). The bins
    are a piecewise linear encoding (Gorishniy et al., arXiv:2203.05556, section 3.1) in -1..1: -1
    below a bin, +1 above it, and linear within. Missing numbers are taken for the median.

    Attributes
    ----------
    median, scale : float
        The scale is the reciprocal of the interquartile range, or where that is 0, 2 over the whole
        range; 0 where the numbers are all the same, and only `has_gaps` counts.
    edges : tuple of float
        The bins' edges, ascending; none without bins.
    has_gaps : bool
        Whether a column says if the number is missing.
    """

    median: float
    scale: float
    edges: tuple[float, ...] = ()
    has_gaps: bool = False

    @classmethod
    def learn(cls, values: NDArray[np.float64], n_bins: int, has_gaps: bool | None = None) -> Any:
        """Return how to encode such numbers; None where they are all the same.

        Of at most ``n_bins + 1`` different numbers each is an edge, so that each gets a bin of its
        own; of more, quantiles are.
        """
        is_known = ~np.isnan(values)
        known = values[is_known & np.isfinite(values)]
        gaps = bool(not is_known.all()) if has_gaps is None else has_gaps
        if len(known) > MOST_ROWS:
            known = known[np.random.RandomState(0).permutation(len(known))[:MOST_ROWS]]
        if not len(known):
            return cls(0.0, 0.0, (), True) if gaps and is_known.any() else None
        with np.errstate(over="ignore"):
            low, q1, median, q3, high = np.quantile(known, [0, 0.25, 0.5, 0.75, 1])
            spread = q3 - q1 if q3 > q1 else (high - low) / 2
            scale = float(min(1 / spread, LARGEST)) if spread > 0 else 0.0
        if scale == 0:
            return cls(float(median), 0.0, (), True) if gaps else None
        return cls(float(median), scale, _edges(known, n_bins), gaps)

    @property
    def blocks(self) -> tuple[Numbers, ...]:
        """The encodings that it is made of: itself."""
        return (self,)

    @property
    def n_outputs(self) -> int:
        """Columns that the number becomes."""
        return int(self.scale > 0) + max(len(self.edges) - 1, 0) + int(self.has_gaps)

    def names(self, name: str) -> Iterator[str]:
        """Yield the names of these columns."""
        if self.scale > 0:
            yield name
        yield from (f"{name}_bin{i}" for i in range(1, len(self.edges)))
        if self.has_gaps:
            yield f"{name}_missing"

    def write(self, values: NDArray[np.float64], out: Array) -> None:
        """Write the columns (n_rows, n_outputs) of these numbers."""
        is_missing = np.isnan(values)
        x = np.where(is_missing, self.median, values)
        place = 0
        if self.scale > 0:
            with np.errstate(over="ignore"):
                z = np.clip((x - self.median) * self.scale, -LARGEST, LARGEST)
            out[:, 0] = z / np.hypot(1, z / WIDEST)
            place = 1
        if self.edges:
            edges = np.array(self.edges)
            left, right = edges[:-1], edges[1:]
            x = np.clip(x, edges[0], edges[-1])[:, np.newaxis]
            n_bins = len(left)
            with np.errstate(over="ignore"):
                shares = np.clip((x - left) / (right - left), 0, 1)
            out[:, place : place + n_bins] = 2 * shares - 1
        if self.has_gaps:
            out[:, -1] = np.where(is_missing, 1, -1)


@dataclass(frozen=True)
class Booleans:
    """True as 1, False as -1, missing as 0."""

    @classmethod
    def learn(cls, values: NDArray[np.float64]) -> Any:
        """Return how to encode 0, 1 and NaN; None where they are all the same."""
        found = np.unique(values)  # one NaN at most
        return cls() if len(found) > 1 else None

    @property
    def blocks(self) -> tuple[Booleans, ...]:
        """The encodings that it is made of: itself."""
        return (self,)

    @property
    def n_outputs(self) -> int:
        return 1

    def names(self, name: str) -> Iterator[str]:
        """Yield the name of the column."""
        yield name

    def write(self, values: NDArray[np.float64], out: Array) -> None:
        """Write the column (n_rows, 1) of these truth values."""
        out[:, 0] = np.where(np.isnan(values), 0, np.where(values > 0, 1, -1))


def _edges(known: NDArray[np.float64], n_bins: int) -> tuple[float, ...]:
    """Return edges of at most `n_bins` bins, none of them empty; none where bins would not help."""
    if n_bins < 2:
        return ()
    different = np.unique(known)
    if len(different) <= 2:
        return ()
    if len(different) <= n_bins + 1:
        edges = different
    else:
        shares = np.linspace(0, 1, n_bins + 1)
        edges = np.unique(np.quantile(known, shares))
        if len(edges) < 3:  # nearly all are the same
            edges = np.unique(np.quantile(different, shares))
    widths = np.diff(edges)
    is_sound = np.isfinite(widths) & (widths > np.finfo(np.float64).tiny)
    edges = edges[np.r_[True, is_sound]]
    return tuple(edges.tolist()) if len(edges) > 2 else ()
