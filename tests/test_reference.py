"""The reference's formulas: against finite differences, hand-made numbers and the conventions."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import reference


def random_net(sizes, dtype=np.float64, seed=0):
    rng = np.random.RandomState(seed)
    weights = [(rng.randn(*shape) * 0.5).astype(dtype) for shape in itertools.pairwise(sizes)]
    biases = [(rng.randn(1, n) * 0.1).astype(dtype) for n in sizes[1:]]
    return weights, biases


def random_batch(n_rows, n_features, n_classes, dtype=np.float64, seed=1):
    rng = np.random.RandomState(seed)
    return rng.randn(n_rows, n_features).astype(dtype), rng.randint(0, n_classes, n_rows)


@pytest.mark.parametrize("sizes", [(7, 5, 3), (4, 6, 5, 3), (3, 1, 1)])
def test_gradient_equals_finite_differences(sizes):
    weights, biases = random_net(sizes)
    x, labels = random_batch(6, sizes[0], sizes[-1])

    def loss():
        return reference.cross_entropy(reference.forward(weights, biases, x)[-1], labels)

    dw, db = reference.backward(weights, x, labels, reference.forward(weights, biases, x))
    step = 1e-6
    for parameter, gradient in zip([*weights, *biases], [*dw, *db], strict=True):
        assert gradient.shape == parameter.shape
        for index in np.ndindex(parameter.shape):
            middle = parameter[index]
            parameter[index] = middle + step
            above = loss()
            parameter[index] = middle - step
            below = loss()
            parameter[index] = middle
            assert_allclose(gradient[index], (above - below) / (2 * step), rtol=1e-5, atol=1e-9)


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
def test_loss_clips_probabilities_at_the_smallest_normal_number(dtype):
    probabilities = np.array([[1, 0], [0.5, 0.5]], dtype)
    loss = reference.cross_entropy(probabilities, np.array([1, 0]))
    assert isinstance(loss, float)
    assert_allclose(loss, (-np.log(np.finfo(dtype).tiny) + np.log(2)) / 2, rtol=1e-6)


def test_loss_gradient_is_divided_by_the_rows():
    probabilities = np.array([[0.2, 0.8], [0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])
    gradient = reference.softmax_cross_entropy_gradient(probabilities, np.array([1, 0, 0, 0]))
    assert_allclose(gradient, [[0.05, -0.05], [-0.125, 0.125], [0, 0], [-0.25, 0.25]], atol=1e-16)
    assert_array_equal(probabilities[0], [0.2, 0.8])


def test_relu_shows_nan_and_its_derivative_at_zero_is_zero():
    z = np.array([-1.0, -0.0, 0.0, 2.0, np.nan, np.inf], np.float32)
    assert_array_equal(reference.relu(z), np.array([0, 0, 0, 2, np.nan, np.inf], np.float32))
    assert_array_equal(reference.relu_derivative(z), [0, 0, 0, 1, 0, 1])
    assert_array_equal(reference.relu_derivative(reference.relu(z)), reference.relu_derivative(z))
    assert reference.relu(z).dtype == reference.relu_derivative(z).dtype == np.float32


def test_update_decays_weights_but_not_biases():
    w, b = np.array([[2.0]]), np.array([[2.0]])
    (new_w,), (new_b,) = reference.update(
        [w], [b], [np.array([[0.5]])], [np.array([[0.5]])], learning_rate=0.1, lambda_reg=0.01
    )
    assert_allclose(new_w, 2 - 0.1 * (0.5 + 0.01 * 2), rtol=1e-15)
    assert_allclose(new_b, 2 - 0.1 * 0.5, rtol=1e-15)
    assert w == b == 2


def test_uint8_inputs_are_scaled_with_the_bits_of_a_float32_division():
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    scaled = reference.scale_inputs(pixels, np.dtype(np.float32), 255)
    assert scaled.dtype == np.float32
    assert_array_equal(scaled, pixels / np.float32(255))
    assert_array_equal(reference.scale_inputs(pixels, np.dtype(np.float64), 255), pixels / 255.0)
    floats = pixels.astype(np.float32)
    assert reference.scale_inputs(floats, np.dtype(np.float32), 255) is floats


def test_epoch_takes_every_row_once_and_returns_the_last_batch_loss():
    """Seven rows in batches of three: three steps, the last one on a single row."""
    weights, biases = random_net((4, 3, 2))
    x, labels = random_batch(7, 4, 2)
    trainer = reference.Trainer(weights, biases, x, labels, batch_size=3)
    order = np.array([6, 0, 5, 1, 4, 2, 3])
    w, b = [a.copy() for a in weights], [a.copy() for a in biases]
    weights[0][:] = 9  # not seen without load
    loss = trainer.epoch(order)
    assert_array_equal(weights[0], np.full((4, 3), 9))  # not written before export

    for rows in ([6, 0, 5], [1, 4, 2], [3]):
        activations = reference.forward(w, b, x[rows])
        expected_loss = reference.cross_entropy(activations[-1], labels[rows])
        dw, db = reference.backward(w, x[rows], labels[rows], activations)
        w, b = reference.update(w, b, dw, db, 0.01, 0.001)
    assert loss == expected_loss
    trainer.export()
    for got, expected in zip([*weights, *biases], [*w, *b], strict=True):
        assert_array_equal(got, expected)


def test_prediction_in_blocks_equals_prediction_at_once(monkeypatch):
    weights, biases = random_net((4, 3, 2))
    x, _ = random_batch(10, 4, 2)
    at_once = reference.predict_proba(weights, biases, x)
    monkeypatch.setattr(reference, "ROWS_PER_BLOCK", 3)
    assert_allclose(reference.predict_proba(weights, biases, x), at_once, rtol=1e-14)


def test_reference_imports_no_kernel_and_reads_in_one_sitting():
    code = "import sys, fastmlp.reference; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert len(Path(reference.__file__).read_text().splitlines()) < 300
