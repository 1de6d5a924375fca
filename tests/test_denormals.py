"""Denormal numbers: zeros while training, themselves everywhere else."""

from __future__ import annotations

import numpy as np
import pytest
from engine_tools import make_labels, make_parameters, make_rows
from numpy.testing import assert_array_equal

from fastmlp import kernels
from fastmlp.kernels.codegen.denormals import CAN_FLUSH
from fastmlp.problem import Problem
from fastmlp.reference import OPTIMIZERS

DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
SIZES = (8, 20, 3)


def denormal(dtype: str) -> np.floating:
    return np.finfo(dtype).smallest_subnormal * 1000


@DTYPES
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.skipif(not CAN_FLUSH, reason="only x86 processors are told to")
def test_weights_that_fade_become_zero(dtype, n_threads):
    weights, biases = make_parameters(SIZES, dtype)
    x = make_rows(40, SIZES[0], dtype)
    x[:, 0] = 0  # a pixel of the border
    weights[0][0] = denormal(dtype)
    trainer = kernels.Trainer(weights, biases, x, make_labels(40, 3), n_threads=n_threads)
    trainer.epoch(np.arange(40))
    trainer.export()
    assert_array_equal(weights[0][0], 0)
    assert np.all(weights[0][1:] != 0)


@DTYPES
@pytest.mark.parametrize("optimizer", [n for n, entry in OPTIMIZERS.items() if entry.n_states])
def test_states_that_fade_become_zero(dtype, optimizer):
    weights, biases = make_parameters(SIZES, dtype)
    x = make_rows(40, SIZES[0], dtype)
    x[:, 0] = 0
    problem = Problem(optimizer=optimizer)
    trainer = kernels.Trainer(
        weights, biases, x, make_labels(40, 3), problem=problem, lambda_reg=0.0
    )
    for state in trainer.states[0]:
        state[0] = denormal(dtype)
    trainer.load()
    trainer.epoch(np.arange(40))
    trainer.export()
    for state in trainer.states[0]:
        assert_array_equal(state[0], 0)
        assert np.any(state[1:] != 0)


@DTYPES
@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_callers_mode_comes_back(dtype, n_threads):
    weights, biases = make_parameters(SIZES, dtype)
    trainer = kernels.Trainer(
        weights, biases, make_rows(40, 8, dtype), make_labels(40, 3), n_threads=n_threads
    )
    trainer.epoch(np.arange(40))
    tiny = np.finfo(dtype).tiny
    assert np.multiply(tiny, np.array([0.5], dtype))[0] > 0


@DTYPES
def test_predictions_keep_them(dtype):
    w, b = np.full((1, 1), denormal(dtype), dtype), np.zeros((1, 1), dtype)
    x = np.full((5, 1), 0.5, dtype)
    ours = kernels.predict_proba([w], [b], x, problem=Problem(loss="squared_error"))
    assert_array_equal(ours, x @ w)
    assert np.all(ours > 0)
