"""`fastmlp evaluate`: how good a model is, what it confuses, and its worst mistakes."""

from __future__ import annotations

from rich.markup import escape

from fastmlp.cli import options


def evaluate(
    model: options.Model,
    data: options.Data,
    label: options.Label = None,
    id_column: options.IdColumn = None,
    scale: options.ModelScale = None,
    max_bytes: options.MaxBytes = None,
) -> None:
    """Show a model's accuracy on labelled data, what it confuses and its worst mistakes.

    Where the rows are those that `fastmlp train` has split, it is about those kept for validation.
    """
    import numpy as np

    from fastmlp import MLP
    from fastmlp.cli import mistakes, output, sources
    from fastmlp.cli.split import split_beside
    from fastmlp.cli.terminal import Terminal
    from fastmlp.words import counted

    options.check_scale(scale)
    network = MLP.load(model)
    errors = Terminal(stderr=True)
    dataset = sources.load_for(
        network, model, data, errors, label=label, scale=scale, id_column=id_column,
        max_bytes=max_bytes,
    )  # fmt: skip
    y = sources.labels_for(network, model, dataset, "evaluate")
    sources.say(dataset, network, model, errors)
    names = sources.class_words(network)
    probabilities = network.predict_proba(dataset.x)
    predicted = probabilities.argmax(axis=1)
    split = split_beside(model)
    kept = None if split is None else split.validation_rows(dataset.x)
    rows = np.arange(len(y)) if kept is None else kept
    right = int(np.sum(predicted[rows] == y[rows]))
    tables = mistakes.tables(
        y, probabilities, rows, names, "" if kept is None else " of the validation rows"
    )
    console = Terminal()
    output.widen(console, *tables.values())
    name = escape(dataset.name)
    if kept is None:
        console.print(f"Accuracy: {100 * right / len(y):.2f} %")
        console.print(f"{right:,} of {counted(len(y), 'row')} of {name} are right.", soft_wrap=True)
    else:
        console.print(f"Accuracy: {100 * right / len(rows):.2f} % on the validation rows")
        console.print(
            f"{right:,} of {counted(len(rows), 'row')} of {name} are right that were kept "
            "for validation.",
            soft_wrap=True,
        )
        n_trained = len(y) - len(rows)
        right_trained = int(np.sum(predicted == y)) - right
        console.print(
            f"The model was trained on the other {n_trained:,} of these {len(y):,} rows "
            f"({100 * n_trained / len(y):.0f} %), of which {100 * right_trained / n_trained:.2f} % "
            "are right: that says little about new ones.",
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
