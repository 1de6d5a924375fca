"""The learning curves of a training run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastmlp.palette import BLUE, DPI, GRID, INK, LINE, MUTED, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastmlp.figure import Figure


def learning_curves(
    mean_loss: Sequence[float],
    val_loss: Sequence[float] = (),
    val_accuracy: Sequence[float] = (),
    val_score: Sequence[float] = (),
    best_epoch: int | None = None,
) -> Figure:
    """Draw losses over the epochs, and beside them the validation accuracy or score, if any.

    Parameters
    ----------
    mean_loss : sequence of float
        Mean loss of each epoch's rows.
    val_loss : sequence of float
        Mean loss on the validation data after each epoch.
    val_accuracy : sequence of float
        Accuracy on the validation data after each epoch, 0 to 1.
    val_score : sequence of float
        Another score on the validation data, if there is no accuracy.
    best_epoch : int, optional
        The epoch, from 1, whose weights were kept: it is marked.

    Returns
    -------
    Figure

    Examples
    --------
    >>> learning_curves([1.0, 0.5], [1.1, 0.7], [0.6, 0.8]).savefig("curves.png")
    """
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    from fastmlp.figure import Figure

    padded = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.12, wspace=0.03)
    n_panels = 2 if val_accuracy or val_score else 1
    figure = Figure(figsize=(5.0 * n_panels, 4.0), dpi=DPI, facecolor="white", layout=padded)
    left, *right = figure.subplots(1, n_panels, squeeze=False)[0]
    _prepare(left, "Mean loss")
    _curve(left, mean_loss, BLUE, "training {:.3f}")
    _curve(left, val_loss, ORANGE, "validation {:.3f}")
    _separate(left)
    for axes in right:
        if val_accuracy:
            _prepare(axes, "Validation accuracy (%)")
            _curve(axes, [100 * a for a in val_accuracy], ORANGE, "{:.2f} %")
        else:
            _prepare(axes, "Validation score")
            _curve(axes, val_score, ORANGE, "{:.4f}")
    if best_epoch is not None:
        for axes in (left, *right):
            _mark(axes, best_epoch)
    return figure


def _prepare(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", color=INK, fontsize=12, fontweight="bold", pad=12)
    axes.set_xlabel("Epoch", color=MUTED)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.tick_params(colors=MUTED, length=0)
    axes.locator_params(axis="x", integer=True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.margins(x=0.02)


def _curve(axes: Axes, values: Sequence[float], colour: str, label: str) -> None:
    """Draw a value per epoch; `label`, which formats the last one, is written beside it."""
    epochs = range(1, len(values) + 1)
    # A single epoch has no line to draw, so it gets a dot.
    axes.plot(epochs, values, color=colour, linewidth=1.8, marker="o" if len(values) == 1 else "")
    if values and math.isfinite(values[-1]):
        axes.set_xlim(right=1.5 + 1.14 * (len(values) - 1))
        axes.annotate(
            label.format(values[-1]),
            (len(values), values[-1]),
            xytext=(6, 0),  # beside the curve's end, where nothing else is drawn
            textcoords="offset points",
            va="center",
            color=colour,
            fontweight="bold",
        )


def _separate(axes: Axes) -> None:
    """Move the labels of two curves apart if they overlap."""
    if len(axes.texts) < 2:
        return
    axes.autoscale_view()
    lower, upper = sorted(axes.texts, key=lambda text: text.xy[1])  # type: ignore[attr-defined]
    (_, low), (_, high) = axes.transData.transform([lower.xy, upper.xy])  # type: ignore[attr-defined]
    lacking = 14.0 - (high - low) * 72 / DPI  # points
    if lacking > 0:
        lower.set_position((6, -lacking / 2))
        upper.set_position((6, lacking / 2))


def _mark(axes: Axes, epoch: int) -> None:
    """Mark the epoch that was kept, by a line through the curves and a word above it."""
    axes.axvline(epoch, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        f"kept: epoch {epoch}",
        (epoch, 1.0),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, 1),
        textcoords="offset points",
        ha="center",
        va="bottom",
        color=MUTED,
        fontsize=8,
    )
