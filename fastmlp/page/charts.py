"""Curves and points as what the page's template draws: places in a picture, and texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

WIDTH, HEIGHT = 480, 280
LEFT, RIGHT, TOP, BOTTOM = 56, 24, 16, 40  # margins, in which the axes' labels stand
MOST_PLACES = 500  # of a curve
MOST_POINTS = 2000


class Line(NamedTuple):
    """A curve, before it is placed: a value each epoch, gaps as NaN.

    Attributes
    ----------
    values : array_like of shape (n_epochs,)
    kind : {'training', 'validation'}
        Which gives its colour.
    label : str
        What the legend calls it; empty to leave it out.
    marked : int or None
        An epoch, from 1, to mark.
    """

    values: ArrayLike
    kind: str
    label: str = ""
    marked: int | None = None


class Chart(NamedTuple):
    """A drawing, placed: all places are (x, y) from its left upper corner.

    Attributes
    ----------
    title, x_label, y_label : str
    x_ticks, y_ticks : list of (float, str)
        Where, and what is written there.
    curves : sequence of (str, str)
        Kind and places of each.
    legend : sequence of (str, str)
        Kind and label.
    marks, points : sequence of (float, float)
    diagonal : str
        Places of a line of equal x and y; empty for none.
    """

    title: str
    x_label: str
    y_label: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    curves: Sequence[tuple[str, str]] = ()
    legend: Sequence[tuple[str, str]] = ()
    marks: Sequence[tuple[float, float]] = ()
    points: Sequence[tuple[float, float]] = ()
    diagonal: str = ""


def curves(title: str, lines: Sequence[Line]) -> Chart:
    """Draw values over the epochs.

    Parameters
    ----------
    title : str
    lines : sequence of Line
        One with a finite value at least.

    Returns
    -------
    Chart
    """
    every = [np.asarray(line.values, np.float64) for line in lines]
    x = _Axis([1, max(map(len, every))], LEFT, WIDTH - RIGHT, whole=True)
    y = _Axis(np.concatenate(every), HEIGHT - BOTTOM, TOP)
    placed, marks = [], []
    for line, values in zip(lines, every, strict=True):
        known = np.flatnonzero(np.isfinite(values))
        some = known[np.linspace(0, len(known) - 1, min(len(known), MOST_PLACES)).astype(int)]
        places = zip(x(some + 1), y(values[some]), strict=True)
        placed.append((line.kind, " ".join(f"{left:.1f},{top:.1f}" for left, top in places)))
        if line.marked is not None and line.marked - 1 in known:
            marks.append((x(line.marked).item(), y(values[line.marked - 1]).item()))
    legend = [(line.kind, line.label) for line in lines if line.label]
    return Chart(title, "epoch", "", x.ticks, y.ticks, placed, legend, marks)


def truth_and_prediction(true: NDArray[Any], predicted: NDArray[Any]) -> Chart:
    """Draw a point for each row, at its true and its predicted value; of many rows, some.

    Parameters
    ----------
    true, predicted : ndarray of shape (n_rows,)

    Returns
    -------
    Chart
    """
    rows = np.linspace(0, len(true) - 1, min(len(true), MOST_POINTS)).astype(np.intp)
    both = np.concatenate([true[rows], predicted[rows]])
    x, y = _Axis(both, LEFT, WIDTH - RIGHT), _Axis(both, HEIGHT - BOTTOM, TOP)
    points = list(zip(x(true[rows]).tolist(), y(predicted[rows]).tolist(), strict=True))
    ends = np.array([both.min(), both.max()])
    diagonal = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x(ends), y(ends), strict=True))
    some = f": {len(rows):,} of {len(true):,} rows" if len(rows) < len(true) else ""
    return Chart(
        f"Truth and prediction{some}", "true", "predicted", x.ticks, y.ticks,
        points=points, diagonal=diagonal,
    )  # fmt: skip


class _Axis:
    """Places of values between two ends, and where it is marked."""

    def __init__(self, values: Any, first: float, last: float, whole: bool = False) -> None:
        from matplotlib.ticker import MaxNLocator

        finite = np.asarray(values, np.float64)
        finite = finite[np.isfinite(finite)]
        low, high = float(finite.min()), float(finite.max())
        if low == high:
            low, high = low - (abs(low) or 1) / 10, high + (abs(high) or 1) / 10
        self._low, self._per_unit, self._first = low, (last - first) / (high - low), first
        ticks = MaxNLocator(5, integer=whole).tick_values(low, high)
        inside = [float(tick) for tick in ticks if low <= tick <= high]
        self.ticks = [(self(tick).item(), f"{tick:.6g}") for tick in inside]

    def __call__(self, values: Any) -> NDArray[np.float64]:
        return self._first + (np.asarray(values, np.float64) - self._low) * self._per_unit
