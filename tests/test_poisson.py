"""Poisson's loss is its formula, however far a prediction is from its target."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neural_network import _base

from fastmlp import MLP, MLPRegressor, kernels, reference
from fastmlp.problem import Problem
from fastmlp.reference import LOSSES

DTYPES = [np.float32, np.float64]
TARGETS = [0, 1e-6, 1, 2, 300, 1e8, 1e15, 1e30]


def exact(z, y):
    """The formula, in numbers of a far greater range; and the size of its parts."""
    z, y = np.longdouble(z), np.longdouble(y)
    p = np.exp(z)
    if y == 0:
        return p, p
    return y * (np.log(y) - z) - y + p, y * np.abs(np.log(y) - z) + y + p


def assert_exact(got, z, y, dtype):
    expected, size = exact(z, y)
    limits = np.finfo(dtype)
    error = abs(np.longdouble(got) - expected)
    assert error <= limits.tiny + 8 * limits.eps * size, (z, y)


def losses_of(engine, dtype, logits, targets):
    """The loss of each row alone: of a network whose logit is its input."""
    x, y = (np.array(values, dtype).reshape(-1, 1) for values in (logits, targets))
    parameters = [np.ones((1, 1), dtype)], [np.zeros((1, 1), dtype)]
    settings = {"problem": Problem(loss="poisson"), "batch_size": 1, "lambda_reg": 0.0}
    eps = float(np.finfo(dtype).eps)  # the floor that the estimators give
    with engine.Trainer(*parameters, x, y, learning_rate=0.0, floor=eps, **settings) as trainer:
        for row in range(len(x)):
            trainer.load()  # an infinite gradient, times a rate of 0, is NaN
            yield trainer.epoch(np.array([row]))


@pytest.mark.parametrize("engine", [reference, kernels])
@pytest.mark.parametrize("dtype", DTYPES)
def test_of_any_logit_and_target(engine, dtype):
    most = float(np.log(np.finfo(dtype).max))
    z = np.array([-5e3, -700, -300, -104, -90, -60, -40, -30, -10, -1, 0, 0.7, 5, 30, most - 1])
    z, y = (a.ravel() for a in np.meshgrid(z.astype(dtype), np.array(TARGETS, dtype)))
    for case in zip(losses_of(engine, dtype, z, y), z, y, strict=True):
        assert_exact(*case, dtype)


@pytest.mark.parametrize("engine", [reference, kernels])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_prediction_beyond_all_numbers_has_an_infinite_loss(engine, dtype):
    most = float(np.log(np.finfo(dtype).max))
    for target in (0, 1, 1e8):
        with np.errstate(over="ignore", invalid="ignore"):
            (loss,) = losses_of(engine, dtype, [most + 1], [target])
        assert loss == np.inf


@pytest.mark.parametrize("dtype", DTYPES)
def test_of_predictions_alone(dtype):
    """What validation goes by: it has no logits."""
    z = np.array([-80, -60, -36, -20, -3, 0, 2, 30], dtype)
    for target in TARGETS:
        p, y = np.exp(z)[:, np.newaxis], np.full((len(z), 1), target, dtype)
        got = LOSSES["poisson"].rows(p, y, np.finfo(dtype).eps)
        for loss, prediction in zip(got, p[:, 0], strict=True):
            assert_exact(loss, np.log(np.longdouble(prediction)), y[0, 0], dtype)


@pytest.mark.parametrize(("dtype", "raw", "count"), [
    ("float64", -30, 2), ("float64", -36, 2), ("float64", -300, 2), ("float32", 0, 1e9),
])  # fmt: skip
def test_loss_of_the_estimator_is_scikit_learns(dtype, raw, count):
    x, y = np.ones((2, 1), dtype), np.array([1.0, count])
    model = MLPRegressor("poisson", (), alpha=0).partial_fit(x, y)
    model.coefs_ = [np.zeros((1, 1), dtype)]
    model.intercepts_ = [np.array([raw], dtype)]
    model.partial_fit(x, y)
    p = np.full((2, 1), np.exp(np.float64(raw)))
    rel = 4 * float(np.finfo(dtype).eps)
    assert model.loss_ == pytest.approx(_base.poisson_loss(y.reshape(-1, 1), p), rel=rel)


@pytest.mark.parametrize("mlp_class", [MLP, reference.MLP])
@pytest.mark.parametrize(("dtype", "raw"), [("float32", -95), ("float64", -740)])
def test_loss_of_the_network(mlp_class, dtype, raw):
    network = mlp_class(1, 2, 1, 1e-12, loss="poisson", random_state=0, dtype=dtype)
    network.w2[:], network.b2[:] = 0, raw
    history = network.train(np.ones((4, 1)), np.full(4, 2), 1, 4, lambda_reg=0, verbose=False)
    assert_exact(history.loss[0], raw, 2, dtype)
