"""The compiled class against the reference, on whole training runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import fastmlp
from fastmlp import reference

CLASSES = (reference.MLP, fastmlp.MLP)


def trained(cls, x, y, hidden, n_classes, *, dtype=None, train, **keywords):
    """A network of `cls` after training, from the same random stream for either class."""
    network = cls(x.shape[1], hidden, n_classes, random_state=42, dtype=dtype, **keywords)
    network.train(x, y, verbose=False, **train)
    return network


def assert_equal_networks(expected, got, tolerance):
    """Every weight within `tolerance`, absolute below 1 and relative above."""
    pairs = [*zip(expected.weights, got.weights, strict=True)]
    pairs += [*zip(expected.biases, got.biases, strict=True)]
    for reference_values, values in pairs:
        assert values.dtype == reference_values.dtype
        assert_allclose(values, reference_values, rtol=tolerance, atol=tolerance)


def test_float64_weights_on_real_digits(real_digits):
    x, y = real_digits
    x, y = x[: len(x) * 4 // 5], y[: len(y) * 4 // 5]
    expected, got = (
        trained(cls, x, y, 64, 10, dtype="float64", input_scale=255, train={"epochs": 3})
        for cls in CLASSES
    )
    assert not np.array_equal(expected.w1, reference.MLP(784, 64, 10, random_state=42).w1)
    assert_equal_networks(expected, got, 1e-9)
    assert_allclose(got.history_.loss, expected.history_.loss, rtol=1e-9)


def test_float32_accuracy_on_real_digits(real_digits):
    x, y = real_digits
    cutoff = len(x) // 5
    expected, got = (
        trained(
            cls,
            x[cutoff:],
            y[cutoff:],
            64,
            10,
            input_scale=255,
            learning_rate=0.1,  # at 0.01 three epochs end near chance, and any code would pass
            train={"epochs": 3},
        )
        for cls in CLASSES
    )
    assert got.w1.dtype == np.float32
    score = got.score(x[:cutoff], y[:cutoff])
    assert score > 0.85
    assert abs(score - expected.score(x[:cutoff], y[:cutoff])) <= 0.003


@settings(deadline=None, max_examples=40)
@given(
    n_features=st.integers(1, 40),
    hidden=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    n_classes=st.integers(1, 12),
    n_rows=st.integers(1, 50),
    batch_size=st.integers(1, 60),
    dtype=st.sampled_from(["float32", "float64"]),
    input_type=st.sampled_from(["u1", "f4", "f8"]),
    density=st.sampled_from([0.0, 0.2, 1.0]),
    n_threads=st.sampled_from([1, 2, 3]),
    seed=st.integers(0, 2**16),
)
def test_any_network_on_any_rows(
    n_features, hidden, n_classes, n_rows, batch_size, dtype, input_type, density, n_threads, seed
):
    rng = np.random.RandomState(seed)
    x = rng.randint(1, 256, (n_rows, n_features)) * (rng.rand(n_rows, n_features) < density)
    x = x.astype(np.uint8) if input_type == "u1" else (x / 255).astype(input_type)
    y = rng.randint(0, n_classes, n_rows)
    expected, got = (
        trained(
            cls,
            x,
            y,
            hidden,
            n_classes,
            dtype=dtype,
            learning_rate=0.5,
            input_scale=255,
            n_threads=n_threads,
            train={"epochs": 3, "batch_size": batch_size, "lambda_reg": 0.01},
        )
        for cls in CLASSES
    )
    if dtype == "float64":
        tolerance = 1e-9
        assert_equal_networks(expected, got, tolerance)
    else:  # now and then a unit is so near 0 for a row that rounding decides whether it learns
        tolerance = 1e-2
    assert_allclose(got.predict_proba(x), expected.predict_proba(x), atol=tolerance)
    assert_allclose(got.history_.loss, expected.history_.loss, rtol=tolerance, atol=tolerance)
    for a, b in zip(got.forward(x), expected.forward(x), strict=True):
        assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    assert_allclose(got.score(x, y), expected.score(x, y), atol=2 / n_rows)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_logits_give_the_same_finite_loss(dtype):
    x = np.eye(4, dtype=dtype) * 1e4
    y = np.array([0, 1, 2, 0])
    losses = []
    for cls in CLASSES:
        network = cls(4, 4, 3, random_state=0, dtype=dtype)
        network.w1, network.w2 = np.eye(4, dtype=dtype), np.eye(4, 3, dtype=dtype)[::-1]
        losses += network.train(x, y, 1, lambda_reg=0, verbose=False).loss
        losses.append(network.compute_loss(y, network.predict_proba(x)))
    assert np.isfinite(losses).all()
    assert_allclose(losses[2:], losses[:2], rtol=1e-5)
