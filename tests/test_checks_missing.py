"""Missing targets, among numbers or words, in any container: refused, with their row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from estimator_tools import quiet
from network_tools import NUMBERS, X, Y, make_network
from scipy import sparse

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor, checks

MISSING = {
    "None": None,
    "nan": float("nan"),
    "float32": np.float32("nan"),
    "NA": pd.NA,
    "NaT": pd.NaT,
}
WORDS = np.array(["cat", "dog", "owl"])[Y]
LABELS = {"words": WORDS.tolist(), "numbers": Y.tolist(), "floats": Y.astype(float).tolist()}
ROW = 7


def make_object_array(values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "object array": make_object_array,
    "series": lambda values: pd.Series(values, dtype=object),
    "category": lambda values: pd.Series(values, dtype="category"),
    "column": lambda values: pd.DataFrame({"y": pd.Series(values, dtype=object)}),
}
TYPED = {
    "string": lambda: pd.Series(with_missing("words", None), dtype="string"),
    "Int64": lambda: pd.Series(with_missing("numbers", None), dtype="Int64"),
    "float array": lambda: np.array(with_missing("numbers", np.nan), float),
    "masked": lambda: np.ma.masked_array(Y, np.arange(len(Y)) == ROW),
    "dates": lambda: pd.Series(pd.date_range("2020", periods=len(Y))).where(
        np.arange(len(Y)) != ROW
    ),
}


def with_missing(kind, value):
    return [*LABELS[kind][:ROW], value, *LABELS[kind][ROW + 1 :]]


def check_everywhere(y, kind):
    """Refused by whoever is given targets; nothing is trained."""
    known = LABELS[kind]
    fitted = quiet(MLPClassifier((3,), max_iter=1), X, known)
    classes = sorted({*known})
    regressor = quiet(MLPRegressor(hidden_layer_sizes=(3,), max_iter=1), X, NUMBERS[:, 0])
    for call in (
        lambda: MLPClassifier((3,)).fit(X, y),
        lambda: MLPClassifier((3,)).partial_fit(X, y, classes=classes),
        lambda: fitted.partial_fit(X, y),
        lambda: fitted.score(X, y),
        lambda: MLPClassifier((3,)).fit(X, known, X_val=X, y_val=y),
        lambda: MLPRegressor(hidden_layer_sizes=(3,)).fit(X, y),
        lambda: regressor.score(X, y),
    ):
        with pytest.raises(
            ValueError, match=rf"\by (holds a missing value|is masked).* row {ROW}\b"
        ):
            call()
    network, names = make_network(fastmlp.MLP), {"class_names": ["cat", "dog", "owl"]}
    numbers = make_network(fastmlp.MLP, loss="squared_error")
    for call, name in (
        (lambda: network.train(X, y, verbose=False), "y_train"),
        (lambda: network.train(X, y, verbose=False, **names), "y_train"),
        (lambda: network.train(X, Y, verbose=False, validation_data=(X, y), **names), "val"),
        (lambda: network.score(X, y), "y"),
        (lambda: numbers.train(X, y, verbose=False), "y_train"),
    ):
        with pytest.raises(ValueError, match=rf"^{name}.* in row {ROW}\b"):
            call()
    assert len(network.history_.loss) == 0


@pytest.mark.parametrize("value", MISSING)
@pytest.mark.parametrize("kind", LABELS)
def test_missing_ones_in_lists(kind, value):
    check_everywhere(with_missing(kind, MISSING[value]), kind)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("kind", LABELS)
def test_missing_ones_in_containers(kind, container):
    check_everywhere(CONTAINERS[container](with_missing(kind, None)), kind)


@pytest.mark.parametrize("container", TYPED)
def test_missing_ones_in_typed_containers(container):
    check_everywhere(TYPED[container](), "words" if container == "string" else "numbers")


def test_missing_flags_of_several_labels():
    flags = [[0, 1, 1], [1, None, 0]] * 75
    with pytest.raises(
        ValueError, match=r"^y holds a missing value in row 1 \(counted from 0\), None: remove such"
    ):
        MLPClassifier((3,)).fit(X, flags)
    network = make_network(fastmlp.MLP, loss="binary_cross_entropy")
    with pytest.raises(
        ValueError, match=r"^y_train holds a missing value in row 1 \(counted from 0\), None: rem"
    ):
        network.train(X, flags, verbose=False)


def test_missing_classes():
    message = r"^classes holds a missing value in place 1 \(counted from 0\), None: leave it out$"
    with pytest.raises(ValueError, match=message):
        MLPClassifier((3,)).partial_fit(X, WORDS, classes=["cat", None, "owl"])


@pytest.mark.parametrize(
    "y",
    [
        ["nan", "None", "NaN", ""],  # words
        np.array(["nan", "b"]),
        [0, 1.5, True],
        [np.inf, -np.inf],
        [1j],
        sparse.csr_array([[0, 1]]),
        iter([None]),  # which stays as it is
        [[1, 2], [3]],
        [],
        None,
        5.0,
        [np.datetime64("2020"), np.timedelta64(3)],
        [object()],
    ],
)
def test_nothing_else_is_said_to_be_missing(y):
    checks.refuse_missing(y, "y")
    assert not hasattr(y, "__next__") or next(y) is None


class Counted(list):
    """A list that counts how often NumPy makes an array of it."""

    n_conversions = 0

    def __array__(self, dtype=None, copy=None):
        self.n_conversions += 1
        return np.array([*self], dtype)


@pytest.mark.parametrize("kind", LABELS)
def test_targets_in_lists_are_converted_once(kind):
    known, names = Counted(LABELS[kind]), {"class_names": ["cat", "dog", "owl"]}
    classes = sorted({*known})
    numbers = Counted(NUMBERS[:, 0].tolist())
    fitted = quiet(MLPClassifier((3,), max_iter=1), X, known[:])
    for call, y in (
        (lambda: quiet(MLPClassifier((3,), max_iter=1), X, known), known),
        (lambda: MLPClassifier((3,)).partial_fit(X, known, classes=classes), known),
        (lambda: fitted.score(X, known), known),
        (lambda: make_network(fastmlp.MLP).train(X, known, 1, verbose=False, **names), known),
        (lambda: quiet(MLPRegressor(hidden_layer_sizes=(3,), max_iter=1), X, numbers), numbers),
    ):
        y.n_conversions = 0
        call()
        assert y.n_conversions == (2 if y is known and kind == "words" else 1)  # once as objects
