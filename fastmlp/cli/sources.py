"""What ``--data`` names, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console

from fastmlp.cli.progress import progress_of

if TYPE_CHECKING:
    import numpy as np

    from fastmlp.network import Network

BUILT_IN = (
    "These are built-in digits, rendered from fonts. For real ones: --data mnist, "
    "--data train.csv (Kaggle's Digit Recognizer) or --data FOLDER (MNIST's IDX files)."
)
PIXEL_MAX = 255
MAX_CLASSES = 10_000  # above it, labels are no classes but something else, such as prices
FRESH_DIGITS, FRESH_SEED = 2000, 43  # built-in digits that no training has seen: those have seed 42


@dataclass(frozen=True)
class Dataset:
    """Rows of uint8 pixels, their labels if known, and what to call the whole in a message."""

    x: np.ndarray
    y: np.ndarray | None
    name: str

    def labels(self, purpose: str) -> np.ndarray:
        """Return the labels, or raise an error that says where they belong."""
        if self.y is None:
            raise ValueError(
                f"{self.name} has no labels, and {purpose} needs them: "
                "give a file with a column 'label'"
            )
        return self.y


def load(data: str, use: Literal["train", "test"], console: Console) -> Dataset:
    """Read, download or render the data.

    Parameters
    ----------
    data : str
        ``mnist``, ``digits``, or the path of a CSV file or of a folder with IDX files. A file or
        folder that bears one of the two names is reached as ``./mnist``.
    use : {'train', 'test'}
        Which of MNIST's two sets to prefer; for built-in digits, whether to render the standard
        ones or fresh ones, so that a model is not tested on what it was trained on.
    console : rich.console.Console
        Where progress is shown.
    """
    from fastmlp import data as sources

    prefer: Literal["train", "t10k"] = "train" if use == "train" else "t10k"
    if data == "digits":
        with progress_of("Rendering digits", console) as report:
            if use == "train":
                return Dataset(*sources.make_digits(progress=report), "built-in digits")
            fresh = sources.make_digits(FRESH_DIGITS, FRESH_SEED, progress=report)
            return Dataset(*fresh, "fresh built-in digits")
    if data == "mnist":
        with progress_of("Downloading MNIST", console) as report:
            return Dataset(*sources.load_mnist(prefer=prefer, progress=report), "MNIST")
    if Path(data).is_dir():
        return Dataset(*sources.load_idx(data, prefer=prefer), data)
    return Dataset(*sources.load_csv(data), data)


def n_classes(y: np.ndarray, name: str) -> int:
    """Return the number of classes of labels 0, 1, ..., or raise where they are no such labels."""
    n_classes = int(y.max()) + 1
    if n_classes < 2:
        raise ValueError(f"{name} has the label 0 only: give data with two classes at least")
    if n_classes > MAX_CLASSES:
        raise ValueError(
            f"{name} has the label {y.max()}: number the classes from 0 without gaps, "
            f"{MAX_CLASSES:,} of them at most"
        )
    return n_classes


def check_fits(dataset: Dataset, model: Network, path: str) -> None:
    """Raise where the rows have another size than the model's input."""
    columns, inputs = dataset.x.shape[1], model.layer_sizes[0]
    if columns != inputs:
        raise ValueError(
            f"{dataset.name} has {columns} pixels a row, {path} was trained on {inputs}: "
            f"give rows of {inputs} pixels, or train a model on rows of {columns}"
        )
