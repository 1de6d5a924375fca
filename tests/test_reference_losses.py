"""The reference's losses: gradients by finite differences, scikit-learn's own, both ends."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference_tools import assert_finite_differences, random_batch, random_net, random_targets
from sklearn.neural_network import _base

from fastmlp import reference
from fastmlp.problem import Problem
from fastmlp.reference import ACTIVATIONS, LOSSES, Loss, keep_mask
from fastmlp.reference.losses import difference

TINY = np.finfo(np.float64).tiny
SCIKIT_LEARN = {
    "cross_entropy": ("softmax", _base.log_loss),
    "binary_cross_entropy": ("logistic", _base.binary_log_loss),
    "squared_error": ("identity", _base.squared_loss),
    "poisson": ("exp", _base.poisson_loss),
}

every_loss = pytest.mark.parametrize("loss", LOSSES)


def test_the_table_has_the_names_that_were_promised():
    assert list(LOSSES)[: len(SCIKIT_LEARN)] == list(SCIKIT_LEARN)


def assert_gradient(problem, targets, *, dtype, row_weights=None, masks=None):
    """`backward` against finite differences of the mean loss, for every parameter."""
    sizes = (3, 4, 3, 2)
    weights, biases = random_net(sizes, dtype)
    x, _ = random_batch(len(targets), sizes[0], sizes[-1], dtype)
    entry = LOSSES[problem.loss]

    def loss():
        p = reference.forward(weights, biases, x, None, problem, masks)[-1]
        return np.average(entry.rows(p, targets, TINY), weights=row_weights)

    activations = reference.forward(weights, biases, x, None, problem, masks)
    dw, db = reference.backward(
        weights,
        x,
        targets,
        activations,
        problem,
        biases=biases,
        row_weights=row_weights,
        masks=masks,
    )
    factor = sizes[-1] if problem.loss == "squared_error" else 1  # see `squared_error_rows`
    assert_finite_differences(loss, [*weights, *biases], [*dw, *db], factor, rtol=1e-6, atol=1e-8)


@every_loss
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float64, np.longdouble])
def test_gradient_equals_finite_differences(loss, activation, dtype):
    problem = Problem(activation=activation, loss=loss)
    assert_gradient(problem, random_targets(loss, 5, 2, dtype), dtype=dtype)


@pytest.mark.parametrize("activation", [("tanh", "relu"), ("silu", "logistic"), "gelu"])
@every_loss
def test_gradient_with_dropout_and_row_weights_equals_finite_differences(loss, activation):
    problem = Problem(activation=activation, loss=loss, dropout=0.4)
    masks = [keep_mask(3, 1, layer, 7, size, 0.4) for layer, size in [(1, 4), (2, 3)]]
    assert 0 < masks[0].mean() < 1
    row_weights = np.array([1, 0.5, 0, 3, 1, 2, 0.25])
    targets = random_targets(loss, 7, 2)
    assert_gradient(problem, targets, dtype=np.float64, row_weights=row_weights, masks=masks)


@pytest.mark.parametrize("loss", SCIKIT_LEARN)
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_outputs_and_losses_equal_scikit_learns(loss, n_outputs, weighted):
    if loss == "cross_entropy" and n_outputs == 1:
        n_outputs = 2  # scikit-learn takes one column as the second of two
    logits = np.random.RandomState(0).randn(40, n_outputs) * 2
    targets = random_targets(loss, 40, n_outputs)
    row_weights = np.random.RandomState(1).rand(40) if weighted else None
    name, function = SCIKIT_LEARN[loss]
    expected = logits.copy()
    _base.ACTIVATIONS[name](expected)
    p = LOSSES[loss].output(logits)
    assert_allclose(p, expected, rtol=1e-14)
    rows = LOSSES[loss].rows(p, targets, np.finfo(float).eps)
    assert rows.shape == (40,)
    got = np.average(rows, weights=row_weights)
    assert_allclose(got, function(targets, p, row_weights), rtol=1e-13)


@every_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_dtypes_are_kept_and_arguments_unchanged(loss, dtype):
    entry = LOSSES[loss]
    logits = np.random.RandomState(0).randn(6, 3).astype(dtype)
    targets = random_targets(loss, 6, 3, dtype)
    p = entry.output(logits)
    before = p.copy(), targets.copy()
    assert p.dtype == entry.gradient(p, targets).dtype == dtype
    assert entry.rows(p, targets, np.finfo(dtype).tiny).dtype == dtype
    assert_array_equal(p, before[0])
    assert_array_equal(targets, before[1])


@every_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_stay_finite_where_predictions_underflow(loss, dtype):
    logits = np.array([[-1000, 0], [-200, 0.0]], dtype)
    entry = LOSSES[loss]
    logits = logits if entry.lowest == 0 else logits * [[1], [-1]]
    logits = logits.astype(dtype)
    targets = np.array([[1, 0], [0, 1]], dtype) * (50 if entry.lowest == 0 else 1)
    p = entry.output(logits)
    assert np.isfinite(entry.rows(p, targets, np.finfo(dtype).tiny)).all()
    assert np.isfinite(entry.gradient(p, targets)).all()


@every_loss
def test_losses_show_nan(loss):
    entry = LOSSES[loss]
    p = entry.output(np.array([[0.0, np.nan], [0.0, 1.0]]))
    losses = entry.rows(p, np.array([[0.0, 1.0], [1.0, 0.0]]), TINY)
    assert_array_equal(np.isnan(losses), [True, False])


def test_floor_holds_probabilities_on_both_sides():
    one = np.array([[1.0], [0.0]])
    rows = LOSSES["binary_cross_entropy"].rows(one, 1 - one, 1e-3)
    assert_allclose(rows, -np.log(1e-3))
    assert_allclose(LOSSES["cross_entropy"].rows(one, np.array([0, 0]), 1e-3), [0, -np.log(1e-3)])


def test_labels_are_one_hot_rows():
    p = reference.softmax(np.random.RandomState(0).randn(9, 4))
    labels = np.arange(9) % 4
    dense = np.eye(4)[labels]
    assert_array_equal(difference(p, labels), difference(p, dense))
    rows = LOSSES["cross_entropy"].rows
    assert_array_equal(rows(p, labels, TINY), rows(p, dense, TINY))


def test_an_entry_may_bring_its_own_gradient(monkeypatch):
    """The Huber-like log cosh: its gradient by the output is a tanh."""

    def rows(p, targets, floor):
        return np.log(np.cosh(p - targets)).sum(axis=1)

    entry = Loss(lambda z: z, rows, lambda p, targets: np.tanh(p - targets))
    monkeypatch.setitem(LOSSES, "log_cosh", entry)
    assert_gradient(
        Problem("tanh", "log_cosh"), random_targets("squared_error", 5, 2), dtype=np.float64
    )


@pytest.mark.parametrize("scale", [1, 1e2, 1e4])
def test_softmax_and_loss_stay_finite_in_float32(scale):
    logits = (np.random.RandomState(0).uniform(-1, 1, (50, 10)) * scale).astype(np.float32)
    logits[0] = [-scale] * 9 + [scale]
    probabilities = reference.softmax(logits)
    assert probabilities.dtype == np.float32
    assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    for label in range(10):
        labels = np.full(50, label)
        assert np.isfinite(reference.cross_entropy(probabilities, labels))
        assert np.isfinite(reference.softmax_cross_entropy_gradient(probabilities, labels)).all()


def test_softmax_does_not_change_when_a_row_is_shifted():
    logits = np.array([[1.0, 2.0, 3.0], [0.0, -5.0, 5.0]])
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert_allclose(reference.softmax(logits), expected, rtol=1e-14)
    assert_allclose(reference.softmax(logits + 1000), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_clips_probabilities_at_the_smallest_normal_number(dtype):
    probabilities = np.array([[1, 0], [0.5, 0.5]], dtype)
    loss = reference.cross_entropy(probabilities, np.array([1, 0]))
    assert isinstance(loss, float)
    assert_allclose(loss, (-np.log(np.finfo(dtype).tiny) + np.log(2)) / 2, rtol=1e-6)


def test_the_gradient_is_divided_by_the_rows():
    probabilities = np.array([[0.2, 0.8], [0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])
    gradient = reference.softmax_cross_entropy_gradient(probabilities, np.array([1, 0, 0, 0]))
    assert_allclose(gradient, [[0.05, -0.05], [-0.125, 0.125], [0, 0], [-0.25, 0.25]], atol=1e-16)
    assert_array_equal(probabilities[0], [0.2, 0.8])
