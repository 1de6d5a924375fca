"""Each kernel alone against the reference's function of the same name, one thread.

A kernel called alone packs its arrays and unpacks its result, which training does not: the shapes
are those of a large batch, so that the work itself shows.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.conftest import Timer
from fastmlp import kernels, reference

ROWS, SIZES = 1024, (784, 256, 10)
TOLERANCE = {"float32": 1e-4, "float64": 1e-12}  # as a share of the largest value

Function = Callable[[], Any]


def backward_update(
    weights: list[NDArray], biases: list[NDArray], x: NDArray, y: NDArray[np.intp]
) -> tuple[list[NDArray], list[NDArray]]:
    """A whole step of the reference, which the fused kernel takes at once."""
    gradients = reference.backward(weights, x, y, reference.forward(weights, biases, x))
    return reference.update(weights, biases, *gradients, learning_rate=0.01, lambda_reg=0.001)


def both(name: str, dtype: str) -> tuple[Function, Function]:
    """The reference's function and the kernel, on the same arguments."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> NDArray:
        return rng.standard_normal(shape).astype(dtype)

    x, logits, y = normal(ROWS, SIZES[0]), normal(ROWS, 10), rng.integers(10, size=ROWS)
    weights = [normal(a, b) / np.sqrt(a) for a, b in pairwise(SIZES)]
    weights = [w.astype(dtype) for w in weights]
    biases = [np.zeros((1, n), dtype) for n in SIZES[1:]]
    p = reference.softmax(logits)
    functions: dict[str, tuple[Function, Function]] = {
        "matmul_bias": (
            lambda: reference.matmul_bias(x, weights[0], biases[0]),
            lambda: kernels.matmul_bias(x, weights[0], biases[0]),
        ),
        "relu": (lambda: reference.relu(x), lambda: kernels.relu(x)),
        "softmax": (lambda: reference.softmax(logits), lambda: kernels.softmax(logits)),
        "cross_entropy": (
            lambda: reference.cross_entropy(p, y),
            lambda: kernels.cross_entropy(p, y),
        ),
        "forward": (
            lambda: reference.forward(weights, biases, x),
            lambda: kernels.forward(weights, biases, x),
        ),
        "backward_update": (
            lambda: backward_update(weights, biases, x, y),
            lambda: kernels.backward_update(weights, biases, x, y, 0.01, 0.001),
        ),
    }
    return functions[name]


def arrays(result: Any) -> list[NDArray]:
    """The arrays in whatever a function returns, in order."""
    if isinstance(result, list | tuple):
        return [array for part in result for array in arrays(part)]
    return [np.asarray(result)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "name", ["matmul_bias", "relu", "softmax", "cross_entropy", "forward", "backward_update"]
)
@pytest.mark.parametrize("side", ["reference", "fastmlp"])
def test_kernel(timed: Timer, name: str, dtype: str, side: str) -> None:
    functions = dict(zip(("reference", "fastmlp"), both(name, dtype), strict=True))
    expected, got = (arrays(function()) for function in functions.values())
    for a, b in zip(expected, got, strict=True):
        assert np.abs(a - b).max() <= TOLERANCE[dtype] * np.abs(a).max()
    timed(f"{name}, {ROWS} rows, {dtype}", side, functions[side])
