"""The reference's activations: derivatives by finite differences, known values, both ends, NaN."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special

from fastmlp import reference
from fastmlp.reference import ACTIVATIONS
from fastmlp.reference.activations import normal_cdf

DTYPES = [np.float32, np.float64, np.longdouble]
EXPECTED = {
    "identity": lambda z: z,
    "logistic": special.expit,
    "tanh": np.tanh,
    "relu": lambda z: z * (z > 0),
    "leaky_relu": lambda z: z * np.where(z > 0, 1, 0.01),
    "silu": lambda z: z * special.expit(z),
    "gelu": lambda z: z * special.ndtr(z),
}

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)


def test_the_table_has_the_names_that_were_promised():
    assert list(ACTIVATIONS)[: len(EXPECTED)] == list(EXPECTED)


@every_activation
@pytest.mark.parametrize("dtype", DTYPES)
def test_values_and_dtype(name, dtype):
    z = np.linspace(-30, 30, 602).reshape(7, 86).astype(dtype)
    got = ACTIVATIONS[name].function(z)
    assert got.dtype == dtype
    eps = np.finfo(min(np.dtype(dtype), np.dtype(np.float64))).eps
    of_more_digits = EXPECTED.get(name, lambda z: ACTIVATIONS[name].function(np.longdouble(z)))
    expected = of_more_digits(z.astype(np.float64)).astype(np.float64)
    # exp(-z^2 / 2) magnifies the rounding of z by z^2, in SciPy's result as well.
    rtol = eps * (2000 if name == "gelu" else 100)
    assert_allclose(got.astype(np.float64), expected, rtol=rtol, atol=np.finfo(dtype).tiny)


@every_activation
def test_derivative_equals_finite_differences(name):
    activation = ACTIVATIONS[name]
    z = np.linspace(-9.05, 9.05, 182, dtype=np.longdouble)  # none of them 0
    step = 1e-6
    expected = (activation.function(z + step) - activation.function(z - step)) / (2 * step)
    got = activation.derivative(activation.function(z) if activation.of_output else z)
    assert got.dtype == np.longdouble
    assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


@every_activation
@pytest.mark.parametrize("dtype", DTYPES)
def test_derivative_keeps_the_dtype_and_nan_stays_nan(name, dtype):
    activation = ACTIVATIONS[name]
    z = np.array([[-1000, -0.0, 0.0], [0.5, 1000, np.nan]], dtype)
    a = activation.function(z)
    slope = activation.derivative(a if activation.of_output else z)
    assert slope.dtype == a.dtype == dtype
    assert slope.shape == a.shape == z.shape
    assert_array_equal(np.isnan(a), np.isnan(z))
    assert np.isfinite(slope[:, :2]).all()


def test_derivatives_at_the_kinks():
    zero = np.array([-0.0, 0.0])
    assert_array_equal(ACTIVATIONS["relu"].derivative(zero), [0, 0])
    assert_array_equal(ACTIVATIONS["leaky_relu"].derivative(zero), [0.01, 0.01])


def test_gelu_is_exact_far_below_zero():
    z = np.array([-5.0, -10.0, -20.0, -35.0])
    assert_allclose(normal_cdf(z), special.ndtr(z), rtol=1e-12)
    assert (normal_cdf(z) > 0).all()


def test_relu_shows_nan_and_its_derivative_at_zero_is_zero():
    z = np.array([-1.0, -0.0, 0.0, 2.0, np.nan, np.inf], np.float32)
    assert_array_equal(reference.relu(z), np.array([0, 0, 0, 2, np.nan, np.inf], np.float32))
    assert_array_equal(reference.relu_derivative(z), [0, 0, 0, 1, 0, 1])
    assert_array_equal(reference.relu_derivative(reference.relu(z)), reference.relu_derivative(z))
    assert reference.relu(z).dtype == reference.relu_derivative(z).dtype == np.float32
