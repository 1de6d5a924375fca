"""What `fastmlp train` writes to its folder, and prints about it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.markup import escape
from rich.table import Table

from fastmlp import pictures
from fastmlp.cli import sources
from fastmlp.cli.matching import class_words
from fastmlp.cli.page_file import short_name, write_page
from fastmlp.cli.pixel_page import Parts, page_of_pixels
from fastmlp.cli.run_files import (
    FINISHED,
    HISTORY,
    RunFiles,
    new_files,
    write_figure,
    write_history,
)
from fastmlp.cli.run_folder import print_files
from fastmlp.cli.signals import signals
from fastmlp.cli.split import SPLIT_NAME, Split
from fastmlp.cli.terminal import Terminal
from fastmlp.network.model_file import MODEL_NAME
from fastmlp.problem import differences
from fastmlp.words import counted, shortened

if TYPE_CHECKING:
    from fastmlp import MLP
    from fastmlp.data import Dataset

CURVES = "learning_curves.png"
SAMPLE, MISTAKES = "sample.png", "mistakes.png"
FILES = {
    MODEL_NAME: "the model",
    FINISHED: "what was asked of this run, which has finished",
    SPLIT_NAME: "which rows were kept for validation, for fastmlp evaluate",
    HISTORY: "losses, validation accuracy and seconds of each epoch",
    CURVES: "the same, drawn",
}
FILES_OF_IMAGES = {
    SAMPLE: "a sample of the data with its labels",
    MISTAKES: "misclassified images with predicted and true labels",
}
RESULT = "Validation"


def report(
    network: MLP,
    dataset: Dataset,
    parts: Parts,
    rows: np.ndarray,
    folder: Path,
    console: Terminal,
    kept_epoch: int,
    options: Mapping[str, Any],
) -> None:
    """Print the results of a run, and draw its pictures and its page.

    Parameters
    ----------
    network : MLP
    dataset : Dataset
    parts : Parts
    rows : ndarray of int
        Which of the data's rows were kept for validation, in their order in `parts`.
    folder : Path
    console : Terminal
    kept_epoch : int
    options : mapping
        What was asked of the run.
    """
    x_train, y_train, x_val, y_val = parts
    names = network.class_names
    probabilities = network.predict_proba(x_val)
    n_wrong = len(pictures.worst_mistakes(y_val, probabilities))
    console.print()
    figures = len(y_train), len(y_val), n_wrong, kept_epoch
    summary = Table(box=None, show_header=False, pad_edge=False)
    for what, text in facts(network, dataset.name, *figures).items():
        summary.add_row(what, escape(text), style="bold" if what == RESULT else "")
    console.print(summary)
    if note := _worthless(network, y_train, y_val, n_wrong):
        console.print(note, soft_wrap=True)
    write_figure(network.history_.plot(), folder / CURVES)
    files = dict(FILES)
    if sources.are_images(dataset):
        write_figure(pictures.labelled_sample(x_train, y_train, names), folder / SAMPLE)
        gallery = pictures.misclassified_gallery(x_val, y_val, probabilities, names)
        write_figure(gallery, folder / MISTAKES)
        files |= FILES_OF_IMAGES
    known = facts(network, short_name(dataset.name), *figures)
    page = page_of_pixels(network, dataset, parts, rows, probabilities, kept_epoch, known, options)
    files |= write_page(page, folder, console)
    print_files(folder, files, console)
    if SAMPLE not in files:
        side = sources.SMALLEST_SIDE
        square = f"square images of {side} x {side} pixels or more"
        what = "features, no images" if dataset.unit == "features" else f"no {square}"
        console.print(
            f"Rows of {counted(x_val.shape[1], 'number')} are {what}: "
            "no sample and no misclassified ones were drawn.",
            soft_wrap=True,
        )


def _worthless(network: MLP, y_train: np.ndarray, y_val: np.ndarray, n_wrong: int) -> str:
    """Return a warning if the network is no better than always guessing the largest class."""
    largest = int(np.bincount(y_train).argmax())
    share = float(np.mean(y_val == largest))
    if (len(y_val) - n_wrong) / len(y_val) > share:
        return ""
    name = escape(shortened(class_words(network)[largest]))
    return (
        f"This is no better than guessing the largest class, {name}, for every row "
        f"({100 * share:.2f} % right): give more --epochs, or another --lr."
    )


def rehearse(folder: Path, network: MLP) -> None:
    """Save the network and remove the file: if saving fails, it is to fail before the training."""
    with signals.held(), new_files(folder) as new:
        network.save(new / MODEL_NAME)


def save(files: RunFiles, network: MLP, split: Split) -> None:
    """Put the run's files, except pictures, in the place of the former run's."""

    def write(place: Path) -> None:
        network.save(place / MODEL_NAME)
        split.write(place / MODEL_NAME)
        write_history(network.history_, place / HISTORY)

    files.save(write)


def facts(
    network: MLP, name: str, n_train: int, n_val: int, n_wrong: int, kept_epoch: int
) -> dict[str, str]:
    """Return what was trained on what, and how good it is."""
    history = network.history_
    n_epochs, seconds = len(history.loss), sum(history.seconds)
    sizes = "-".join(map(str, network.layer_sizes))
    changed = differences(network.problem)
    that_epoch = "the last epoch" if kept_epoch == n_epochs else "that epoch"
    parts = [f"{name} {_listed(value)}" for name, value in changed.items()]
    rows = {
        "Data": f"{name}: {counted(n_train, 'row')} to train on, {n_val:,} for validation",
        "Network": ", ".join([sizes, *parts, str(network.weights[0].dtype)]),
        "Training": f"{n_epochs} epoch{'s' * (n_epochs != 1)} in {seconds:.1f} s, "
        f"{n_train * n_epochs / seconds:,.0f} rows/s",
        "Model": f"of epoch {kept_epoch}, whose validation loss is the lowest",
        "Mean loss": f"{history.mean_loss[kept_epoch - 1]:.4f} in {that_epoch}, "
        f"{history.val_loss[kept_epoch - 1]:.4f} in validation",
        RESULT: f"{100 * history.val_accuracy[kept_epoch - 1]:.2f} % right, "
        f"{n_wrong:,} misclassified",
    }
    if kept_epoch == n_epochs:
        del rows["Model"]
    return rows


def _listed(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"{value}"
