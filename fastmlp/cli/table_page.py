"""The page of a run on a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp import pictures
from fastmlp.cli.page_file import settings_text, short_name
from fastmlp.data.frames import Table
from fastmlp.page.charts import Chart, Line, curves, truth_and_prediction
from fastmlp.page.confusion import confusion_of
from fastmlp.page.page import Importance, Mistakes, Page
from fastmlp.words import counted

WORST = 40  # rows
MOST_COLUMNS = 30  # whose importances are shown


class Importances(NamedTuple):
    """How much worse predictions become when a column is shuffled.

    Attributes
    ----------
    names : sequence of str
        Of the columns.
    means, spreads : ndarray of shape (n_columns,)
        Mean and standard deviation over several shuffles.
    what : str
        What becomes worse.
    """

    names: Sequence[str]
    means: NDArray[np.float64]
    spreads: NDArray[np.float64]
    what: str


def page_of_table(
    estimator: Any,
    table: Table,
    y: NDArray[Any],
    facts: Mapping[str, str],
    importances: Importances,
    options: Mapping[str, Any],
) -> Page:
    """Return the page.

    Parameters
    ----------
    estimator : TableClassifier or TableRegressor
        With its history and out-of-fold predictions.
    table : Table
    y : ndarray of shape (n_rows,)
        Classes or quantities.
    facts : mapping of str to str
        What was trained on what, and how good it is.
    importances : Importances
    options : mapping
        What was asked of the run.
    """
    oof = estimator.oof_predictions_
    ids = np.arange(1, len(y) + 1) if table.ids is None else table.ids
    charts = _charts(estimator.history_)
    confusion = None
    if hasattr(estimator, "classes_"):
        names = list(map(str, estimator.classes_.tolist()))
        places = np.searchsorted(estimator.classes_, y)
        confusion = confusion_of(places, oof.argmax(axis=1), names)
        mistakes = _of_classes(places, oof, names, ids)
    else:
        charts.append(truth_and_prediction(y, oof))
        mistakes = _of_quantities(y, oof, ids)
    order = np.argsort(-importances.means, kind="stable")[:MOST_COLUMNS]
    some = f", {len(order)} of {len(importances.names)} columns" * (
        len(order) < len(importances.names)
    )
    columns = [
        Importance(importances.names[i], float(importances.means[i]), float(importances.spreads[i]))
        for i in order.tolist()
    ]
    return Page(
        f"Networks trained on {short_name(table.name)}",
        {**facts, "Settings": settings_text(options)},
        charts,
        confusion,
        mistakes,
        columns,
        f"{importances.what[0].upper()}{importances.what[1:]}{some},",
    )


def _charts(history: Any) -> list[Chart]:
    both = list(zip(history.members, history.best_epochs, strict=True))
    # Apart: the penalty on weights, which is part of the one loss only, can dwarf the other.
    lines = {
        "Training loss, with the penalty on weights": [
            Line(member.loss, "training") for member, _ in both
        ],
        "Validation score of each network": [
            Line(member.val_score, "validation", marked=best) for member, best in both
        ],
    }
    return [
        curves(title, some)
        for title, some in lines.items()
        if any(np.isfinite(line.values).any() for line in some)
    ]


def _of_classes(
    places: NDArray[Any], oof: NDArray[Any], names: list[str], ids: NDArray[Any]
) -> Mistakes:
    worst = pictures.worst_mistakes(places, oof)
    shown = worst[:WORST]
    lines = []
    for i, truth in zip(shown.tolist(), places[shown].tolist(), strict=True):
        shares = [f"{100 * share:.1f} %" for share in (oof[i].max(), oof[i, truth])]
        lines.append((str(ids[i]), names[truth], names[oof[i].argmax()], *shares))
    return Mistakes(
        f"{counted(len(worst), 'row')} of {len(places):,} misclassified out of fold"
        + (f": the {len(shown)} most confident mistakes." if len(shown) < len(worst) else "."),
        ("row", "true", "predicted", "P(predicted)", "P(true)"),
        lines,
    )


def _of_quantities(y: NDArray[Any], oof: NDArray[Any], ids: NDArray[Any]) -> Mistakes:
    worst = np.argsort(-np.abs(oof - y), kind="stable")[:WORST].tolist()
    lines = [
        (str(ids[i]), *(f"{figure:.5g}" for figure in (y[i], oof[i], oof[i] - y[i]))) for i in worst
    ]
    return Mistakes(
        f"The {counted(len(worst), 'row')} with the largest errors, out of fold.",
        ("row", "true", "predicted", "error"),
        lines,
    )
