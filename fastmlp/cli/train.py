"""`fastmlp train`: from data to a folder with a model, its history and three pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fastmlp import checks
from fastmlp.cli import options, sources
from fastmlp.cli.progress import TrainingProgress
from fastmlp.cli.run_folder import (
    DEFAULT_NAME,
    print_files,
    run_folder,
    write_figure,
    write_history,
)
from fastmlp.model_file import MODEL_NAME

if TYPE_CHECKING:
    import numpy as np

    from fastmlp import MLP

HISTORY, CURVES = "history.csv", "learning_curves.png"
SAMPLE, MISTAKES = "sample.png", "mistakes.png"


def train(
    data: options.Data = "digits",
    hidden: options.Hidden = "64",
    epochs: options.Epochs = 100,
    batch_size: options.BatchSize = 64,
    lr: options.LearningRate = 0.01,
    l2: options.L2 = 0.001,
    seed: options.Seed = 42,
    val_fraction: Annotated[
        float, typer.Option(metavar="X", help="Share of the rows kept for validation.")
    ] = 0.2,
    dtype: Annotated[
        options.Dtype, typer.Option(help="Type of the arithmetic.")
    ] = options.Dtype.float32,
    threads: options.Threads = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where the model and the pictures go.",
            show_default=f"{DEFAULT_NAME}, or {DEFAULT_NAME}-2 and so on",
        ),
    ] = None,
) -> None:
    """Train a digit recogniser and save the model, its history and three pictures."""
    hidden_sizes = options.hidden_sizes(hidden)
    with options.option_names():
        checks.as_rates(lr, l2)
    options.check_fraction(val_fraction)
    console = Console(highlight=False, emoji=False)
    if data == "digits":
        console.print(sources.BUILT_IN, soft_wrap=True)

    import numpy as np

    from fastmlp import MLP
    from fastmlp.data import train_val_split
    from fastmlp.pictures import worst_mistakes

    with run_folder(out) as folder:
        dataset = sources.load(data, "train", Console(stderr=True))
        y = dataset.labels("train")
        # One stream for split, weights and epochs, in the order in which the tutorial draws.
        stream = np.random.RandomState(seed)
        with options.option_names():
            x_train, y_train, x_val, y_val = train_val_split(dataset.x, y, val_fraction, stream)
        network = MLP(
            dataset.x.shape[1],
            hidden_sizes,
            sources.n_classes(y, dataset.name),
            lr,
            random_state=stream,
            dtype=dtype.value,
            n_threads=threads,
            input_scale=sources.PIXEL_MAX,
        )
        try:
            with TrainingProgress(epochs, console) as progress:
                network.train(
                    x_train, y_train, epochs, batch_size,
                    lambda_reg=l2, validation_data=(x_val, y_val), verbose=False,
                    callbacks=[progress, _has_diverged],
                )  # fmt: skip
        except KeyboardInterrupt:
            _save(folder, network)
            done = len(network.history_.loss)
            typer.echo(
                f"Interrupted after {done} whole epochs; saved as it is: {folder / MODEL_NAME}",
                err=True,
            )
            raise typer.Exit(130) from None
        history = network.history_
        if _has_diverged(len(history.loss), {"loss": history.loss[-1]}):
            raise ValueError(
                f"the training diverged in epoch {len(history.loss)} (loss {history.loss[-1]}): "
                f"give a smaller --lr than {lr:g}"
            )
        _save(folder, network)
        probabilities = network.predict_proba(x_val)
        files = _draw(folder, network, (x_train, y_train), (x_val, y_val), probabilities)
        wrong = len(worst_mistakes(y_val, probabilities))
        console.print()
        console.print(_summary(network, dataset.name, len(y_train), len(y_val), wrong))
        print_files(folder, files, console)
        if SAMPLE not in files:
            console.print(
                f"Rows of {x_val.shape[1]} pixels are no square images: "
                "no sample and no misclassified ones were drawn.",
                soft_wrap=True,
            )


def _has_diverged(epoch: int, logs: Mapping[str, float]) -> bool:
    return not math.isfinite(logs["loss"])


def _save(folder: Path, network: MLP) -> None:
    network.save(folder / MODEL_NAME)
    write_history(network.history_, folder / HISTORY)


def _draw(
    folder: Path,
    network: MLP,
    train_data: tuple[np.ndarray, np.ndarray],
    val_data: tuple[np.ndarray, np.ndarray],
    probabilities: np.ndarray,
) -> dict[str, str]:
    """Write the run's pictures; return what each of its files is."""
    from fastmlp import pictures

    history = network.history_
    curves = pictures.learning_curves(history.loss, history.val_accuracy)
    write_figure(curves, folder / CURVES)
    files = {
        MODEL_NAME: "the model",
        HISTORY: "loss, validation accuracy and seconds of each epoch",
        CURVES: "the same, drawn",
    }
    if pictures.image_side(network.layer_sizes[0]):
        write_figure(pictures.labelled_sample(*train_data), folder / SAMPLE)
        gallery = pictures.misclassified_gallery(*val_data, probabilities)
        write_figure(gallery, folder / MISTAKES)
        files[SAMPLE] = "a sample of the data with its labels"
        files[MISTAKES] = "misclassified digits with predicted and true labels"
    return files


def _summary(network: MLP, name: str, n_train: int, n_val: int, n_wrong: int) -> Table:
    """What the run came to."""
    history = network.history_
    n_epochs, seconds = len(history.loss), sum(history.seconds)
    sizes = "-".join(map(str, network.layer_sizes))
    rows = {
        "Data": f"{escape(name)}: {n_train:,} rows to train on, {n_val:,} for validation",
        "Network": f"{sizes}, {network.weights[0].dtype}",
        "Training": f"{n_epochs} epochs in {seconds:.1f} s, "
        f"{n_train * n_epochs / seconds:,.0f} rows/s",
        "Last loss": f"{history.loss[-1]:.4f}",
        "Validation": f"[bold]{100 * history.val_accuracy[-1]:.2f} %[/bold] right, "
        f"{n_wrong:,} misclassified",
    }
    table = Table(box=None, show_header=False, pad_edge=False)
    for row in rows.items():
        table.add_row(*row)
    return table
