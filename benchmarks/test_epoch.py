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

# What weights may differ by after an epoch, as a share of the largest one.
TOLERANCE = {"float32": 1e-3, "float64": 1e-9}


@cache
def data(dtype: str) -> tuple[NDArray[Any], NDArray[np.intp]]:
    loaded = digits()
    return np.divide(loaded.x_train, 255, dtype=dtype), loaded.y_train


def make(side: str, dtype: str) -> reference.MLP:
    mlp_class = {"reference": reference.MLP, "fastmlp": fastmlp.MLP}[side]
    return mlp_class(784, 64, 10, random_state=0, dtype=dtype, n_threads=1)


@pytest.fixture(scope="module", params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> str:
    """A dtype in which an epoch takes both sides to the same weights and labels."""
    x, y = data(request.param)
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
def test_epoch(timed: Timer, dtype: str, side: str) -> None:
    x, y = data(dtype)
    mlp = make(side, dtype)
    case = f"epoch, {len(x):,} x 784, batch 64, {dtype}"
    timed(case, side, lambda: mlp.train(x, y, epochs=1, batch_size=64, verbose=False))


@pytest.mark.parametrize("side", ["reference", "fastmlp"])
def test_predict(timed: Timer, dtype: str, side: str) -> None:
    x, _ = data(dtype)
    mlp = make(side, dtype)
    timed(f"predict, {len(x):,} x 784, {dtype}", side, lambda: mlp.predict(x))
