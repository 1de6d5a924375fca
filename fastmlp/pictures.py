"""The pictures of a training run, as matplotlib figures.

Every function returns a figure of its own, a `matplotlib.figure.Figure` that notebooks show as a
picture: no file is written, and pyplot's global state is not touched. Write one with
``figure.savefig("x.png")``, look at it with ``figure.show()``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fastmlp import words
from fastmlp.curves import learning_curves as learning_curves
from fastmlp.palette import DPI, GREEN, INK, MUTED, PAPER, RED

if TYPE_CHECKING:
    from fastmlp.figure import Figure

LONGEST_NAME = 10  # letters
TILE = 1.0  # inches, the side of one image in a grid


def image_side(n_features: int) -> int | None:
    """Return the side of a square image.

    Parameters
    ----------
    n_features : int
        Number of pixels.

    Returns
    -------
    int or None
        None if the number is not a square.
    """
    side = math.isqrt(n_features)
    return side if side > 1 and side * side == n_features else None


def labelled_sample(
    x: np.ndarray,
    y: np.ndarray,
    class_names: Sequence[str] | None = None,
    *,
    n_images: int = 60,
) -> Figure:
    """Draw the first images of the data, each under its label.

    Parameters
    ----------
    x : ndarray of shape (m, side * side)
        Square images, one per row, on any scale: 0 is drawn light, the largest value dark.
    y : ndarray of shape (m,)
        Labels.
    class_names : sequence of str, optional
        Names of the classes 0, 1, ...
    n_images : int, default 60

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the rows of `x` are not square images.
    """
    shown = min(n_images, len(x))
    captions = [[(_word(label, class_names), INK)] for label in y[:shown]]
    title = f"A sample of the data: {shown:,} of {len(x):,} images with their labels"
    return _grid(title, x[:shown], captions, n_columns=10)


def misclassified_gallery(
    x: np.ndarray,
    y: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str] | None = None,
    *,
    n_images: int = 40,
) -> Figure:
    """Draw the network's mistakes, the most confident first, with predicted and true labels.

    Parameters
    ----------
    x : ndarray of shape (m, side * side)
        Square images, one per row.
    y : ndarray of shape (m,)
        True labels.
    probabilities : ndarray of shape (m, n_classes)
        The network's output for `x`.
    class_names : sequence of str, optional
        Names of the classes 0, 1, ...
    n_images : int, default 40

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the rows of `x` are not square images.
    """
    worst = worst_mistakes(y, probabilities)
    shown = worst[:n_images]
    predicted = probabilities[shown].argmax(axis=1)
    confidence = probabilities[shown].max(axis=1)
    captions = [
        [
            (f"predicted {_word(p, class_names)} · {100 * c:.0f} %", RED),
            (f"true {_word(t, class_names)}", GREEN),
        ]
        for p, t, c in zip(predicted, y[shown], confidence, strict=True)
    ]
    rate = len(worst) / max(len(y), 1)
    title = f"{len(worst):,} of {len(y):,} validation images misclassified ({100 * rate:.2f} %)"
    if len(worst) > len(shown):
        title += f": the {len(shown)} most confident mistakes"
    return _grid(title, x[shown], captions, n_columns=8)


def _word(label: int, class_names: Sequence[str] | None) -> str:
    """Return a class as text of a caption, short enough not to touch the next caption."""
    if class_names is None:
        return str(label)
    name = words.printable(class_names[label])
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _width(text: str, size: float) -> float:
    """Return a text's width in inches."""
    from matplotlib.textpath import TextPath

    letters = text.replace("$", "S")  # dollar signs would start a formula
    return float(TextPath((0, 0), letters, size=size).get_extents().width) / 72


def worst_mistakes(y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the rows whose most probable class is not `y`, the most confident mistake first.

    Parameters
    ----------
    y : ndarray of shape (m,)
        True labels.
    probabilities : ndarray of shape (m, n_classes)

    Returns
    -------
    ndarray of int of shape (n_mistakes,)
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != y)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]


def _grid(
    title: str, x: np.ndarray, captions: list[list[tuple[str, str]]], *, n_columns: int
) -> Figure:
    """Draw images in rows of `n_columns`, each under a caption: lines of (text, colour).

    All are drawn in one Axes, since sixty Axes take a second. Captions don't touch each other.
    """
    from matplotlib.colors import LinearSegmentedColormap

    from fastmlp.figure import Figure

    side = image_side(x.shape[1])
    if side is None:
        raise ValueError(
            f"x has {x.shape[1]} features a row, which is no square image: "
            "give rows of side * side pixels, such as 784"
        )
    size = 10 if max(map(len, captions), default=1) == 1 else 8  # points
    widest = max((_width(text, size) for lines in captions for text, _ in lines), default=0.0)
    n_lines = max((len(lines) for lines in captions), default=1)
    n_rows = max(1, math.ceil(len(x) / n_columns))
    # One unit is a tile's side; captions and gaps are given in inches.
    line, gap, margin, header = 0.16 / TILE, 0.14 / TILE, 0.15 / TILE, 0.5 / TILE
    step_x, step_y = max(1 + gap, widest / TILE + 1.2 * gap), 1 + gap + line * n_lines
    width = 2 * margin + n_columns * step_x - gap
    inset = (step_x - 1 - gap) / 2  # of an image under a wider caption
    height = header + n_rows * step_y + margin - gap
    figure = Figure(figsize=(width * TILE, height * TILE), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    paper_to_ink = LinearSegmentedColormap.from_list("paper_to_ink", [PAPER, INK])
    largest = max(float(x.max()), 1e-30) if x.size else 1.0
    for i, (image, lines) in enumerate(zip(x, captions, strict=True)):
        left = margin + inset + (i % n_columns) * step_x
        top = header + (i // n_columns) * step_y
        for k, (text, colour) in enumerate(lines):
            axes.text(
                left + 0.5, top + (k + 0.5) * line, text,
                color=colour, fontsize=size, ha="center", va="center",
                parse_math=False,  # a name may contain dollar signs
            )  # fmt: skip
        top += n_lines * line
        axes.imshow(
            image.reshape(side, side), cmap=paper_to_ink, vmin=0, vmax=largest,
            extent=(left, left + 1, top + 1, top), interpolation="nearest",
        )  # fmt: skip
    axes.text(margin, header / 2, title, color=INK, fontsize=12, fontweight="bold", va="center")
    if not captions:
        axes.text(width / 2, header + 0.5, "Nothing to show", color=MUTED, ha="center")
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    return figure
