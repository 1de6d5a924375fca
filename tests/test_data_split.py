"""train_val_split: the rows of the tutorial's script, without its global generator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
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


SPLIT_Y = np.arange(35) % 10
FRAME = pd.DataFrame(np.arange(175, dtype=np.uint8).reshape(35, 5), index=np.arange(35)[::-1])
CONTAINERS = {
    "frame": lambda x: pd.DataFrame(x),
    "frame with a reversed index": lambda x: pd.DataFrame(x, index=range(len(x))[::-1]),
    "frame with a shuffled index": lambda x: pd.DataFrame(
        x, index=np.random.RandomState(0).permutation(len(x))
    ),
    "frame with one index for all": lambda x: pd.DataFrame(x, index=[7] * len(x)),
    "frame with words for an index": lambda x: pd.DataFrame(
        x, index=[f"r{i}" for i in range(len(x))]
    ),
    "list": lambda x: x.tolist(),
    "tuple": lambda x: tuple(x.tolist()),
    "csr": lambda x: pytest.importorskip("scipy.sparse").csr_array(x),
    "csc": lambda x: pytest.importorskip("scipy.sparse").csc_matrix(x),
    "coo": lambda x: pytest.importorskip("scipy.sparse").coo_array(x),
    "dok": lambda x: pytest.importorskip("scipy.sparse").dok_array(x),
    "bsr": lambda x: pytest.importorskip("scipy.sparse").bsr_array(x),
    "fortran": np.asfortranarray,
}
LABELS = {
    "array": lambda y: y,
    "series": lambda y: pd.Series(y),
    "reversed series": lambda y: pd.Series(y, index=range(len(y))[::-1]),
    "shuffled series": lambda y: pd.Series(y, index=np.random.RandomState(1).permutation(len(y))),
    "list": lambda y: y.tolist(),
    "category": lambda y: pd.Categorical(y),
    "index": lambda y: pd.Index(y),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("labels", LABELS)
def test_rows_are_taken_by_position(container: str, labels: str):
    x = FRAME.to_numpy()
    expected = train_val_split(x, SPLIT_Y)
    got = train_val_split(CONTAINERS[container](x), LABELS[labels](SPLIT_Y))
    for part, plain in zip(got, expected, strict=True):
        assert_array_equal(part.toarray() if hasattr(part, "toarray") else np.asarray(part), plain)


def test_memory_mapped_rows(tmp_path: Path):
    x = FRAME.to_numpy()
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for part, plain in zip(
        train_val_split(mapped, SPLIT_Y), train_val_split(x, SPLIT_Y), strict=True
    ):
        assert_array_equal(part, plain)


@pytest.mark.parametrize("x", [None, {1, 2}, 3, {"a": [1]}, (row for row in X)])
def test_arguments_without_rows(x: object):
    with pytest.raises(TypeError, match=r"^x is "):
        train_val_split(x, Y)
