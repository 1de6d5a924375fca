"""The page of a run on pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp import pictures
from fastmlp.cli import sources
from fastmlp.cli.matching import class_words
from fastmlp.cli.page_file import settings_text, short_name
from fastmlp.page import images
from fastmlp.page.charts import Chart, Line, curves
from fastmlp.page.confusion import confusion_of
from fastmlp.page.pad import network_of, why_no_pad
from fastmlp.page.page import Mistakes, Page
from fastmlp.words import counted, shortened

if TYPE_CHECKING:
    from fastmlp import MLP, History
    from fastmlp.data import Dataset

MOST_MISTAKES = 40

Parts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""The rows and labels to train on, and those kept for validation."""


def page_of_pixels(
    network: MLP,
    dataset: Dataset,
    parts: Parts,
    rows: np.ndarray,
    probabilities: np.ndarray,
    kept_epoch: int,
    facts: Mapping[str, str],
    options: Mapping[str, Any],
) -> Page:
    """Return the page.

    Parameters
    ----------
    network : MLP
    dataset : Dataset
    parts : Parts
    rows : ndarray of int
        Which of the data's rows were kept for validation, in their order in `parts`.
    probabilities : ndarray of shape (n_validation_rows, n_classes)
    kept_epoch : int
    facts : mapping of str to str
        What was trained on what, and how good it is.
    options : mapping
        What was asked of the run.
    """
    x_train, _, x_val, y_val = parts
    names = class_words(network)
    page: dict[str, Any] = {
        "title": f"A network trained on {short_name(dataset.name)}",
        "facts": {**facts, "Settings": settings_text(options)},
        "charts": _charts(network.history_, kept_epoch),
        "confusion": confusion_of(y_val, probabilities.argmax(axis=1), names),
    }
    side = sources.image_side(x_val.shape[1]) if sources.are_images(dataset) else None
    worst = pictures.worst_mistakes(y_val, probabilities)
    shown = worst[:MOST_MISTAKES]
    lines = []
    for i, truth in zip(shown.tolist(), y_val[shown].tolist(), strict=True):
        p = probabilities[i]
        shares = [f"{100 * share:.1f} %" for share in (p.max(), p[truth])]
        classes = (shortened(names[label]) for label in (p.argmax(), truth))
        cells = (f"{name}, {share}" for name, share in zip(classes, shares, strict=True))
        lines.append((*cells, str(rows[i] + 1)))
    page["mistakes"] = Mistakes(
        f"{counted(len(worst), 'validation row')} of {len(y_val):,} misclassified"
        + (f": the {len(shown)} most confident mistakes." if len(shown) < len(worst) else "."),
        ("predicted", "true", "row"),
        lines,
        () if side is None else images.digits(x_val[shown], side),
    )
    if side is None:
        page["no_pad"] = "There is no pad to draw on, as the rows are no square images."
        return Page(**page)
    w = network.weights[0]
    page |= {"weights": images.weights(w, side), "n_units": w.shape[1]}
    if reason := why_no_pad(network):
        return Page(**page, no_pad=reason)
    divisor = dataset.scale if x_train.dtype.kind == "u" else 1.0
    ground, ink = float(x_train.min() / divisor), float(x_train.max() / divisor)
    return Page(**page, pad=network_of(network, side, ground, ink), classes=names)


def _charts(history: History, kept_epoch: int) -> list[Chart]:
    loss = [
        Line(history.mean_loss, "training", "training"),
        Line(history.val_loss, "validation", "validation", kept_epoch),
    ]
    right = 100 * np.array(history.val_accuracy)
    accuracy = Line(right, "validation", marked=kept_epoch)
    return [curves("Mean loss", loss), curves("Validation accuracy (%)", [accuracy])]
