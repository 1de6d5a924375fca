"""`fastmlp predict` and `fastmlp evaluate` with a model of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.markup import escape
from rich.table import Table as Grid

from fastmlp.cli import mistakes, output, table_scores
from fastmlp.cli.sources import Source
from fastmlp.cli.table_model import TableModel, naming
from fastmlp.cli.table_notes import fingerprint
from fastmlp.cli.table_targets import as_classes, as_quantities, labels_of
from fastmlp.cli.terminal import Terminal
from fastmlp.words import counted, listed, shown

WORST = 10  # rows


def predictions(
    found: TableModel, source: Source, id_column: str | None, proba: bool
) -> tuple[list[str], list[list[object]]]:
    """Return the names of the columns to write, and the lines."""
    if proba and not found.is_classifier:
        raise ValueError(f"{found.model} predicts quantities, no classes: leave --proba out")
    errors = Terminal(stderr=True)
    table = found.load_table(source, errors)
    predicted = found.predict(table.x, table.name)
    errors.print_line(table.found)
    cells: list[list[object]]
    if proba:
        names = [str(name) for name in found.estimator.classes_.tolist()]
        cells = predicted.tolist()
    else:
        names = [found.notes.label or "label"]
        if found.is_classifier:
            predicted = found.estimator.classes_[predicted.argmax(axis=1)]
        cells = [[one] for one in predicted.tolist()]
    ids = range(1, len(cells) + 1) if table.ids is None else table.ids.tolist()
    first = id_column or table.id_name or "row"
    return [first, *names], [[row, *rest] for row, rest in zip(ids, cells, strict=True)]


def evaluate(found: TableModel, source: Source) -> None:
    """Print how good a model is on a labelled table."""
    errors = Terminal(stderr=True)
    table = found.load_table(source, errors)
    labels = labels_of(table, "evaluate")
    if found.is_classifier:
        y = _known_classes(found, labels, table.name)
    else:
        y = as_quantities(labels, table.name)
    with naming(table.name):
        rows = fingerprint(found.estimator, table.x, y)
    errors.print_line(table.found)
    oof = found.out_of_fold(rows)
    predicted = found.predict(table.x, table.name) if oof is None else oof
    console = Terminal()
    if found.is_classifier:
        figures = table_scores.of_classes(y, predicted, found.estimator.classes_)
        names = list(map(str, found.estimator.classes_.tolist()))
        places = np.searchsorted(found.estimator.classes_, y)
        grids = mistakes.tables(places, predicted, np.arange(len(y)), names)
    else:
        figures = table_scores.of_quantities(y, predicted)
        grids = _worst(y, predicted)
    output.widen(console, *grids.values())
    on = "" if oof is None else " out of fold"
    for name, text in figures.items():
        console.print_line(f"{name}: {text}{on}")
    console.print(f"{counted(len(y), 'row')} of {escape(table.name)}.", soft_wrap=True)
    if oof is not None:
        console.print_line(
            "The model was trained on these rows: each one's prediction is that of a network which "
            "was not. (It is a little too good, as the rows chose the epochs.)"
        )
    for title, grid in grids.items():
        console.print()
        console.print(f"[bold]{title}[/bold]", soft_wrap=True)
        console.print(grid)


def _known_classes(found: TableModel, labels: pd.Series[Any], name: str) -> NDArray[Any]:
    known = found.estimator.classes_
    y = as_classes(labels, known.dtype.kind in "iu")
    if y.dtype.kind != known.dtype.kind:
        y, known = y.astype(str), known.astype(str)
    foreign = y[~np.isin(y, known)]
    if len(foreign):
        raise ValueError(
            f"{name} holds the label {shown(str(foreign[0]))}, {found.model} knows "
            f"{listed(known.tolist())}: train a model on data with all labels"
        )
    return y.astype(found.estimator.classes_.dtype)


def _worst(y: NDArray[np.float64], predicted: NDArray[np.float64]) -> dict[str, Grid]:
    worst = np.argsort(-np.abs(predicted - y), kind="stable")[:WORST]
    grid = Grid(box=None)
    for heading in ("row", "true", "predicted", "error"):
        grid.add_column(heading, justify="right")
    for row in worst.tolist():
        figures = (y[row], predicted[row], predicted[row] - y[row])
        grid.add_row(str(row + 1), *(f"{figure:.5g}" for figure in figures))
    return {f"Worst rows: the {len(worst)} with the largest errors, counted from 1": grid}
