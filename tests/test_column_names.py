"""Frames whose columns have names: in another order, too few, too many, and without names again."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from network_tools import X8, Y, assert_same_parameters, make_network
from numpy.testing import assert_array_equal
from test_model_file import rewrite_metadata

from fastmlp import MLPClassifier, checks

NAMES = tuple(f"{colour} {i}" for i in range(4) for colour in ("red", "green", "blue"))
FRAME = pd.DataFrame(X8, columns=NAMES)
OTHER = FRAME[list(NAMES[::-1])]
BY_NAME = "has its columns in another order than the network was trained on: they are taken by"


class Named:
    """What polars' frames and pyarrow's tables are here: an array, and names."""

    def __init__(self, frame: pd.DataFrame, attribute: str) -> None:
        self.values = frame.to_numpy()
        setattr(self, attribute, list(frame.columns))

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.values


CONTAINERS = {
    "pandas": lambda frame: frame,
    "several types": lambda frame: frame.astype({NAMES[0]: "float64", NAMES[5]: "Int64"}),
    "columns": lambda frame: Named(frame, "columns"),
    "column_names": lambda frame: Named(frame, "column_names"),
}


@pytest.fixture
def network(mlp_class: Any) -> Any:
    network = make_network(mlp_class, input_scale=255)
    assert network.feature_names is None
    network.train(FRAME, Y, 2, verbose=False)
    assert network.feature_names == NAMES
    return network


@pytest.mark.parametrize("container", CONTAINERS)
def test_columns_in_another_order_are_taken_by_name_with_a_word(
    network: Any, container: str
) -> None:
    other = CONTAINERS[container](OTHER)
    for method in (network.predict, network.predict_proba, network.forward):
        expected = method(X8)
        with pytest.warns(UserWarning, match=f"^x {BY_NAME}") as caught:
            found = method(other)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        assert_array_equal(np.hstack(found), np.hstack(expected))
    with pytest.warns(UserWarning, match=BY_NAME):
        assert network.score(other, Y) == network.score(X8, Y)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda x: x.drop(columns="red 1"), "x lacks the column 'red 1': give"),
        (lambda x: x.assign(label=1), "x has the column 'label': give"),
        (
            lambda x: x.rename(columns={"red 1": "rot", "red 2": "rouge"}),
            "x lacks the columns 'red 1', 'red 2' and has the columns 'rot', 'rouge': give",
        ),
        (
            lambda x: x.set_axis(["red 1", "red 1", *NAMES[2:]], axis=1),
            "x has two columns named 'r",
        ),
        (lambda x: x.add_prefix("a"), r"'red 1', 'green 1' and 7 more and has .* and 7 more: give"),
    ],
)
def test_missing_and_new_columns_are_refused_by_name(
    network: Any, change: Any, problem: str
) -> None:
    x = change(FRAME)
    with pytest.raises(ValueError, match=problem):
        network.predict(x)
    with pytest.raises(ValueError, match=r"^validation_data\[0\] (lacks|has)"):
        network.train(FRAME, Y, 1, verbose=False, validation_data=(x, Y))


def test_without_names_columns_go_by_position(network: Any) -> None:
    expected = network.predict(X8)
    backwards = pd.DataFrame(X8, columns=range(len(NAMES))[::-1])
    for x in (X8, X8.tolist(), backwards, backwards.rename(columns={3: "three"}),
              backwards.rename(columns=lambda i: f"{len(NAMES) - i}")):  # fmt: skip
        assert_array_equal(network.predict(x), expected)
    network.train(X8, Y, 1, verbose=False)
    assert network.feature_names is None
    assert_array_equal(network.predict(OTHER), network.predict(OTHER.to_numpy()))


def test_training_goes_by_the_names_too(network: Any) -> None:
    plain = copy.deepcopy(network)
    assert plain.feature_names == NAMES
    plain.train(FRAME, Y, 1, verbose=False, validation_data=(X8, Y))
    with pytest.warns(UserWarning, match=f"^x_train {BY_NAME}") as caught:
        network.train(OTHER, Y, 1, verbose=False, validation_data=(OTHER, Y))
    assert len(caught) == 1
    assert network.feature_names == NAMES
    assert_same_parameters(network, plain, rtol=0, atol=0)
    assert network.history_.val_loss == plain.history_.val_loss
    with pytest.warns(UserWarning, match=r"^validation_data\[0\] has its columns"):
        network.train(FRAME, Y, 1, verbose=False, validation_data=(OTHER, Y))
    renamed = FRAME.add_prefix("a ")
    network.train(renamed, Y, 1, verbose=False)  # another table: its names are new
    assert network.feature_names == tuple(renamed.columns)


def test_two_columns_of_one_name_have_none(mlp_class: Any) -> None:
    network = make_network(mlp_class)
    network.train(FRAME.set_axis([*NAMES[1:], NAMES[1]], axis=1), Y, 1, verbose=False)
    assert network.feature_names is None


def test_a_failed_training_leaves_the_names(network: Any) -> None:
    with pytest.raises(ValueError, match="y_train"):
        network.train(FRAME.add_prefix("a "), Y[1:], 1, verbose=False)
    assert network.feature_names == NAMES


def test_files_and_pickles_keep_the_names(network: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    network.save(path)
    for loaded in (type(network).load(path), pickle.loads(pickle.dumps(network))):
        assert loaded.feature_names == NAMES
        with pytest.warns(UserWarning, match=BY_NAME):
            assert_array_equal(loaded.predict(OTHER), network.predict(X8))
    for version in "12":  # as older ones have written them
        rewrite_metadata(path, format_version=version, feature_names=None)
        loaded = type(network).load(path)
        assert loaded.feature_names is None
        assert_array_equal(loaded.predict(OTHER), network.predict(OTHER.to_numpy()))


@pytest.mark.parametrize("names", ["{}", '"abcdefghijkl"', '["a"]', "[1,2,3,4,5,6,7,8,9,10,11,12]",
                                   str(["a"] * 12).replace("'", '"'), "1"])  # fmt: skip
def test_names_in_a_file_are_checked(network: Any, tmp_path: Path, names: str) -> None:
    path = tmp_path / "m.safetensors"
    network.save(path)
    rewrite_metadata(path, feature_names=names)
    with pytest.raises(ValueError, match=r"are damaged \(feature_names are"):
        type(network).load(path)


def test_names_that_were_assigned_are_checked(network: Any, tmp_path: Path) -> None:
    network.feature_names = ["a", ["b"]]
    for use in (
        lambda: network.predict(FRAME),
        lambda: network.save(tmp_path / "m"),
        lambda: network.train(FRAME, Y, 1, verbose=False),
    ):
        with pytest.raises(ValueError, match=r"^feature_names are .*: give a string for each"):
            use()
    assert_array_equal(network.predict(X8), network.predict(X8.tolist()))


def test_names_that_only_count_the_columns() -> None:
    """A table of which the first column was the label counts on from there."""
    assert checks.order_of(["0", "1", "2"], ["1", "2", "3"]) is None
    assert checks.order_of(["a", "b"], ["0", "1"]) is None
    assert_array_equal(checks.order_of(["2", "0", "1"], ["0", "1", "2"]), [1, 2, 0])
    with pytest.raises(ValueError, match="lacks the column '5' and has the column '4'"):
        checks.order_of(["1", "2", "4"], ["1", "2", "5"])


def test_estimators_refuse_other_columns_from_a_file_too(tmp_path: Path) -> None:
    estimator = MLPClassifier(4, max_iter=2, solver="sgd", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(FRAME, Y)
    estimator.save(tmp_path / "m")
    for classifier in (estimator, MLPClassifier.load(tmp_path / "m")):
        classifier.predict(FRAME)
        for x in (OTHER, FRAME.rename(columns={"red 1": "rot"}), FRAME.assign(label=1)):
            for method in (classifier.predict, classifier.predict_proba):
                with pytest.raises(ValueError, match="feature names should match"):
                    method(x)
            with pytest.raises(ValueError, match="feature names should match"):
                classifier.partial_fit(x, Y)
