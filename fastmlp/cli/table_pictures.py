"""The pictures of a run on a table: what it confuses, how far it is off, which columns count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.page.confusion import confusion_of
from fastmlp.palette import BLUE, DPI, GREEN, GRID, INK, LINE, MUTED, ORANGE, PAPER
from fastmlp.words import printable, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastmlp.figure import Figure

MOST_COLUMNS = 30  # whose importances are drawn
MOST_POINTS = 20_000
LONGEST = 24  # letters


def confusion_matrix(true: NDArray[Any], predicted: NDArray[Any], names: Sequence[str]) -> Figure:
    """Draw how often each class is taken for which, shaded by the share of the true class.

    Parameters
    ----------
    true, predicted : ndarray of shape (n_rows,) of int
        Places in `names`.
    names : sequence of str

    Returns
    -------
    Figure
        Of more than 30 classes, the 30 with the most rows.
    """
    from matplotlib.colors import LinearSegmentedColormap

    found = confusion_of(true, predicted, names)
    counts, shares, n_shown = np.array(found.counts), np.array(found.shares), len(found.names)
    side = 2.2 + 0.42 * max(n_shown, 5)
    is_whole = n_shown == found.n_classes
    which = "" if is_whole else f", {n_shown} of {found.n_classes} classes"
    figure, axes = _figure(side + 1, side, f"Confusion matrix{which}")
    colours = LinearSegmentedColormap.from_list("share", [PAPER, GREEN])
    axes.imshow(shares, cmap=colours, vmin=0, vmax=1)
    for i, j in np.argwhere(counts > 0).tolist():
        light = "white" if shares[i, j] > 0.6 else INK
        axes.text(j, i, f"{counts[i, j]:,}", ha="center", va="center", color=light, fontsize=8)
    words = [_short(name) for name in found.names]
    axes.set_xticks(range(n_shown), words, rotation=90 if n_shown > 5 else 0, fontsize=8)
    axes.set_yticks(range(n_shown), words, fontsize=8)
    _label(axes, "predicted", "true")
    return figure


def truth_and_prediction(true: NDArray[np.float64], predicted: NDArray[np.float64]) -> Figure:
    """Draw a point for each row, at its true and its predicted value; of many rows, some.

    Parameters
    ----------
    true, predicted : ndarray of shape (n_rows,)

    Returns
    -------
    Figure
    """
    rows = np.linspace(0, len(true) - 1, min(len(true), MOST_POINTS)).astype(np.intp)
    figure, axes = _figure(5.4, 5.4, "Truth and prediction")
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    size = float(np.clip(4000 / len(rows), 1, 16))
    axes.scatter(true[rows], predicted[rows], s=size, color=BLUE, alpha=0.5, linewidths=0)
    ends = [float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))]
    axes.plot(ends, ends, color=ORANGE, linewidth=1)
    _label(axes, "true", "predicted")
    return figure


def importances(
    names: Sequence[str], means: NDArray[np.float64], spreads: NDArray[np.float64], what: str
) -> Figure:
    """Draw how much worse predictions are when a column is shuffled, the most important on top.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    means, spreads : ndarray of shape (n_columns,)
        Mean and standard deviation over several shuffles.
    what : str
        What becomes worse.

    Returns
    -------
    Figure
        Of more than 30 columns, the 30 most important.
    """
    order = np.argsort(-means, kind="stable")[:MOST_COLUMNS][::-1]
    which = "" if len(order) == len(names) else f", {len(order)} of {len(names)} columns"
    figure, axes = _figure(7.0, 1.4 + 0.26 * len(order), f"Permutation importance{which}")
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.barh(
        range(len(order)), means[order], xerr=spreads[order], color=BLUE, ecolor=MUTED, height=0.7
    )
    words = [_short(names[i]) for i in order.tolist()]
    axes.set_yticks(range(len(order)), words, fontsize=8)
    axes.set_axisbelow(True)
    _label(axes, what, "")
    return figure


def _figure(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    from fastmlp.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, loc="left", color=INK, fontsize=12, fontweight="bold", pad=12)
    axes.tick_params(colors=MUTED, length=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(LINE)
    return figure, axes


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, color=MUTED)
    axes.set_ylabel(y, color=MUTED)
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        text.set_parse_math(False)  # a name may contain dollar signs


def _short(name: str) -> str:
    return printable(shortened(name, LONGEST))
