"""The digits that benchmarks train on: real ones where they lie at hand, else the built-in ones."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastmlp.data import load_csv, load_idx, make_digits, train_val_split


@dataclass(frozen=True)
class Digits:
    """uint8 pixels (n_rows, 784) and intp labels; `x_all` is before the validation split."""

    source: str
    x_all: NDArray[np.uint8]
    x_train: NDArray[np.uint8]
    y_train: NDArray[np.intp]


def digits() -> Digits:
    """Kaggle's 42,000 rows from $FASTMLP_DATA or ../shared/data; 33,600 of them for training."""
    path = _folder() / "digit-recognizer" / "train.csv.gz"
    if path.exists():
        source, (x, y) = "MNIST", load_csv(path)
    else:
        source, (x, y) = "built-in digits", make_digits()
    if y is None:
        raise ValueError(f"{path} has no label column; put the labelled training set there")
    x_train, y_train, _, _ = train_val_split(x, y)
    return Digits(source, x, np.ascontiguousarray(x_train), y_train.astype(np.intp))


def mnist() -> tuple[NDArray[np.uint8], NDArray[np.intp]] | None:
    """MNIST's 60,000 training rows from $FASTMLP_DATA or ../shared/data; None if not there."""
    folder = _folder() / "mnist"
    if not folder.exists():
        return None
    x, y = load_idx(folder)
    return x, y.astype(np.intp)


def _folder() -> Path:
    beside = Path(__file__).parents[2] / "shared" / "data"
    return Path(os.environ.get("FASTMLP_DATA", beside))
