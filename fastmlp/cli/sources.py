"""What ``--data`` names, read as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fastmlp import data as readers
from fastmlp import pictures
from fastmlp.cli.progress import progress_of
from fastmlp.cli.terminal import Terminal
from fastmlp.data import Dataset
from fastmlp.data.labels import MANY_NUMBERS, REGRESSION, looks_like_regression
from fastmlp.data.pixels import PIXEL_MAX
from fastmlp.words import shortened

BUILT_IN = (
    "These are built-in digits, rendered from fonts. For real ones: --data mnist, "
    "--data train.csv (Kaggle's Digit Recognizer) or --data FOLDER (MNIST's IDX files)."
)
SMALLEST_SIDE = 4  # pixels: tables of four or nine columns are not taken for images
SIDE = 28  # of MNIST's images
MAX_CLASSES = 10_000  # more different labels are not classes but, say, prices
FRESH_DIGITS, FRESH_SEED = 2000, 43  # built-in digits no training has seen; those have seed 42


@dataclass(frozen=True)
class Source:
    """The value of ``--data``, and the options that say how to read it.

    Attributes
    ----------
    data : str
        ``mnist``, ``digits``, ``-`` for standard input, or a path for `fastmlp.data.load`. A file
        that has one of these names is reached as ``./mnist``.
    label, id_column, scale, max_bytes
        As for `fastmlp.data.load`.
    """

    data: str
    label: str | None
    id_column: str | None
    scale: float | None
    max_bytes: int | None

    def __post_init__(self) -> None:
        if self.scale is not None and not 0 < self.scale < float("inf"):
            raise ValueError(f"--scale is {self.scale}: give a number above 0, such as 255")


def load(
    source: Source,
    prefer: Literal["train", "t10k"],
    errors: Terminal,
    *,
    side: int = SIDE,
    feature_names: Sequence[str] | None = None,
) -> Dataset:
    """Read, download or render the data.

    Parameters
    ----------
    source : Source
    prefer : {'train', 't10k'}
        Which of MNIST's two sets to load. Built-in digits are the standard ones for 'train'; for
        't10k' fresh ones, so that no model is tested on the digits that it was trained on.
    errors : Terminal
        Where progress is shown.
    side, feature_names
        As for `fastmlp.data.load`.
    """
    if source.data == "digits":
        fresh = () if prefer == "train" else (FRESH_DIGITS, FRESH_SEED)
        with progress_of("Rendering digits", errors) as report:
            arrays = readers.make_digits(*fresh, progress=report)
        return _of_images(arrays, f"{'fresh ' if fresh else ''}built-in digits", source)
    if source.data == "mnist":
        with progress_of("Downloading MNIST", errors) as report:
            arrays = readers.load_mnist(prefer=prefer, progress=report)
        return _of_images(arrays, "MNIST", source)
    with progress_of("Reading images", errors) as report:
        return readers.load(
            source.data, label=source.label, scale=source.scale, prefer=prefer, side=side,
            id_column=source.id_column, max_bytes=source.max_bytes, progress=report,
            feature_names=feature_names,
        )  # fmt: skip


def _of_images(arrays: tuple[np.ndarray, np.ndarray], name: str, source: Source) -> Dataset:
    x, y = arrays
    scale = source.scale or PIXEL_MAX
    found = f"{name}: {len(x):,} rows of {x.shape[1]} pixels, divided by {scale:g}"
    return Dataset(x, y, scale=scale, name=name, found=found)


def load_to_train(
    source: Source, dtype: str, purpose: str, console: Terminal, errors: Terminal
) -> tuple[Dataset, np.ndarray, int]:
    """Load data to train on, and say on `console` what was found.

    Returns
    -------
    dataset : Dataset
        `x` has the type `dtype`, or stays uint8.
    y : ndarray
        The labels.
    n_classes : int

    Raises
    ------
    ValueError
        If there are no labels, or they are no classes; `purpose` is the command that needs them.
    """
    if source.data == "digits":
        console.print(BUILT_IN, soft_wrap=True)
    dataset = load(source, "train", errors)
    y = labels(dataset, purpose)
    n_classes = _count_classes(dataset, y)
    console.print_line(dataset.found)
    if dataset.x.dtype.kind != "u":
        dataset = replace(dataset, x=dataset.x.astype(dtype, copy=False))
    return dataset, y, n_classes


def labels(dataset: Dataset, purpose: str) -> np.ndarray:
    """Return the labels, or raise an error that says how to name their column."""
    if dataset.y is None:
        raise ValueError(
            f"{dataset.name} has no labels, and {purpose} needs them: "
            "give a file with a column 'label', or name the column with --label"
        )
    return dataset.y


def _count_classes(dataset: Dataset, y: np.ndarray) -> int:
    """Return the number of classes to train, or raise an error if labels `y` are no classes."""
    name = dataset.name
    values, counts = np.unique(y, return_counts=True)
    if len(values) < 2:
        only = shortened(str(y[0] if dataset.class_names is None else dataset.class_names[y[0]]))
        raise ValueError(f"{name} has the label {only} only: give data with two classes at least")
    if dataset.class_names is not None:
        n_classes = len(dataset.class_names)
        largest = f"{n_classes:,} different words for labels"
    else:
        n_classes = int(values[-1]) + 1
        largest = f"the label {values[-1]}"
        are_far = n_classes > MAX_CLASSES and MANY_NUMBERS < len(values) < n_classes - 1
        if are_far or looks_like_regression(values, counts):
            raise ValueError(
                f"{name} has {len(values):,} different numbers for labels in {len(y):,} rows, from "
                f"{values[0]} to {values[-1]}: {REGRESSION}"
            )
    if n_classes > MAX_CLASSES:
        raise ValueError(
            f"{name} has {largest}: number the classes from 0 without gaps, "
            f"{MAX_CLASSES:,} of them at most"
        )
    return n_classes


def are_images(dataset: Dataset) -> bool:
    """Whether rows are square images; a table of 16 columns that have names is not."""
    return dataset.unit == "pixels" and image_side(dataset.x.shape[1]) is not None


def image_side(n_features: int) -> int | None:
    """Return the side of the square images that rows of so many values are; else None."""
    side = pictures.image_side(n_features)
    return side if side and side >= SMALLEST_SIDE else None
