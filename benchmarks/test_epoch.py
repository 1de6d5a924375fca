"""An epoch of the tutorial's net: the compiled class against the NumPy reference, one thread."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import fastmlp
from benchmarks.conftest import Timer
from benchmarks.data import digits
from fastmlp import reference

FEW = 1280
# What weights may differ by after an epoch, as a share of the largest one.
TOLERANCE = {"float32": 1e-3, "float64": 1e-9}


@cache
def data(dtype: str, n_rows: int | None) -> tuple[NDArray[Any], NDArray[np.intp]]:
    loaded = digits()
    return np.divide(loaded.x_train[:n_rows], 255, dtype=dtype), loaded.y_train[:n_rows]


def make(side: str, dtype: str) -> reference.MLP:
    mlp_class = {"reference": reference.MLP, "fastmlp": fastmlp.MLP}[side]
    return mlp_class(784, 64, 10, random_state=0, dtype=dtype, n_threads=1)


@pytest.fixture(scope="module")
def n_rows(n_rounds: int) -> int | None:
    """All rows, unless it is to be quick."""
    return FEW if n_rounds == 1 else None


@pytest.fixture(scope="module", params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest, n_rows: int | None) -> str:
    """A dtype in which an epoch takes both sides to the same weights and labels."""
    x, y = data(request.param, n_rows)
    sides = [make(side, request.param) for side in ("reference", "fastmlp")]
    for mlp in sides:
        mlp.train(x, y, epochs=1, verbose=False)
    expected, got = sides
    for name in ("w1", "b1", "w2", "b2"):
        a, b = getattr(expected, name), getattr(got, name)
        assert np.abs(a - b).max() <= TOLERANCE[request.param] * np.abs(a).max(), name
    assert np.mean(expected.predict(x) == got.predict(x)) > 0.999
    return request.param


@pytest.mark.parametrize("side", ["reference", "fastmlp"])
def test_epoch(timed: Timer, dtype: str, side: str, n_rows: int | None) -> None:
    x, y = data(dtype, n_rows)
    mlp = make(side, dtype)
    case = f"epoch, {len(x):,} x 784, batch 64, {dtype}"
    timed(case, side, lambda: mlp.train(x, y, epochs=1, batch_size=64, verbose=False))


@pytest.mark.parametrize("side", ["reference", "fastmlp"])
def test_predict(timed: Timer, dtype: str, side: str, n_rows: int | None) -> None:
    x, _ = data(dtype, n_rows)
    mlp = make(side, dtype)
    timed(f"predict, {len(x):,} x 784, {dtype}", side, lambda: mlp.predict(x))
