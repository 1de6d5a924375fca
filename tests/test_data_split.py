"""train_val_split: the rows of the tutorial's script, without its global generator."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastmlp.data import train_val_split

X = np.arange(35, dtype=np.uint8).reshape(7, 5)
Y = np.arange(7)


@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize(("n", "fraction"), [(2, 0.5), (7, 0.2), (1000, 0.2), (1003, 0.35)])
def test_rows_and_stream_are_those_of_the_script(n: int, fraction: float, seed: int):
    x, y = np.random.rand(n, 3), np.random.randint(0, 10, n)
    data = np.asfortranarray(np.column_stack([y, x]))  # the layout that a DataFrame gives
    np.random.seed(seed)
    np.random.shuffle(data)
    cutoff = int(len(data) * fraction)
    val, train = data[:cutoff], data[cutoff:]
    continued = np.random.randn(5)

    stream = np.random.RandomState(seed)
    for random_state in (seed, stream):
        x_train, y_train, x_val, y_val = train_val_split(x, y, fraction, random_state)
        assert_array_equal(x_train, train[:, 1:])
        assert_array_equal(y_train, train[:, 0])
        assert_array_equal(x_val, val[:, 1:])
        assert_array_equal(y_val, val[:, 0])
    assert_array_equal(stream.randn(5), continued)


def test_defaults_dtypes_and_what_stays_untouched():
    before = np.random.get_state()[1].copy()
    x, y = X.copy(), Y.copy()
    x_train, y_train, x_val, y_val = train_val_split(x, y)
    assert (len(x_train), len(y_train), len(x_val), len(y_val)) == (6, 6, 1, 1)
    assert x_train.dtype == x_val.dtype == np.uint8
    assert x_train.flags.c_contiguous
    assert_array_equal(x, X)
    assert_array_equal(y, Y)
    assert_array_equal(np.random.get_state()[1], before)
    assert_array_equal(train_val_split(x, y, 0.2, 42)[0], x_train)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, np.nan, np.inf])
def test_fraction_that_makes_no_sense(fraction: float):
    with pytest.raises(ValueError, match=r"val_fraction is .*: give a number between 0 and 1"):
        train_val_split(X, Y, fraction)


@pytest.mark.parametrize("fraction", ["0.2", True, None])
def test_fraction_that_is_no_number(fraction: object):
    with pytest.raises(TypeError, match=r"val_fraction is .*: give a number between 0 and 1"):
        train_val_split(X, Y, fraction)


def test_too_few_rows():
    with pytest.raises(ValueError, match="of 4 rows leaves none for validation: give a larger"):
        train_val_split(X[:4], Y[:4])


def test_lengths_that_differ():
    with pytest.raises(ValueError, match="x has 7 rows, y has 6 labels: give one label"):
        train_val_split(X, Y[:-1])


@pytest.mark.parametrize(
    ("random_state", "error"), [(None, TypeError), ("42", TypeError), (-1, ValueError)]
)
def test_bad_random_state(random_state: object, error: type[Exception]):
    with pytest.raises(error, match="random_state is"):
        train_val_split(X, Y, 0.2, random_state)
