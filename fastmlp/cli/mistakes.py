"""What a model takes for what, as tables: for few classes all of it, for many the worst of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from fastmlp.palette import GREEN, RED, rgb
from fastmlp.pictures import worst_mistakes
from fastmlp.words import shortened

MOST_CLASSES = 30  # of a square table; one of 800 would be 3.8 MB
LONGEST = 20  # lines of the tables that stand for it
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
        The rows that it is about, by number from 0; those of data are counted from 1.
    class_names : sequence of str
    of_which : str
        What rows they are, in the titles.
    """
    names = [escape(shortened(name)) for name in class_names]
    true, predicted = y[rows], probabilities[rows].argmax(axis=1)
    n = len(names)
    worst = rows[worst_mistakes(true, probabilities[rows])]
    shown = worst[:WORST]
    title = (
        f"Worst rows{of_which}: the {len(shown)} most confident of {len(worst):,} mistakes, "
        "counted from 1"
    )
    last = {title: _worst_table(shown, y, probabilities, names)}
    if n <= MOST_CLASSES:
        confusion = np.bincount(true * n + predicted, minlength=n * n).reshape(n, n)
        title = f"Confusion matrix{of_which}: true label down, prediction across"
        return {title: _confusion_table(confusion, names)} | last
    wrong = true != predicted
    pairs, counts = np.unique(true[wrong] * n + predicted[wrong], return_counts=True)
    most = np.argsort(-counts, kind="stable")[:LONGEST]
    totals, rights = np.bincount(true, minlength=n), np.bincount(true[~wrong], minlength=n)
    present = np.flatnonzero(totals)
    order = np.lexsort((-totals[present], rights[present] / totals[present]))
    lowest = present[order[:LONGEST]]
    return {
        f"Confusions{of_which}: the {len(most)} most frequent of {len(pairs):,} pairs": _table(
            ("true", "predicted", "rows"),
            (
                (names[pair // n], names[pair % n], f"{count:,}")
                for pair, count in zip(pairs[most], counts[most], strict=True)
            ),
        ),
        f"Classes{of_which}: the {len(lowest)} worst of {len(present):,}": _table(
            ("true", "rows", "right", ""),
            (
                (
                    names[c],
                    f"{totals[c]:,}",
                    f"{rights[c]:,}",
                    f"{100 * rights[c] / totals[c]:.1f} %",
                )
                for c in lowest
            ),
        ),
    } | last


def _confusion_table(confusion: np.ndarray, names: list[str]) -> Table:
    """Counts by true label (rows) and prediction (columns), shaded by share of the row."""
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
    # The square root lifts the mistakes, a few per cent of a row, out of the dark.
    red, green, blue = (int(c * (0.25 + 0.75 * share**0.5)) for c in rgb(colour))
    return Text(f" {count}", style=f"white on rgb({red},{green},{blue})")


def _worst_table(
    rows: np.ndarray, y: np.ndarray, probabilities: np.ndarray, names: list[str]
) -> Table:
    """Mistakes, with the probabilities given to the prediction and to the truth."""
    lines = []
    for row in rows.tolist():
        p, truth = probabilities[row], y[row]
        sure = (f"{100 * p.max():.1f} %", f"{100 * p[truth]:.1f} %")
        lines.append((str(row + 1), names[truth], names[p.argmax()], *sure))
    return _table(("row", "true", "predicted", "sure of it", "of the truth"), lines)


def _table(headings: Iterable[str], lines: Iterable[Iterable[str]]) -> Table:
    table = Table(box=None)
    for heading in headings:
        table.add_column(heading, justify="right")
    for line in lines:
        table.add_row(*line)
    return table
