"""`fastmlp evaluate`: how good a model is, what it confuses, and its worst mistakes."""

from __future__ import annotations

import numpy as np
from rich.markup import escape

import fastmlp
from fastmlp.cli import matching, mistakes, options, output, sources
from fastmlp.cli.split import split_beside
from fastmlp.cli.table_model import table_model
from fastmlp.cli.terminal import Terminal
from fastmlp.words import counted


def evaluate(
    model: options.Model,
    data: options.Data,
    label: options.Label = None,
    id_column: options.IdColumn = None,
    scale: options.ModelScale = None,
    max_bytes: options.MaxBytes = None,
) -> None:
    """Show a model's accuracy on labelled data, what it confuses and its worst mistakes.

    If the rows are those that `fastmlp train` has split, only those kept for validation count.
    """
    source = sources.Source(data, label, id_column, scale, max_bytes)
    if (found := table_model(model)) is not None:
        from fastmlp.cli import table_use

        table_use.evaluate(found, source)
        return
    network = fastmlp.MLP.load(model)
    errors = Terminal(stderr=True)
    dataset = matching.load_for(network, model, source, errors)
    y = matching.labels_for(network, model, dataset)
    matching.say(dataset, network, model, errors)
    names = matching.class_words(network)
    probabilities = network.predict_proba(dataset.x)
    is_right = probabilities.argmax(axis=1) == y
    split = split_beside(model)
    kept = None if split is None else split.validation_rows(dataset.x)
    if kept is None:
        rows, of_which, on, that = np.arange(len(y)), "", "", ""
    else:
        rows, of_which = kept, " of the validation rows"
        on, that = " on the validation rows", " that were kept for validation"
    n_right = int(is_right[rows].sum())
    tables = mistakes.tables(y, probabilities, rows, names, of_which)
    console = Terminal()
    output.widen(console, *tables.values())
    console.print(f"Accuracy: {100 * n_right / len(rows):.2f} %{on}")
    console.print(
        f"{n_right:,} of {counted(len(rows), 'row')} of {escape(dataset.name)} are right{that}.",
        soft_wrap=True,
    )
    if kept is not None:
        n_trained = len(y) - len(kept)
        share = (int(is_right.sum()) - n_right) / n_trained
        console.print(
            f"The model was trained on the other {n_trained:,} of these {len(y):,} rows "
            f"({100 * n_trained / len(y):.0f} %), of which {100 * share:.2f} % are right: "
            "that says little about new ones.",
            soft_wrap=True,
        )
    if network.untrained_classes:
        untrained = ", ".join(names[label] for label in network.untrained_classes)
        console.print_line(
            f"Classes without a row in training, which are never predicted: {untrained}"
        )
    for title, table in tables.items():
        console.print()
        console.print(f"[bold]{title}[/bold]", soft_wrap=True)
        console.print(table)
