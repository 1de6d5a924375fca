"""Rows and labels of any kind, layout and type lead both classes to the same results."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from network_tools import (
    X8,
    X,
    Y,
    assert_same_parameters,
    make_network,
    parameters,
)
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import reference


@pytest.mark.parametrize(
    ("x", "dtype", "expected"),
    [
        (X8, None, "float32"),
        (X.astype("f4"), None, "float32"),
        (X.astype(">f4"), None, "float32"),
        (X, None, "float64"),
        (X8.astype("i8"), None, "float64"),
        (X8 > 0, None, "float64"),
        (X.astype("f2"), None, "float64"),
        (X8, "float64", "float64"),
        (X, np.float32, "float32"),
    ],
)
def test_dtype_of_training(mlp_class, x, dtype, expected):
    network = make_network(mlp_class, dtype=dtype)
    assert {a.dtype.name for a in parameters(network)} == {expected if dtype else "float64"}
    network.train(x, Y, 1, verbose=False)
    assert {a.dtype.name for a in parameters(network)} == {expected}
    assert network.predict_proba(x).dtype == expected
    assert {a.dtype.name for a in network.forward(x)} == {expected}


def layouts(x):
    strided = np.zeros((2 * len(x), x.shape[1] + 3), x.dtype)
    strided[::2, 3:] = x
    read_only = x.copy()
    read_only.setflags(write=False)
    return {
        "fortran": np.asfortranarray(x),
        "strided": strided[::2, 3:],
        "reversed": x[::-1].copy()[::-1],
        "read_only": read_only,
        "big_endian": x.astype(x.dtype.newbyteorder(">")),
        "list": x.tolist(),
        "frame": pd.DataFrame(x),
        "object": x.astype(object),
    }


@pytest.mark.parametrize("layout", layouts(X))
def test_layouts_give_the_same_results(mlp_class, layout):
    plain, other = make_network(mlp_class), make_network(mlp_class)
    plain.train(X, Y, 2, verbose=False, validation_data=(X, Y))
    given = layouts(X)[layout]
    other.train(given, Y, 2, verbose=False, validation_data=(given, Y))
    assert_same_parameters(plain, other, rtol=0, atol=0)
    assert plain.history_.val_accuracy == other.history_.val_accuracy
    assert_array_equal(plain.predict(X), other.predict(given))
    assert plain.score(X, Y) == other.score(given, Y)


def test_memory_mapped_rows_give_the_same_results(mlp_class, tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    plain, other = make_network(mlp_class), make_network(mlp_class)
    plain.train(X, Y, 2, verbose=False)
    other.train(mapped, Y, 2, verbose=False)
    assert_same_parameters(plain, other, rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["f2", "i8", ">i2", "u4", "object"])
def test_number_types_give_the_same_results(mlp_class, kind):
    """Whole numbers up to 255 are exact in all of these."""
    plain, other = (make_network(mlp_class, learning_rate=1e-5) for _ in range(2))
    plain.train(X8.astype(np.float64), Y, 2, verbose=False)
    other.train(X8.astype(kind), Y, 2, verbose=False)
    assert_same_parameters(plain, other, rtol=0, atol=0)


@pytest.mark.parametrize(
    "make",
    [list, tuple, pd.Series, lambda y: y.astype(np.uint8), lambda y: y.astype(">f4")],
)
def test_label_types_give_the_same_results(mlp_class, make):
    plain, other = make_network(mlp_class), make_network(mlp_class)
    plain.train(X, Y, 2, verbose=False)
    other.train(X, make(Y), 2, verbose=False)
    assert_same_parameters(plain, other, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_input_scale_has_the_bits_of_a_division(mlp_class, dtype):
    scaled = make_network(mlp_class, dtype=dtype, input_scale=255)
    scaled.train(X8, Y, 2, verbose=False)
    for x in (X8 / np.dtype(dtype).type(255), X8.astype(np.int64)):
        other = make_network(mlp_class, dtype=dtype, input_scale=255)
        other.train(x, Y, 2, verbose=False)
        assert_same_parameters(scaled, other, rtol=0, atol=0)
        assert_array_equal(scaled.predict_proba(X8), other.predict_proba(x))


def test_callers_arrays_are_never_changed(mlp_class):
    x8, x, y = X8.copy(), X.copy(), Y.copy()
    network = make_network(mlp_class, input_scale=255, learning_rate=0.1)
    w1, b2 = network.w1 + 1, network.b2 + 1
    network.w1, network.b2 = given = w1.copy(), b2.copy()
    network.train(x, y, 2, verbose=False)
    network.train(x8, y, 2, verbose=False, validation_data=(x8, y))
    a1, a2 = network.forward(x)
    kept = a1.copy(), a2.copy()
    network.update_weights(*network.backward(x, y, a1, a2))
    for array, original in zip((x8, x, y, *given, a1, a2), (X8, X, Y, w1, b2, *kept), strict=True):
        assert_array_equal(array, original)


def test_a_last_short_batch_and_a_batch_larger_than_the_rows(mlp_class):
    for n_rows, batch_size in [(1, 64), (5, 4), (65, 64), (3, 1)]:
        network = make_network(mlp_class)
        expected = make_network(reference.MLP)
        network.train(X[:n_rows], Y[:n_rows], 2, batch_size, verbose=False)
        expected.train(X[:n_rows], Y[:n_rows], 2, batch_size, verbose=False)
        assert_same_parameters(network, expected)


@pytest.mark.parametrize("kind", ["csr_matrix", "csr_array", "csc_array", "coo_matrix"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int64])
def test_sparse_rows_give_the_same_results(mlp_class, kind, dtype):
    sparse = pytest.importorskip("scipy.sparse")
    rows = getattr(sparse, kind)(X8.astype(dtype))
    plain, other = (make_network(mlp_class, learning_rate=1e-5) for _ in range(2))
    plain.train(X8.astype(dtype), Y, 2, verbose=False)
    other.train(rows, Y, 2, verbose=False, validation_data=(rows, Y))
    assert_same_parameters(plain, other)
    assert_allclose(other.predict_proba(rows), plain.predict_proba(X8.astype(dtype)), rtol=1e-6)
