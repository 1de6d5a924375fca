"""A model's mistakes, as tables: the confusion matrix, or for many classes its worst part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from fastmlp.palette import GREEN, RED, rgb
from fastmlp.pictures import worst_mistakes
from fastmlp.words import shortened

MOST_CLASSES = 30  # of a confusion matrix; one of 800 classes would be 3.8 MB
LONGEST = 20  # lines of the tables that replace a larger matrix
WORST = 10  # rows


def tables(
    y: np.ndarray,
    probabilities: np.ndarray,
    rows: np.ndarray,
    class_names: Sequence[str],
    of_which: str = "",
) -> dict[str, Table]:
    """Return tables by their titles.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        True labels.
    probabilities : ndarray of shape (n_rows, n_classes)
    rows : ndarray of int
        Indices of the rows to consider. The tables count rows from 1.
    class_names : sequence of str
    of_which : str
        Which rows these are, for the titles.
    """
    names = [escape(shortened(name)) for name in class_names]
    n = len(names)
    true, predicted = y[rows], probabilities[rows].argmax(axis=1)
    if n <= MOST_CLASSES:
        title = f"Confusion matrix{of_which}: true label down, prediction across"
        confusion = np.bincount(true * n + predicted, minlength=n * n).reshape(n, n)
        found = {title: _confusion_table(confusion, names)}
    else:
        found = _most_confused(true, predicted, names, of_which)
    worst = rows[worst_mistakes(true, probabilities[rows])]
    lines = []
    for row in worst[:WORST].tolist():
        p, truth = probabilities[row], y[row]
        shares = [f"{100 * p.max():.1f} %", f"{100 * p[truth]:.1f} %"]
        lines.append([str(row + 1), names[truth], names[p.argmax()], *shares])
    title = (
        f"Worst rows{of_which}: the {len(lines)} most confident of {len(worst):,} mistakes, "
        "counted from 1"
    )
    headings = ("row", "true", "predicted", "P(predicted)", "P(true)")
    return found | {title: _table(headings, lines)}


def _most_confused(
    true: np.ndarray, predicted: np.ndarray, names: list[str], of_which: str
) -> dict[str, Table]:
    """Return the most frequent confusions, and the classes with the lowest share of right rows."""
    n, is_wrong = len(names), true != predicted
    pairs, counts = np.unique(true[is_wrong] * n + predicted[is_wrong], return_counts=True)
    most = np.argsort(-counts, kind="stable")[:LONGEST]
    confusions = [
        [names[pair // n], names[pair % n], f"{count:,}"]
        for pair, count in zip(pairs[most], counts[most], strict=True)
    ]
    totals, rights = np.bincount(true, minlength=n), np.bincount(true[~is_wrong], minlength=n)
    present = np.flatnonzero(totals)
    order = np.lexsort((-totals[present], rights[present] / totals[present]))
    classes = [
        [names[c], f"{totals[c]:,}", f"{rights[c]:,}", f"{100 * rights[c] / totals[c]:.1f} %"]
        for c in present[order[:LONGEST]]
    ]
    frequent = f"{len(confusions)} most frequent of {len(pairs):,} pairs"
    return {
        f"Confusions{of_which}: the {frequent}": _table(("true", "predicted", "rows"), confusions),
        f"Classes{of_which}: the {len(classes)} worst of {len(present):,}": _table(
            ("true", "rows", "right", ""), classes
        ),
    }


def _confusion_table(confusion: np.ndarray, names: list[str]) -> Table:
    """Return counts by true label (rows) and prediction (columns), coloured by share of the row."""
    table = Table(box=None)
    table.add_column("", style="bold")
    for name in names:
        table.add_column(name, justify="right")
    table.add_column("right", justify="right", style="bold")
    for label, row in enumerate(confusion):
        total = row.sum()
        cells = [
            _heat(count, count / max(total, 1), GREEN if label == predicted else RED)
            for predicted, count in enumerate(row)
        ]
        share = f"{100 * row[label] / total:.1f} %" if total else "-"
        table.add_row(names[label], *cells, share)
    return table


def _heat(count: int, share: float, colour: str) -> Text:
    if count == 0:
        return Text("·", style="dim")
    # The square root makes mistakes visible, which are a few per cent of a row.
    red, green, blue = (int(c * (0.25 + 0.75 * share**0.5)) for c in rgb(colour))
    return Text(f" {count}", style=f"white on rgb({red},{green},{blue})")


def _table(headings: Iterable[str], lines: Iterable[Iterable[str]]) -> Table:
    table = Table(box=None)
    for heading in headings:
        table.add_column(heading, justify="right")
    for line in lines:
        table.add_row(*line)
    return table
