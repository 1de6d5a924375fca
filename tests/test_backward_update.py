"""The fused step alone against the reference's `backward_update`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine_tools import (
    Array,
    Parameters,
    assert_close,
    clear_of_kinks,
    make_labels,
    make_parameters,
    make_rows,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from fastmlp import kernels, reference

SIZES = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 49, 65, 100])
ROWS = st.sampled_from([1, 2, 3, 5, 6, 7, 8, 9, 12, 13, 15, 63, 64, 65, 100, 128, 129, 150])

both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def reference_step(
    parameters: Parameters, x: Array, labels: Array, rate: float, strength: float
) -> Parameters:
    """One step of the reference, with all the digits that the machine has."""
    weights, biases = parameters.copy(np.longdouble)
    rows = x.astype(np.longdouble)
    activations = reference.forward(weights, biases, rows)
    return Parameters(
        *reference.backward_update(weights, biases, rows, labels, activations, rate, strength)
    )


@both_dtypes
@settings(derandomize=True, database=None, deadline=None, max_examples=150)
@given(
    sizes=st.lists(SIZES, min_size=2, max_size=5),
    n_rows=ROWS,
    kind=st.sampled_from(["uint8", "float32", "float64"]),
    density=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    strength=st.sampled_from([0.0, 0.5]),
    seed=st.integers(0, 2**16),
)
def test_backward_update(dtype, sizes, n_rows, kind, density, strength, seed):
    parameters = make_parameters(sizes, dtype, seed)
    before = parameters.copy()
    x = make_rows(n_rows, sizes[0], kind, density, seed)
    x = x // 64 if kind == "uint8" else x
    labels = make_labels(n_rows, sizes[-1], seed)
    got = Parameters(*kernels.backward_update(*parameters, x, labels, 1.0, strength))
    x = x.astype(dtype)
    with clear_of_kinks(dtype):
        expected = reference_step(parameters, x, labels, 1.0, strength)
    for values, expected_values in zip(got.arrays(), expected.arrays(), strict=True):
        assert values.dtype == dtype
        assert_close(values, expected_values, dtype, 20 + max(sizes) + n_rows / 8)
    for array, kept in zip(parameters.arrays(), before.arrays(), strict=True):
        assert_array_equal(array, kept)


def test_backward_update_without_a_step_changes_nothing_but_the_decay():
    """All of the loss's gradient is divided by the rows, L2's is not, and biases have none."""
    parameters = make_parameters((5, 4, 3), "float64")
    x, labels = make_rows(7, 5, "float64"), make_labels(7, 3)
    rate = 1e-300
    got = Parameters(*kernels.backward_update(*parameters, x, labels, rate, 0.5 / rate))
    for values, before in zip(got.weights, parameters.weights, strict=True):
        assert_array_equal(values, before / 2)
    for values, before in zip(got.biases, parameters.biases, strict=True):
        assert_array_equal(values, before)


@both_dtypes
@pytest.mark.parametrize("density", [0.2, 1.0])
def test_derivative_of_relu_at_zero_is_zero(dtype, density):
    parameters = make_parameters((20, 9, 17, 3), dtype)
    parameters.weights[1][:], parameters.biases[1][:] = 0, 0
    x, labels = make_rows(70, 20, density=density), make_labels(70, 3)
    got = Parameters(*kernels.backward_update(*parameters, x, labels, 1.0, 0.0))
    for layer in (0, 1):
        assert_array_equal(got.weights[layer], parameters.weights[layer])
        assert_array_equal(got.biases[layer], parameters.biases[layer])
    assert np.all(got.biases[2] != parameters.biases[2])


def test_backward_update_refuses_layers_that_do_not_fit():
    weights, biases = make_parameters((4, 3, 2), "float64")
    weights[1] = np.ones((7, 2))
    x, labels = make_rows(5, 4, "float64"), make_labels(5, 2)
    with pytest.raises(ValueError, match=r"^w2 has shape"):
        kernels.backward_update(weights, biases, x, labels, 0.1, 0.0)


W, B = make_parameters((4, 3, 2), "float64")
X, LABELS = make_rows(5, 4, "float64"), make_labels(5, 2)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"x": X[:, :3]}, "^x has 3 columns"),
        ({"x": X[0]}, "^x has shape"),
        ({"x": np.full((5, 4), np.nan)}, "^x holds NaN"),
        ({"x": X[:0], "labels": LABELS[:0]}, "^x has no rows"),
        ({"labels": LABELS + 2}, "^labels holds the label"),
        ({"labels": LABELS - 2}, "^labels holds the label"),
        ({"labels": LABELS[:4]}, "^labels has 4 labels for 5 rows"),
        ({"weights": [W[0], W[1][0]]}, "^w2 has shape"),
        ({"biases": [B[0][:, :2], B[1]]}, "^b1 has shape"),
        ({"biases": [B[0], B[1][0]]}, "^b2 has shape"),
        ({"learning_rate": 0.0}, "^learning_rate is"),
        ({"lambda_reg": -1.0}, "^lambda_reg is"),
        ({"learning_rate": np.nan}, "^learning_rate is"),
    ],
)
def test_backward_update_refuses_bad_arguments(arguments: dict[str, Any], error: str):
    good = {"weights": W, "biases": B, "x": X, "labels": LABELS}
    with pytest.raises(ValueError, match=error):
        kernels.backward_update(**(good | {"learning_rate": 0.1, "lambda_reg": 0.0} | arguments))


@pytest.mark.parametrize("n_biases", [0, 1])
def test_backward_update_needs_all_layers(n_biases):
    weights, biases = make_parameters((4, 3, 2), "float64")
    n_weights = 2 if n_biases else 0
    x, labels = make_rows(5, 4, "float64"), make_labels(5, 2)
    with pytest.raises(ValueError, match="of each layer, one layer at least"):
        kernels.backward_update(weights[:n_weights], biases[:n_biases], x, labels, 0.1, 0.0)
