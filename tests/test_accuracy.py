"""float32 as accurate as NumPy's float32: errors of what training moves, against float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine_tools import Array, make_labels, make_parameters

from fastmlp import kernels, reference
from fastmlp.problem import Problem

# Nets, batch sizes and rows: one batch, or a few.
CASES = [
    ((784, 64, 10), 64, 640),
    ((7, 1000, 300, 3), 2048, 2048),
    ((7, 1000, 3), 8192, 8192),
    ((20, 30, 4), 32768, 32768),
    ((20, 30, 4), 65536, 65536),
    ((10000, 20, 3), 200, 400),
    ((30, 40, 5), 1, 50),
    ((30, 40, 5), 200, 1000),
    ((5, 3000, 4), 130, 260),
]
OPTIMIZERS = ["sgd", "momentum", "nesterov", "adam", "adamw"]
names = [f"{'-'.join(map(str, sizes))}, batch {batch}" for sizes, batch, _ in CASES]


def square_error(got: list[Array], expected: list[Array], start: list[Array]) -> Array:
    """For each parameter, the error's mean square over that of what it has moved."""
    return np.array(
        [
            np.mean((g - e) ** 2) / np.mean((e - s) ** 2)
            for g, e, s in zip(got, expected, start, strict=True)
        ]
    )


def movement(
    engine: Any, dtype: str, sizes: Any, batch_size: int, n_rows: int, optimizer: str, seed: int
) -> list[Array]:
    parameters = make_parameters(sizes, "float32", seed).copy(dtype)
    x = np.random.RandomState(1 + seed).randn(n_rows, sizes[0]).astype(np.float32)
    problem = Problem(optimizer=optimizer, epsilon=1e-3)
    settings = {"batch_size": batch_size, "learning_rate": 0.01, "lambda_reg": 0.001}
    with engine.Trainer(
        *parameters, x.astype(dtype), make_labels(n_rows, sizes[-1]), problem=problem, **settings
    ) as trainer:
        trainer.epoch(np.arange(n_rows))
        trainer.export()
    return [array.astype(np.float64) for array in parameters.arrays()]


@pytest.mark.parametrize("case", CASES, ids=names)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_movement(case, optimizer):
    """Over some seeds where a bias has but a few numbers, whose errors are a matter of luck."""
    ours, numpy = 0, 0
    for seed in range(1 if case[1] > 1000 else 8):
        start = [a.astype(np.float64) for a in make_parameters(case[0], "float32", seed).arrays()]
        exact = movement(reference, "float64", *case, optimizer, seed)
        got = movement(kernels, "float32", *case, optimizer, seed)
        ours = ours + square_error(got, exact, start)
        of_numpy = movement(reference, "float32", *case, optimizer, seed)
        numpy = numpy + square_error(of_numpy, exact, start)
    assert np.all(ours <= 4 * numpy), np.sqrt(ours / numpy)  # squares: twice the error


@pytest.mark.parametrize("n_inputs", [1, 10, 300, 784, 1024, 3000, 10_000])
def test_forward(n_inputs):
    rng = np.random.RandomState(0)
    x = rng.randn(500, n_inputs).astype(np.float32)
    w = (rng.randn(n_inputs, 40) * np.sqrt(2 / n_inputs)).astype(np.float32)
    b = rng.randn(1, 40).astype(np.float32)
    exact = x.astype(np.float64) @ w.astype(np.float64) + b
    ours, numpy = (
        np.sqrt(np.mean((z - exact) ** 2))
        for z in (kernels.matmul_bias(x, w, b), reference.matmul_bias(x, w, b))
    )
    assert ours <= 2 * numpy
