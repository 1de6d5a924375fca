"""What `fastmlp train` leaves in its folder, and what it says of it."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from fastmlp.cli import sources
from fastmlp.cli.run_folder import print_files, write_figure, write_history
from fastmlp.cli.signals import signals
from fastmlp.cli.split import SPLIT_NAME, Split
from fastmlp.cli.terminal import Terminal
from fastmlp.network.model_file import MODEL_NAME
from fastmlp.problem import differences
from fastmlp.words import counted, shortened

if TYPE_CHECKING:
    import numpy as np

    from fastmlp import MLP
    from fastmlp.data import Dataset

HISTORY, CURVES = "history.csv", "learning_curves.png"
SAMPLE, MISTAKES = "sample.png", "mistakes.png"


def report(
    network: MLP,
    dataset: Dataset,
    train_data: tuple[np.ndarray, np.ndarray],
    val_data: tuple[np.ndarray, np.ndarray],
    folder: Path,
    console: Terminal,
    kept_epoch: int,
) -> None:
    """Print what the run came to, and draw the pictures."""
    from fastmlp.pictures import worst_mistakes

    (x_train, y_train), (x_val, y_val) = train_data, val_data
    probabilities = network.predict_proba(x_val)
    wrong = len(worst_mistakes(y_val, probabilities))
    console.print()
    console.print(_summary(network, dataset.name, len(y_train), len(y_val), wrong, kept_epoch))
    if note := _worthless(network, y_train, y_val, wrong):
        console.print(note, soft_wrap=True)
    are_images = sources.are_images(dataset)
    files = _draw(folder, network, are_images, (x_train, y_train), (x_val, y_val), probabilities)
    print_files(folder, files, console)
    if not are_images:
        side = sources.SMALLEST_SIDE
        square = f"square images of {side} x {side} pixels or more"
        what = "features, no images" if dataset.unit == "features" else f"no {square}"
        console.print(
            f"Rows of {counted(x_val.shape[1], 'number')} are {what}: "
            "no sample and no misclassified ones were drawn.",
            soft_wrap=True,
        )


def _worthless(network: MLP, y_train: np.ndarray, y_val: np.ndarray, n_wrong: int) -> str:
    """Say so if the network is no better than a guess that looks at no pixel; else nothing."""
    import numpy as np

    largest = int(np.bincount(y_train).argmax())
    name = escape(shortened(sources.class_words(network)[largest]))
    share = float(np.mean(y_val == largest))
    if (len(y_val) - n_wrong) / len(y_val) > share:
        return ""
    return (
        f"This is no better than guessing the largest class, {name}, for every row "
        f"({100 * share:.2f} % right): give more --epochs, or another --lr."
    )


def rehearse(folder: Path, network: MLP) -> None:
    """Save the network and remove it again: what can go wrong is to do so before all the work."""
    with signals.held():
        file = folder / f".{MODEL_NAME}"
        try:
            network.save(file)
        finally:
            file.unlink(missing_ok=True)


def save(folder: Path, network: MLP, split: Split) -> None:
    """Write the run's files but for the pictures; where that fails, write them elsewhere."""
    try:
        _save(folder, network, split)
    except Exception as error:  # such as a full disk, or a folder that is no longer there
        with suppress(Exception):
            elsewhere = Path(tempfile.mkdtemp(prefix="fastmlp-run-"))
            try:
                _save(elsewhere, network, split)
            except Exception:
                shutil.rmtree(elsewhere)
                raise
            error.add_note(f"the run is saved in {elsewhere} instead")
        raise


def _save(folder: Path, network: MLP, split: Split) -> None:
    network.save(folder / MODEL_NAME)
    split.write(folder / MODEL_NAME)
    write_history(network.history_, folder / HISTORY)
    for picture in (CURVES, SAMPLE, MISTAKES):  # of the run that this one overwrites
        (folder / picture).unlink(missing_ok=True)


def _draw(
    folder: Path,
    network: MLP,
    are_images: bool,
    train_data: tuple[np.ndarray, np.ndarray],
    val_data: tuple[np.ndarray, np.ndarray],
    probabilities: np.ndarray,
) -> dict[str, str]:
    """Write the run's pictures; return what each of its files is."""
    from fastmlp import pictures

    history, names = network.history_, network.class_names
    write_figure(history.plot(), folder / CURVES)
    files = {
        MODEL_NAME: "the model",
        SPLIT_NAME: "which rows were kept for validation, for fastmlp evaluate",
        HISTORY: "losses, validation accuracy and seconds of each epoch",
        CURVES: "the same, drawn",
    }
    if are_images:
        write_figure(pictures.labelled_sample(*train_data, names), folder / SAMPLE)
        gallery = pictures.misclassified_gallery(*val_data, probabilities, names)
        write_figure(gallery, folder / MISTAKES)
        files[SAMPLE] = "a sample of the data with its labels"
        files[MISTAKES] = "misclassified images with predicted and true labels"
    return files


def _summary(
    network: MLP, name: str, n_train: int, n_val: int, n_wrong: int, kept_epoch: int
) -> Table:
    """What the run came to."""
    history = network.history_
    n_epochs, seconds = len(history.loss), sum(history.seconds)
    sizes = "-".join(map(str, network.layer_sizes))
    changed = differences(network.problem)
    that_epoch = "the last epoch" if kept_epoch == n_epochs else "that epoch"
    parts = [f"{name} {_listed(value)}" for name, value in changed.items()]
    rows = {
        "Data": f"{escape(name)}: {counted(n_train, 'row')} to train on, {n_val:,} for validation",
        "Network": ", ".join([sizes, *parts, str(network.weights[0].dtype)]),
        "Training": f"{n_epochs} epoch{'s' * (n_epochs != 1)} in {seconds:.1f} s, "
        f"{n_train * n_epochs / seconds:,.0f} rows/s",
        "Model": f"of epoch {kept_epoch}, whose validation loss is the lowest",
        "Mean loss": f"{history.mean_loss[kept_epoch - 1]:.4f} in {that_epoch}, "
        f"{history.val_loss[kept_epoch - 1]:.4f} in validation",
        "Validation": f"[bold]{100 * history.val_accuracy[kept_epoch - 1]:.2f} %[/bold] right, "
        f"{n_wrong:,} misclassified",
    }
    if kept_epoch == n_epochs:
        del rows["Model"]
    table = Table(box=None, show_header=False, pad_edge=False)
    for row in rows.items():
        table.add_row(*row)
    return table


def _listed(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"{value}"
