"""The engine on whole trainings and predictions, against the reference."""

from __future__ import annotations

import math

import numpy as np
import pytest
from engine_tools import (
    assert_close,
    assert_close_runs,
    assert_same_bits,
    clear_of_kinks,
    make_labels,
    make_parameters,
    make_rows,
    train,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from fastmlp import kernels, reference
from fastmlp.problem import Problem

KINDS = ["uint8", "float32", "float64", "csr"]
SIZES = st.sampled_from([1, 2, 3, 5, 8, 10, 15, 16, 17, 31, 33, 48, 64, 65])
SCALE = 255.0

both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_kind = pytest.mark.parametrize("kind", KINDS)


def bounded(n: int) -> settings:
    return settings(derandomize=True, database=None, deadline=None, max_examples=n)


@both_dtypes
@every_kind
@bounded(60)
@given(
    n_features=st.sampled_from([1, 2, 3, 7, 8, 9, 16, 17, 20, 33, 64, 100]),
    hidden=st.lists(SIZES, max_size=4),
    n_classes=st.sampled_from([1, 2, 3, 10, 16, 17, 40]),
    n_rows=st.sampled_from([1, 2, 7, 20, 64, 65, 67, 99, 128, 131, 150]),
    batch_size=st.sampled_from([1, 2, 6, 7, 8, 16, 63, 64, 65, 130, 200]),
    density=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    seed=st.integers(0, 2**16),
)
def test_training(dtype, n_features, hidden, n_classes, n_rows, batch_size, kind, density, seed):
    parameters = make_parameters([n_features, *hidden, n_classes], dtype, seed)
    x = make_rows(n_rows, n_features, kind, density, seed)
    y = make_labels(n_rows, n_classes, seed)
    settings = {"batch_size": batch_size, "input_scale": SCALE, "learning_rate": 0.05}
    got = train(parameters, x, y, n_threads=1, skip_zeros=False, **settings)
    assert_same_bits(train(parameters, x, y, n_threads=1, skip_zeros=True, **settings), got)
    # The reference gets more digits than the engine, so that all of the error is the engine's.
    more_digits = np.float64 if dtype == "float32" else np.longdouble
    with clear_of_kinks(dtype):
        expected = train(parameters, x, y, engine=reference, dtype=more_digits, **settings)
    n_steps = 2 * math.ceil(n_rows / batch_size)
    assert_close_runs(got, expected, 2 * (40 + n_features + n_steps))


@both_dtypes
@bounded(100)
@given(
    hidden=st.lists(SIZES, max_size=4),
    n_features=SIZES,
    n_classes=st.sampled_from([1, 2, 10, 17]),
    n_rows=st.sampled_from([1, 2, 65, 127, 128, 129, 256, 300]),
    kind=st.sampled_from(KINDS),
    density=st.sampled_from([0.0, 0.1, 1.0]),
    n_threads=st.sampled_from([None, 1, 2, 5]),
    seed=st.integers(0, 2**16),
)
def test_predictions(dtype, hidden, n_features, n_classes, n_rows, kind, density, n_threads, seed):
    parameters = make_parameters([n_features, *hidden, n_classes], dtype, seed)
    x = make_rows(n_rows, n_features, kind, density, seed)
    more_digits = np.float64 if dtype == "float32" else np.longdouble
    expected = reference.forward(*parameters.copy(more_digits), x, SCALE)
    activations = kernels.forward(*parameters, x, SCALE)
    probabilities = kernels.predict_proba(*parameters, x, SCALE, n_threads)
    for got, expected_values in zip(activations, expected, strict=True):
        assert got.dtype == dtype
        assert_close(got, expected_values, dtype, 40 + n_features)
    assert probabilities.dtype == dtype
    assert_array_equal(probabilities, activations[-1])


@both_dtypes
@pytest.mark.parametrize("hidden", [(), (33,), (20, 50)])
def test_pixels_have_the_bits_of_scaled_rows(dtype, hidden):
    """Trained on uint8, on the quotients, and on those in CSR: one and the same run."""
    parameters = make_parameters((50, *hidden, 10), dtype)
    pixels, y = make_rows(150, 50, "uint8", 0.3), make_labels(150, 10)
    scaled = pixels / np.dtype(dtype).type(SCALE)
    sparse = pytest.importorskip("scipy.sparse").csr_matrix(scaled)
    expected = train(parameters, scaled, y, n_threads=1)
    assert_same_bits(train(parameters, pixels, y, n_threads=1, input_scale=SCALE), expected)
    assert_same_bits(train(parameters, sparse, y, n_threads=1), expected)
    assert_same_bits(
        train(parameters, pixels, y, n_threads=1),
        train(parameters, pixels.astype(dtype), y, n_threads=1),
    )


def quotients(scale: float, dtype: str) -> np.ndarray:
    """What the engine makes of each pixel 0..255: the activations of an identity."""
    parameters = make_parameters((256, 256, 1), dtype)
    parameters.weights[0][:], parameters.biases[0][:] = np.eye(256), 0
    pixels = np.arange(256, dtype=np.uint8)[np.newaxis]
    return kernels.forward(*parameters, pixels, scale)[0][0]


@both_dtypes
@pytest.mark.parametrize("scale", [1, 2, 3, 7.5, 100, 254, 255, 256, 1e-3, 0.1, 1e6, np.pi])
def test_division_of_pixels_is_correctly_rounded(scale, dtype):
    expected = np.arange(256) / np.dtype(dtype).type(scale)
    assert_array_equal(quotients(scale, dtype), expected.astype(dtype))


@both_dtypes
@bounded(100)
@given(scale=st.floats(2.0**-10, 2.0**20, width=32))
def test_division_of_pixels_by_any_scale(scale, dtype):
    expected = np.arange(256) / np.dtype(dtype).type(scale)
    assert_array_equal(quotients(scale, dtype), expected.astype(dtype))


def test_division_of_pixels_by_an_unlucky_scale():
    scale = 1.9465450048446655
    expected = np.arange(256, dtype=np.float32) / np.float32(scale)
    assert_array_equal(quotients(scale, "float32"), expected)


def test_sparse_pixels_are_scaled():
    parameters = make_parameters((50, 33, 10), "float32")
    pixels, y = make_rows(150, 50, "uint8", 0.3), make_labels(150, 10)
    sparse = pytest.importorskip("scipy.sparse").csr_matrix(pixels)
    expected = train(parameters, pixels, y, n_threads=1, input_scale=SCALE)
    assert_same_bits(train(parameters, sparse, y, n_threads=1, input_scale=SCALE), expected)


@both_dtypes
@every_kind
def test_rows_are_read_where_they_lie(dtype, kind, tmp_path):
    """Read-only and memory-mapped rows serve as well, and nobody writes to them."""
    parameters = make_parameters((20, 12, 4), dtype)
    x, y = make_rows(70, 20, kind, 0.5), make_labels(70, 4)
    settings = {"input_scale": SCALE, "n_threads": 2}
    expected = train(parameters, x, y, **settings)
    if kind == "csr":
        for part in (x.data, x.indices, x.indptr):
            part.flags.writeable = False
        assert_same_bits(train(parameters, x, y, **settings), expected)
        return
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert_same_bits(train(parameters, mapped, y, **settings), expected)
    assert_array_equal(kernels.predict_proba(*parameters, mapped, SCALE),
                       kernels.predict_proba(*parameters, x, SCALE))  # fmt: skip
    x.flags.writeable = y.flags.writeable = False
    assert_same_bits(train(parameters, x, y, **settings), expected)


@both_dtypes
def test_parameters_go_in_and_out_between_epochs(dtype):
    """`export`, `load` and a new learning rate, over orders of any length, repeats among them."""
    x, y = make_rows(60, 20), make_labels(60, 5)
    orders = [np.arange(60), np.array([7]), np.array([3, 3, 3, 1] * 9), np.arange(59, 20, -1)]
    ends = []
    for engine in (kernels, reference):
        weights, biases = make_parameters((20, 18, 17, 5), dtype)
        losses = []
        with engine.Trainer(weights, biases, x, y, batch_size=8, n_threads=1) as trainer:
            for rate, order in zip((0.1, 0.2, 0.05, 0.3), orders, strict=True):
                before = weights[0].copy()
                trainer.learning_rate = rate
                losses.append(trainer.epoch(order))
                assert_array_equal(weights[0], before)
                trainer.export()
                assert np.any(weights[0] != before)
                weights[1] *= 2
                biases[0] -= 0.5
                trainer.load()
            trainer.export()
        ends.append([*weights, *biases, np.array(losses)])
    for got, expected in zip(*ends, strict=True):
        assert_close(got, expected, dtype, 200)


@both_dtypes
@pytest.mark.parametrize("skip_zeros", [False, True])
def test_divergence_shows(dtype, skip_zeros):
    rate = np.finfo(dtype).max / 100
    parameters = make_parameters((20, 12, 4), dtype)
    x, y = make_rows(70, 20, density=0.3), make_labels(70, 4)
    settings = {"learning_rate": float(rate), "lambda_reg": 0, "skip_zeros": skip_zeros}
    run = train(parameters, x, y, epochs=3, **settings)
    assert np.isnan(run.losses[-1])
    assert np.isnan(run.parameters.weights[0]).any()


def test_sums_that_overflow_are_only_infinite():
    """The loss and the weights of each step are finite, and not what they add up to."""
    sizes = (2, 2, 1)
    weights, biases = make_parameters(sizes, "float64")
    weights[0][:] = np.eye(2) * 1.2e154
    x, problem = np.zeros((4, 2)), Problem(loss="squared_error")
    biases[1][:] = 1.3e154
    trainer = kernels.Trainer(
        weights, biases, x, np.zeros((4, 1)), problem=problem, learning_rate=1e-300,
        lambda_reg=0.3, batch_size=1, with_penalty=True,
    )  # fmt: skip
    trainer.epoch(np.arange(4))
    assert trainer.mean_loss == math.inf
    assert trainer.penalty == math.inf


@both_dtypes
def test_loss_is_finite_for_large_logits(dtype):
    """Logits of 1e4: the probability underflows, and the loss is that of the smallest number."""
    parameters = make_parameters((4, 4, 3), dtype)
    parameters.weights[0][:], parameters.weights[1][:] = np.eye(4), np.eye(4, 3)
    x = np.eye(4, dtype=dtype)[:2] * 1e4
    for y, expected in [([0, 1], 0), ([1, 0], -np.log(np.finfo(dtype).tiny))]:
        run = train(parameters, x, np.array(y), epochs=1)
        assert_close(run.losses, [expected], dtype, 4)
        assert all(np.isfinite(array).all() for array in run.parameters.arrays())


@pytest.mark.parametrize("rate", [1e-42, 1e-50])
def test_loss_for_tiny_learning_rates(rate):
    parameters = make_parameters((20, 12, 4), "float32")
    x, y = make_rows(70, 20), make_labels(70, 4)
    got = train(parameters, x, y, learning_rate=rate)
    expected = train(parameters, x, y, engine=reference, learning_rate=rate)
    assert_close(got.losses, expected.losses, "float32", 10)


@pytest.mark.parametrize("scale", [1e-50, 1e-44, 1e300])
def test_scales_out_of_range(scale):
    parameters = make_parameters((5, 4, 3), "float32")
    pixels, y = make_rows(10, 5, "uint8"), make_labels(10, 3)
    with pytest.raises(ValueError, match=r"^input_scale is .* give a value closer to 1"):
        train(parameters, pixels, y, input_scale=scale)
