"""The digits that benchmarks train on: real ones where they lie at hand, else the built-in ones."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import pandas as pd

REAL = Path("digit-recognizer/train.csv.gz")


@dataclass(frozen=True)
class Digits:
    """uint8 pixels (n_rows, 784) and intp labels; `x_all` is before the validation split."""

    source: str
    x_all: NDArray[np.uint8]
    x_train: NDArray[np.uint8]
    y_train: NDArray[np.intp]


def digits() -> Digits:
    beside = Path(__file__).parents[2] / "shared" / "data"
    path = Path(os.environ.get("FASTMLP_DATA", beside)) / REAL
    data = pd.read_csv(path).to_numpy()
    x = np.ascontiguousarray(data[:, 1:].astype(np.uint8)); y = data[:, 0].astype(np.intp)
    return Digits("MNIST", x, x[8400:], y[8400:])
