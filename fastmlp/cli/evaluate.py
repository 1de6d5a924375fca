"""`fastmlp evaluate`: how good a model is, what it confuses, and its worst mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from fastmlp.cli import options

if TYPE_CHECKING:
    import numpy as np

WORST = 10
GREEN, RED = (46, 160, 67), (218, 54, 51)


def evaluate(
    model: options.Model,
    data: options.Data,
    label: options.Label = None,
    scale: options.ModelScale = None,
) -> None:
    """Show a model's accuracy on labelled data, its confusion matrix and its worst mistakes."""
    import numpy as np

    from fastmlp import MLP
    from fastmlp.cli import sources
    from fastmlp.pictures import worst_mistakes

    options.check_scale(scale)
    network = MLP.load(model)
    errors = Console(stderr=True, highlight=False)
    dataset = sources.load_for(network, model, data, errors, label, scale)
    y = sources.labels_for(network, model, dataset, "evaluate")
    sources.say(dataset, network, model, errors)
    names = sources.class_words(network)
    probabilities = network.predict_proba(dataset.x)
    confusion = np.zeros((network.n_classes, network.n_classes), int)
    np.add.at(confusion, (y, probabilities.argmax(axis=1)), 1)

    right = int(np.trace(confusion))
    worst = worst_mistakes(y, probabilities)
    shown = worst[:WORST]
    tables = {
        "Confusion matrix: true label down, prediction across": _confusion_table(confusion, names),
        f"Worst digits: the {len(shown)} most confident of {len(worst):,} mistakes, "
        "rows counted from 0": _worst_table(shown, y, probabilities, names),
    }
    console = Console(highlight=False, emoji=False)
    # A table squeezed into a narrow pipe or terminal loses digits; a line that wraps does not.
    unlimited = console.options.update(width=10_000)
    widths = [console.measure(table, options=unlimited).maximum for table in tables.values()]
    console.width = max(console.width, *widths)
    console.print(f"Accuracy: {100 * right / len(y):.2f} %")
    name = escape(dataset.name)
    console.print(f"{right:,} of {len(y):,} rows of {name} are right.", soft_wrap=True)
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


def _heat(count: int, share: float, colour: tuple[int, int, int]) -> Text:
    if count == 0:
        return Text("·", style="dim")
    # The square root lifts the mistakes, a few per cent of a row, out of the dark.
    red, green, blue = (int(c * (0.25 + 0.75 * share**0.5)) for c in colour)
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
