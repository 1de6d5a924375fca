"""What the engine's tests share: networks and rows of any kind, training runs, tolerances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from hypothesis import assume
from numpy.typing import DTypeLike, NDArray

from fastmlp import kernels, reference
from fastmlp.kernels import trainer
from fastmlp.kernels.runtime.autotune import Choice

Array = NDArray[Any]


class Parameters(NamedTuple):
    """Weights and biases of all layers."""

    weights: list[Array]
    biases: list[Array]

    def copy(self, dtype: DTypeLike = None) -> Parameters:
        return Parameters(*([np.array(a, dtype) for a in arrays] for arrays in self))

    def arrays(self) -> list[Array]:
        return [*self.weights, *self.biases]


class Run(NamedTuple):
    """What a training has led to."""

    parameters: Parameters
    losses: list[float]


def make_parameters(sizes: Sequence[int], dtype: DTypeLike, seed: int = 0) -> Parameters:
    """Random parameters under which activations neither grow nor shrink from layer to layer."""
    rng = np.random.RandomState(seed)
    weights = [(rng.randn(*s) * np.sqrt(2 / s[0])).astype(dtype) for s in pairwise(sizes)]
    return Parameters(weights, [(rng.randn(1, n) * 0.1).astype(dtype) for n in sizes[1:]])


def make_rows(
    n_rows: int, n_features: int, kind: str = "float32", density: float = 1.0, seed: int = 0
) -> Any:
    """Random rows, uint8 or floats up to 1, a share `density` of them nonzero.

    `kind` is a dtype, or csr.
    """
    rng = np.random.RandomState(seed)
    pixels = rng.randint(1, 256, (n_rows, n_features)) * (rng.rand(n_rows, n_features) < density)
    if kind == "uint8":
        return pixels.astype(np.uint8)
    if kind == "csr":
        from scipy.sparse import csr_matrix

        return csr_matrix(pixels / np.float32(255))
    return (pixels / np.float32(255)).astype(kind)


def make_labels(n_rows: int, n_classes: int, seed: int = 0) -> NDArray[np.intp]:
    return np.random.RandomState(seed).randint(0, n_classes, n_rows).astype(np.intp)


def train(
    parameters: Parameters,
    x: Any,
    y: NDArray[np.intp],
    *,
    engine: Any = kernels,
    epochs: int = 2,
    dtype: DTypeLike = None,
    penalties: list[float] | None = None,
    **keywords: Any,
) -> Run:
    """Train a copy of `parameters` by an engine's Trainer, in an order drawn for each epoch.

    Each epoch's penalty is added to `penalties`.
    """
    trained = parameters.copy(dtype)
    rng = np.random.RandomState(3)
    keywords = {"batch_size": 16, "learning_rate": 0.1, "lambda_reg": 0.01} | keywords
    with engine.Trainer(*trained, x, y, **keywords) as training:
        losses = []
        for _ in range(epochs):
            losses.append(training.epoch(rng.permutation(len(y))))
            if penalties is not None:
                penalties.append(training.penalty)
        training.export()
    return Run(trained, losses)


@contextmanager
def inputs_divided(n_threads: int) -> Iterator[None]:
    """Have all trainings that skip zeros divide the first layer's inputs between threads."""

    class Divided:
        def __init__(self, *_: int | None) -> None:
            self.preferred = Choice(n_threads, by_inputs=True)
            self.choices = [self.preferred]

        def next(self) -> tuple[Choice, int]:
            return self.preferred, 1000

        def took(self, *_: Any) -> None:
            pass

    with patch.object(trainer, "Pace", Divided):
        yield


@contextmanager
def clear_of_kinks(dtype: DTypeLike) -> Iterator[None]:
    """Drop a Hypothesis example in which the reference takes ReLU of nearly 0.

    Within the rounding of `dtype`, whether its derivative is 0 or 1 is anybody's guess.
    """
    nearest = [np.inf]
    relu = reference.ACTIVATIONS["relu"]

    def watched(z: Array) -> Array:
        nearest.append(np.min(np.abs(z)))
        return relu.function(z)

    with patch.dict(reference.ACTIVATIONS, relu=relu._replace(function=watched)):
        yield
    assume(min(nearest) > 200 * np.finfo(dtype).eps)


def assert_close(got: Any, expected: Any, dtype: DTypeLike, factor: float) -> None:
    """Each value within `factor` times the dtype's epsilon, times 1 + the value's magnitude."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape
    tolerance = factor * np.finfo(dtype).eps * (1 + np.abs(expected))
    error = np.abs(got.astype(np.longdouble) - expected)
    assert np.all(error <= tolerance), f"{np.max(error / tolerance):.3g} times the tolerance"


def assert_close_runs(got: Run, expected: Run, factor: float) -> None:
    """`assert_close` for all parameters and losses."""
    dtype = got.parameters.weights[0].dtype
    pairs = zip(got.parameters.arrays(), expected.parameters.arrays(), strict=True)
    for values, expected_values in pairs:
        assert values.dtype == dtype
        assert_close(values, expected_values, dtype, factor)
    assert_close(got.losses, expected.losses, dtype, factor)


def assert_same_bits(got: Run, expected: Run) -> None:
    pairs = zip(got.parameters.arrays(), expected.parameters.arrays(), strict=True)
    for values, expected_values in pairs:
        assert values.dtype == expected_values.dtype
        np.testing.assert_array_equal(values, expected_values)
    assert got.losses == expected.losses
