"""Runs that fail: what is said, and what is left."""

from __future__ import annotations

import copy
import math
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from estimator_tools import load, quiet
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from fastmlp import MLPClassifier, MLPRegressor

DIVERGED = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_divergence(solver):
    x, y = load("diabetes")
    settings = {"solver": solver, "activation": "identity", "learning_rate_init": 1e3}
    if solver == "lbfgs":
        x = x * 1e300
    model = MLPRegressor(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=DIVERGED) as caught:
            model.fit(x, y)
    assert "epoch" in str(caught.value)
    assert "StandardScaler" in str(caught.value)
    assert not hasattr(model, "coefs_")
    with pytest.raises(NotFittedError):
        model.predict(x)


def test_only_the_loss_is_not_finite():
    x, y = load("diabetes")
    model = MLPRegressor(learning_rate_init=1e-300, dtype="float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=f"{DIVERGED} In epoch 1 the loss"):
            model.fit(x, y * 1e30)


def test_divergence_in_partial_fit_keeps_the_weights():
    x, y = load("diabetes")
    model = MLPRegressor(solver="sgd", activation="identity").partial_fit(x, y)
    before = [w.copy() for w in model.coefs_]
    with pytest.raises(ValueError, match=DIVERGED):
        model.set_params(batch_size=1).partial_fit(x * 1e200, y)
    assert (len(model.loss_curve_), model.t_) == (1, len(x))
    assert model.loss_ == model.loss_curve_[0]
    for a, b in zip(model.coefs_, before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("seed", [0, 8, 12])  # from the last two, squares of outputs overflow
def test_divergence_under_early_stopping(seed):
    x, y = load("diabetes")
    model = MLPRegressor(
        solver="sgd", activation="identity", learning_rate_init=1.0, early_stopping=True,
        random_state=seed,
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning, match="diverged, and the best weights before are kept"):
        model.fit(x, y)
    assert math.isnan(model.validation_scores_[-1])
    assert all(np.isfinite(w).all() for w in model.coefs_)


def test_a_fit_that_fails_changes_no_weight():
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2), x, y)
    before = [w.copy() for w in model.coefs_]
    with pytest.raises(ValueError, match="X_val and y_val"):
        model.fit(x, y, X_val=x[:, :3], y_val=y)
    with pytest.raises(ValueError, match="validation set is too small"):
        model.set_params(early_stopping=True, validation_fraction=0.001).fit(x, y)
    for a, b in zip(model.coefs_, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_negative_counts():
    with pytest.raises(ValueError, match="loss='poisson': give y >= 0"):
        MLPRegressor(loss="poisson").fit([[1.0], [2.0]], [1.0, -1.0])


def test_targets_that_are_no_numbers():
    x = np.arange(8.0).reshape(4, 2)
    for y in (np.array(["1", "2", "3", "4"]), np.arange(4).astype("M8[D]")):
        with pytest.raises(ValueError, match="no real numbers: give integers or floats"):
            MLPRegressor().fit(x, y)
    with pytest.raises(TypeError, match="y is a sparse matrix: give a dense one"):
        MLPRegressor().fit(x, csr_array(x))


DAYS = pd.date_range("2026-01-01", periods=4).to_series(index=range(4))
SPANS = DAYS - pd.Timestamp("2025-01-01")
TIMES = {
    "datetimes": pd.DataFrame({"when": DAYS, "then": DAYS}),
    "NaT": pd.DataFrame({"when": DAYS.where(DAYS.index > 0), "then": DAYS}),
    "time zone": pd.DataFrame({"when": DAYS.dt.tz_localize("UTC"), "then": DAYS}),
    "timedeltas": pd.DataFrame({"when": SPANS, "then": SPANS}),
    "both": pd.DataFrame({"when": DAYS, "then": SPANS}),
    "numbers too": pd.DataFrame({"number": [1.0] * 4, "when": DAYS}),
    "one name": pd.concat([DAYS, SPANS], axis=1, keys=["when", "when"]),
    "categories": pd.DataFrame({"when": DAYS.astype("category"), "number": [1.0] * 4}),
    "array": np.stack([DAYS.to_numpy()] * 2, axis=1),
    "NaT in an array": np.full((4, 2), np.timedelta64("NaT", "s")),
    "list": [[np.timedelta64(3, "D"), 1.0]] * 4,
    "cells": np.array([[np.datetime64("2026-01-01"), 1.0]] * 4, object),
}
TIMES["cells of a frame"] = pd.DataFrame(TIMES["cells"], columns=["when", "number"])
TIMES["table"] = pa.table({"when": DAYS.to_numpy(), "number": [1.0] * 4})
TIMES["table of timedeltas"] = pa.table({"when": SPANS.to_numpy(), "then": SPANS.to_numpy()})
TIMES["table of categories"] = TIMES["table"].set_column(
    0, "when", TIMES["table"]["when"].dictionary_encode()
)


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("estimator_class", [MLPClassifier, MLPRegressor])
def test_dates_and_times_are_no_numbers(name, estimator_class):
    times, y = TIMES[name], np.arange(4)
    model = quiet(estimator_class(max_iter=1), np.arange(8.0).reshape(4, 2), y)
    expected = [w.copy() for w in model.coefs_]
    for call in (
        lambda: model.fit(times, y),
        lambda: model.partial_fit(times, y),
        lambda: model.predict(times),
        lambda: model.fit(np.ones((4, 2)), y, X_val=times, y_val=y),
    ):
        with pytest.raises(
            TypeError, match=r"X holds .*(date|time|duration).* values.*turn (it|them) into"
        ):
            call()
    np.testing.assert_array_equal(model.coefs_[0], expected[0])


class Polars:
    """What polars' frames have in common with pandas', and what not."""

    class Datetime:
        def is_temporal(self):
            return True

        def __str__(self):
            return "Datetime"

    columns, dtypes = ["number", "when"], [None, Datetime()]
    shape = 4, 2

    def __array__(self, dtype=None, copy=None):
        return np.ones((4, 2))  # of times, these are counts


def test_columns_of_polars():
    model = quiet(MLPRegressor(max_iter=1), np.ones((4, 2)), np.ones(4))
    for call in (lambda: model.predict(Polars()), lambda: model.fit(Polars(), np.ones(4))):
        with pytest.raises(TypeError, match="X holds Datetime values in its column 'when'"):
            call()


def test_targets_of_times_among_objects():
    y = np.array([np.timedelta64(i, "D") for i in range(4)], object)
    with pytest.raises(TypeError, match=r"y holds timedelta64\[D\] values: turn them into numbers"):
        MLPRegressor().fit(np.ones((4, 2)), y)


@pytest.mark.parametrize("make", [list, np.array])
def test_weights_of_times(make):
    weights = make([np.timedelta64(i, "D") for i in range(4)])
    for call in (MLPClassifier().fit, MLPRegressor().fit, MLPRegressor().partial_fit):
        with pytest.raises(TypeError, match=r"sample_weight holds timedelta64\[D\] values: turn"):
            call(np.ones((4, 2)), np.arange(4), weights)


class Rubbish(np.random.RandomState):
    """A generator with one method that does something else."""

    def __init__(self, method, action):
        super().__init__(0)
        setattr(self, method, action)


def leave(value):
    def shuffle(order):
        order[...] = value

    return shuffle


HELD_OUT = {"early_stopping": True, "stratify": False}
RUBBISH = [
    ("shuffle", leave(10**12), {}),
    ("shuffle", leave(-(10**12)), {"batch_size": 7}),
    ("shuffle", leave(0), {"solver": "sgd"}),
    ("permutation", lambda n: np.full(n, 10**12), HELD_OUT),
    ("permutation", lambda n: np.zeros(n, int), HELD_OUT),
    ("permutation", lambda n: np.arange(0), HELD_OUT),
    ("permutation", lambda n: np.zeros_like(n), {"early_stopping": True}),
    ("uniform", lambda low, high, size: np.zeros(3), {}),
    ("uniform", lambda low, high, size: 0.5, {}),
    ("randint", lambda low, high: -5, {"dropout": 0.5}),
    ("randint", lambda low, high: 2**70, {"dropout": 0.5}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "action", "settings"), RUBBISH)
def test_generators_that_return_anything(method, action, settings):
    x, y = load("cancer")
    model = MLPClassifier(max_iter=20, random_state=Rubbish(method, action), **settings)
    with pytest.raises(ValueError, match=f"random_state is a Rubbish, whose {method} does not do"):
        model.fit(x, y)
    assert not hasattr(model, "coefs_")


def test_generators_of_another_class_that_do_the_same():
    x, y = load("cancer")
    settings = {"max_iter": 20, "early_stopping": True, "dropout": 0.1}
    generators = np.random.RandomState(0), Rubbish("unused", None)
    one, other = (quiet(MLPClassifier(random_state=g, **settings), x, y) for g in generators)
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])


def test_settings_within_settings():
    x, y = load("wine")
    with pytest.raises(TypeError, match=r"hidden_layer_sizes is \(3,\): give a whole number"):
        MLPClassifier(hidden_layer_sizes=((3,),)).fit(x, y)
    model = quiet(MLPClassifier(max_iter=1), x, y).set_params(activation=5)
    with pytest.raises(TypeError, match="activation is 5: give names out of identity, "):
        model.predict(x)
    with pytest.raises(ValueError, match=r"activation holds \['relu'\]: give names"):
        MLPClassifier((3, 3), activation=[["relu"], "tanh"]).fit(x, y)


@pytest.mark.parametrize("estimator_class", [MLPClassifier, MLPRegressor])
def test_later_batches_are_checked_as_the_first(estimator_class):
    x, y = load("wine")
    first = {"classes": [0, 1, 2]} if estimator_class is MLPClassifier else {}
    model = estimator_class().partial_fit(x, y, **first)
    wide = np.hstack([x, x])
    for rows, targets, message in [
        (np.where(x > 2, np.nan, x), y, "Input X contains NaN"),
        (np.where(x > 2, np.inf, x), y, "Input X contains infinity"),
        (x, np.where(y == 0, np.nan, y), "y holds a missing value in row 0"),
        (x, np.where(y == 0, -np.inf, y), "Input y contains infinity"),
        (x, y[:5], "inconsistent numbers of samples"),
        (x[:0], y[:0], "Found array with 0 sample"),
        (wide, y, "X has 26 features"),
        (x, y[:0], "inconsistent numbers of samples|Found array with 0"),
        (x[0], y[:1], "Expected 2D array"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.partial_fit(rows, targets)
    again = estimator_class(random_state=0).partial_fit(x, y, **first)
    listed = estimator_class(random_state=0).partial_fit(x, y, **first)
    again.partial_fit(x, y)
    listed.partial_fit(x.tolist(), y.tolist())
    np.testing.assert_array_equal(again.coefs_[0], listed.coefs_[0])


@pytest.mark.parametrize("estimator_class", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("is_partial", [False, True])
def test_a_call_that_fails_leaves_all_as_it_was(estimator_class, is_partial):
    x, y = load("wine")
    table = pd.DataFrame(x, columns=[f"c{i}" for i in range(13)])
    model = estimator_class(max_iter=3, early_stopping=not is_partial, random_state=0)
    targets = np.array(["a", "b", "c"])[y] if estimator_class is MLPClassifier else np.eye(3)[y]
    quiet(model, table, targets)
    model.set_params(early_stopping=False)
    before = {k: copy.deepcopy(v) for k, v in vars(model).items() if k.endswith("_")}
    expected = model.predict(table)
    messages = "X_val and y_val|Negative values|infinity|not in `self|layers of|bytes|sparse"
    of_no_type = y.astype("S") if estimator_class is MLPClassifier else csr_array(targets)
    fails = [
        lambda: model.fit(x[:, :5], y % 2, X_val=x, y_val=y),
        lambda: model.fit(x[:, :5], y % 2, sample_weight=-np.ones(len(x))),
        lambda: model.fit(x[:, :5], y % 2, X_val=x[:, :5], y_val=np.full(len(x), np.inf)),
        lambda: model.fit(x[:, :5].copy(), of_no_type),
    ]
    if is_partial:
        fails = [
            lambda: model.partial_fit(table, y % 2),
            lambda: model.partial_fit(table * 1e300, targets, np.full(len(x), np.inf)),
        ]
    for fail in fails:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises((ValueError, TypeError), match=messages):
                fail()
        np.testing.assert_array_equal(model.predict(table), expected)
        after = {k: v for k, v in vars(model).items() if k.endswith("_")}
        assert after.keys() == before.keys()
        for name, value in before.items():
            assert repr(after[name]) == repr(value), name


def test_a_first_call_that_fails_leaves_nothing():
    x, y = load("diabetes")
    model = MLPRegressor(solver="sgd", activation="identity", learning_rate_init=1e3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=DIVERGED):
            model.fit(x, y)
    assert vars(model).keys() == vars(MLPRegressor()).keys()
