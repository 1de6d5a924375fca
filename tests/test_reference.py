"""The reference's formulas: the tutorial's gradient, its step, inputs, prediction."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference_tools import assert_finite_differences, random_batch, random_net

from fastmlp import reference
from fastmlp.reference import inference


@pytest.mark.parametrize("sizes", [(7, 5, 3), (4, 6, 5, 3), (3, 1, 1)])
def test_gradient_equals_finite_differences(sizes):
    weights, biases = random_net(sizes)
    x, labels = random_batch(6, sizes[0], sizes[-1])

    def loss():
        return reference.cross_entropy(reference.forward(weights, biases, x)[-1], labels)

    dw, db = reference.backward(weights, x, labels, reference.forward(weights, biases, x))
    assert_finite_differences(loss, [*weights, *biases], [*dw, *db], rtol=1e-5, atol=1e-9)


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


def test_prediction_in_blocks_equals_prediction_at_once(monkeypatch):
    weights, biases = random_net((4, 3, 2))
    x, _ = random_batch(10, 4, 2)
    at_once = reference.predict_proba(weights, biases, x)
    monkeypatch.setattr(inference, "ROWS_PER_BLOCK", 3)
    assert_allclose(reference.predict_proba(weights, biases, x), at_once, rtol=1e-14)


def test_reference_imports_no_kernel_and_each_file_reads_in_one_sitting():
    code = "import sys, fastmlp.reference; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    files = list(Path(reference.__file__).parent.glob("*.py"))
    assert len(files) > 5
    for file in files:
        assert len(file.read_text().splitlines()) <= 300, file.name
