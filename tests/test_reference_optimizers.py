"""The reference's optimisers: PyTorch's and scikit-learn's steps, states, denormal numbers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neural_network import _stochastic_optimizers

from fastmlp.problem import Problem
from fastmlp.reference import OPTIMIZERS, optimizer_step
from fastmlp.reference.optimizers import flush

N_STEPS = 12
RATE, L2 = 0.02, 0.3

every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)
both_kinds = pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])


def random_gradients(dtype=np.float64):
    return np.random.RandomState(1).randn(N_STEPS, 5, 4).astype(dtype)


def start(dtype=np.float64):
    return np.random.RandomState(0).randn(5, 4).astype(dtype)


def run(name, l2=L2, dtype=np.float64, **settings):
    """The parameter and its states after every gradient, which depends on nothing."""
    problem, optimizer = Problem(optimizer=name, **settings), OPTIMIZERS[name]
    w = start(dtype)
    states = tuple(np.zeros_like(w) for _ in range(optimizer.n_states))
    for t, g in enumerate(random_gradients(dtype), 1):
        w, states = optimizer.step(w, g, states, optimizer.scalars(problem, RATE, l2, t))
    return w, states


def test_the_table_has_the_names_that_were_promised():
    names = ["sgd", "momentum", "nesterov", "adam", "adamw", "gradient"]
    assert list(OPTIMIZERS)[: len(names)] == names


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("sgd", lambda torch, w: torch.optim.SGD(w, RATE, weight_decay=L2)),
        ("momentum", lambda torch, w: torch.optim.SGD(w, RATE, momentum=0.9, weight_decay=L2)),
        (
            "nesterov",
            lambda torch, w: torch.optim.SGD(w, RATE, momentum=0.9, weight_decay=L2, nesterov=True),
        ),
        ("adam", lambda torch, w: torch.optim.Adam(w, RATE, eps=1e-30, weight_decay=L2)),
        ("adamw", lambda torch, w: torch.optim.AdamW(w, RATE, eps=1e-30, weight_decay=L2)),
    ],
)
def test_steps_equal_pytorchs(name, make):
    """Epsilon stands elsewhere in PyTorch's Adam, so it is made too small to matter."""
    torch = pytest.importorskip("torch")
    w = torch.tensor(start(), requires_grad=True)
    optimizer = make(torch, [w])
    for g in random_gradients():
        w.grad = torch.tensor(g)
        optimizer.step()
    assert_allclose(run(name, epsilon=1e-30)[0], w.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("momentum", lambda w: _stochastic_optimizers.SGDOptimizer(w, RATE, nesterov=False)),
        ("nesterov", lambda w: _stochastic_optimizers.SGDOptimizer(w, RATE)),
        ("adam", lambda w: _stochastic_optimizers.AdamOptimizer(w, RATE, epsilon=0.1)),
    ],
)
def test_steps_equal_scikit_learns(name, make):
    w = [start()]
    optimizer = make(w)
    for g in random_gradients():
        optimizer.update_params(w, [g + L2 * w[0]])
    assert_allclose(run(name, epsilon=0.1)[0], w[0], rtol=1e-12)


def test_adams_moments_in_closed_form():
    g = random_gradients()
    ages = np.arange(N_STEPS)[::-1, np.newaxis, np.newaxis]
    _, (m, v) = run("adam", l2=0.0, beta_1=0.8, beta_2=0.95)
    assert_allclose(m, (0.2 * 0.8**ages * g).sum(axis=0), rtol=1e-12, atol=1e-15)
    assert_allclose(v, (0.05 * 0.95**ages * g**2).sum(axis=0), rtol=1e-12)


def test_gradient_adds_up_and_leaves_the_parameter():
    w, (total,) = run("gradient")
    assert_array_equal(w, start())
    assert_allclose(total, random_gradients().sum(axis=0), rtol=1e-13)


@every_optimizer
@both_kinds
def test_dtypes_are_kept_and_arguments_unchanged(name, dtype):
    optimizer = OPTIMIZERS[name]
    w, g = start(dtype), random_gradients(dtype)[0]
    states = tuple(np.full_like(w, 0.5) for _ in range(optimizer.n_states))
    before = [a.copy() for a in (w, g, *states)]
    scalars = tuple(map(float, optimizer.scalars(Problem(), RATE, L2, 1)))
    new_w, new_states = optimizer.step(w, g, states, scalars)
    assert len(new_states) == optimizer.n_states
    assert all(a.dtype == dtype and a.shape == w.shape for a in (new_w, *new_states))
    for array, values in zip((w, g, *states), before, strict=True):
        assert_array_equal(array, values)


@every_optimizer
@both_kinds
def test_states_hold_no_denormal_numbers(name, dtype):
    optimizer = OPTIMIZERS[name]
    tiny = np.finfo(dtype).tiny
    w = np.ones((1, 3), dtype)
    old = np.array([[tiny, -tiny, 1]], dtype)
    states = (old,) * optimizer.n_states
    g = np.array([[-tiny / 2, tiny / 2, 0]], dtype)  # for the gradient entry; else too small
    _, new = optimizer.step(w, g, states, optimizer.scalars(Problem(), RATE, 0.0, 1))
    for state in new:
        assert_array_equal(state[0, :2], [0, 0])
        assert state[0, 2] != 0


def test_flush_keeps_everything_else():
    tiny = np.finfo(np.float32).tiny
    values = np.array([tiny, -tiny, np.inf, -np.inf, np.nan, 0], np.float32)
    assert_array_equal(flush(values), values)
    assert_array_equal(flush(np.array([tiny / 2, -tiny / 2], np.float32)), [0, 0])


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adam", "adamw"])
def test_l2_acts_on_weights_alone(name):
    """Equal parameters, equal gradients: weights move another way than biases."""
    w, g = np.full((1, 2), 2.0), np.full((1, 2), 0.5)
    n_states = OPTIMIZERS[name].n_states
    states = [tuple(np.zeros_like(w) for _ in range(n_states))] * 2
    problem = Problem(optimizer=name)
    (new_w,), (new_b,), new = optimizer_step([w], [w], [g], [g], states, problem, RATE, L2, 1)
    (plain_w,), (plain_b,), _ = optimizer_step([w], [w], [g], [g], states, problem, RATE, 0.0, 1)
    assert_array_equal(new_b, plain_b)
    assert_array_equal(plain_w, plain_b)
    # Adam's first step has one length whatever the gradient: its states show the difference.
    assert (new_w != new_b).all() or (new[0][0] != new[1][0]).all()
