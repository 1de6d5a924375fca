"""Arrays as rows and as labels: dtypes, shapes and layouts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastmlp.data.arrays import as_labels, as_rows

RANDOM = np.random.RandomState(0)
X = RANDOM.randint(0, 256, (5, 3, 4))
Y = np.array([7, 0, 9, 1, 1])


@pytest.mark.parametrize("dtype", ["u1", "<i2", ">i2", "u2", "i4", ">i4", "i8", "u8", ">u8"])
@pytest.mark.parametrize("shape", [(5, 12), (5, 3, 4), (5, 3, 4, 1)])
def test_whole_numbers_to_255_become_uint8(dtype: str, shape: tuple[int, ...]):
    rows, words = as_rows(X.astype(dtype).reshape(shape), "x")
    assert rows.dtype == np.uint8
    assert rows.flags.c_contiguous
    assert_array_equal(rows, X.reshape(5, 12))
    assert words == (() if len(shape) == 2 else ("images of 3x4 as rows",))


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f4", "f8", ">f8"])
def test_floats_stay_floats(dtype: str):
    rows, _ = as_rows(X.astype(dtype), "x")
    assert rows.dtype == np.dtype(dtype).newbyteorder("=")
    assert rows.dtype.isnative
    assert_array_equal(rows, X.reshape(5, 12))


@pytest.mark.parametrize("value", [-1, 256])
def test_whole_numbers_beyond_255_keep_their_dtype(value: int):
    x = X.astype(">i4")
    x[4, 2, 3] = value
    rows, _ = as_rows(x, "x")
    assert rows.dtype == np.int32
    assert rows.dtype.isnative
    assert_array_equal(rows, x.reshape(5, 12))


def test_bools():
    rows, _ = as_rows(X > 99, "x")
    assert rows.dtype == np.uint8
    assert_array_equal(rows, X.reshape(5, 12) > 99)


def test_layouts():
    for x in (np.asfortranarray(X), X[:, ::-1, ::2], np.broadcast_to(X[:1], X.shape)):
        before = x.copy()
        assert_array_equal(as_rows(x, "x")[0], before.reshape(5, -1))
        assert_array_equal(x, before)


def test_colours_are_features():
    x = RANDOM.randint(0, 256, (2, 3, 3, 3))
    rows, words = as_rows(x, "x")
    assert_array_equal(rows, x.reshape(2, 27))
    assert words == ("images of 3x3x3 as rows",)


@pytest.mark.parametrize(
    ("x", "named"),
    [
        (X.astype(object), "x has dtype object: give real numbers"),
        (X.astype("U3"), "x has dtype <U3: give"),
        (X.astype(complex), "x has dtype complex128: give"),
        (Y, r"x has the shape \(5,\): give one row"),
        (np.array(3), r"x has the shape \(\): give one row"),
        (X[:0], "x holds no pixels: give"),
        (X[:, :0], "x holds no pixels: give"),
    ],
)
def test_invalid_rows(x: np.ndarray, named: str):
    with pytest.raises(ValueError, match=f"^{named}"):
        as_rows(x, "x")


@pytest.mark.parametrize("dtype", ["u1", "i1", ">i2", ">i4", "i8", "u8", "f2", "f4", ">f8"])
@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_labels_of_any_dtype(dtype: str, shape: tuple[int, ...]):
    labels, words = as_labels(Y.astype(dtype).reshape(shape), "y")
    assert labels.dtype == np.int64
    assert_array_equal(labels, Y)
    assert words == ()


@pytest.mark.parametrize("dtype", [bool, "u1", ">i4", "f4", "f8"])
def test_one_hot_labels(dtype: str):
    labels, words = as_labels(np.eye(10, dtype=dtype)[Y], "y")
    assert labels.dtype == np.int64
    assert_array_equal(labels, Y)
    assert words == ("one-hot labels as numbers",)


@pytest.mark.parametrize("words", [np.array(["cat", "dog"]), np.array([b"cat", b"dog"])])
def test_words(words: np.ndarray):
    assert as_labels(words, "y")[0].tolist() == ["cat", "dog"]


@pytest.mark.parametrize(
    ("y", "named"),
    [
        (X, r"y has the shape \(5, 3, 4\): give one label"),
        (np.array(3), r"y has the shape \(\): give one label"),
        (np.eye(3) * 0.5, r"y has the shape \(3, 3\), and its rows are not one-hot: give"),
        (np.array([[1, 2], [1, 0]]), r"y has the shape \(2, 2\), and its rows are not one-hot"),
        (np.ones((3, 3)), r"y has the shape \(3, 3\), and its rows are not one-hot: give"),
        (np.zeros((3, 3)), r"y has the shape \(3, 3\), and its rows are not one-hot: give"),
        (np.array([1, 2.5]), "y holds what is no whole number: give"),
        (np.array([1, np.nan]), "y holds what is no whole number: give"),
        (np.array([1, np.inf]), "y holds what is no whole number: give"),
        (np.array([1, 1e30]), "y holds what is no whole number: give"),
        (np.array([2**63], "u8"), "y holds the label 9223372036854775808: give"),
        (np.array([None]), "y has dtype object: give labels"),
        (np.array([1j]), "y has dtype complex128: give labels"),
    ],
)
def test_invalid_labels(y: np.ndarray, named: str):
    with pytest.raises(ValueError, match=f"^{named}"):
        as_labels(y, "y")
