"""`fastmlp evaluate`: how good a model is, what it confuses, and its worst mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from fastmlp.cli import options
from fastmlp.palette import GREEN, RED, rgb

if TYPE_CHECKING:
    import numpy as np

WORST = 10


def evaluate(
    model: options.Model,
    data: options.Data,
    label: options.Label = None,
    scale: options.ModelScale = None,
    max_bytes: options.MaxBytes = None,
) -> None:
    """Show a model's accuracy on labelled data, its confusion matrix and its worst mistakes.

    Where the rows are those that `fastmlp train` has split, it is about those kept for validation.
    """
    import numpy as np

    from fastmlp import MLP
    from fastmlp.cli import output, sources
    from fastmlp.cli.split import split_beside
    from fastmlp.pictures import worst_mistakes

    options.check_scale(scale)
    network = MLP.load(model)
    errors = Console(stderr=True, highlight=False)
    dataset = sources.load_for(network, model, data, errors, label, scale, max_bytes)
    y = sources.labels_for(network, model, dataset, "evaluate")
    sources.say(dataset, network, model, errors)
    names = sources.class_words(network)
    probabilities = network.predict_proba(dataset.x)
    split = split_beside(model)
    kept = None if split is None else split.validation_rows(dataset.x)
    rows = np.arange(len(y)) if kept is None else kept
    confusion = np.zeros((network.n_classes, network.n_classes), int)
    np.add.at(confusion, (y[rows], probabilities[rows].argmax(axis=1)), 1)

    right = int(np.trace(confusion))
    worst = rows[worst_mistakes(y[rows], probabilities[rows])]
    shown = worst[:WORST]
    of_which = "" if kept is None else " of the validation rows"
    tables = {
        f"Confusion matrix{of_which}: true label down, prediction across": _confusion_table(
            confusion, names
        ),
        f"Worst rows{of_which}: the {len(shown)} most confident of {len(worst):,} mistakes, "
        "counted from 0": _worst_table(shown, y, probabilities, names),
    }
    console = Console(highlight=False, emoji=False)
    output.widen(console, *tables.values())
    name = escape(dataset.name)
    if kept is None:
        console.print(f"Accuracy: {100 * right / len(y):.2f} %")
        console.print(f"{right:,} of {len(y):,} rows of {name} are right.", soft_wrap=True)
    else:
        console.print(f"Accuracy: {100 * right / len(rows):.2f} % on the validation rows")
        console.print(
            f"{right:,} of {len(rows):,} rows of {name} are right that were kept for validation.",
            soft_wrap=True,
        )
        n_trained = len(y) - len(rows)
        right_trained = int(np.sum(probabilities.argmax(axis=1) == y)) - right
        console.print(
            f"The model was trained on the other {n_trained:,} of these {len(y):,} rows "
            f"({100 * n_trained / len(y):.0f} %), of which {100 * right_trained / n_trained:.2f} % "
            "are right: that says little about new ones.",
            soft_wrap=True,
        )
    if network.untrained_classes:
        untrained = ", ".join(names[label] for label in network.untrained_classes)
        console.print(
            f"Classes without a row in training, which are never predicted: {escape(untrained)}",
            soft_wrap=True,
        )
    for title, table in tables.items():
        console.print(f"\n[bold]{title}[/bold]", soft_wrap=True)
        console.print(table)


def _confusion_table(confusion: np.ndarray, names: list[str]) -> Table:
    """Counts by true label (rows) and prediction (columns), shaded by share of the row."""
    table = Table(box=None)
    table.add_column("", style="bold")
    for name in names:
        table.add_column(escape(name), justify="right")
    table.add_column("right", justify="right", style="bold")
    for label, row in enumerate(confusion):
        total = row.sum()
        cells = [
            _heat(count, count / max(total, 1), GREEN if label == predicted else RED)
            for predicted, count in enumerate(row)
        ]
        share = f"{100 * row[label] / total:.1f} %" if total else "-"
        table.add_row(escape(names[label]), *cells, share)
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
    table = Table(box=None)
    for heading in ("row", "true", "predicted", "sure of it", "of the truth"):
        table.add_column(heading, justify="right")
    for row in rows:
        p, truth = probabilities[row], y[row]
        sure = [f"{100 * p.max():.1f} %", f"{100 * p[truth]:.1f} %"]
        table.add_row(str(row), escape(names[truth]), escape(names[p.argmax()]), *sure)
    return table
