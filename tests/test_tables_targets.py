"""Targets, weights and predictions of TableClassifier and TableRegressor."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score
from tables_tools import (
    LABELS,
    NEW,
    NEW_LABELS,
    NEW_NUMBERS,
    NUMBERS,
    WEAK,
    X,
    both,
)

from fastmlp import TableClassifier, TableRegressor
from fastmlp.tables.temperature import log_loss, tempered


@both
def test_wrong_targets_are_refused_by_row(kind, y):
    for missing in (None, np.nan, pd.NA):
        holed = pd.Series(y, dtype=object)
        holed[7] = missing
        with pytest.raises(ValueError, match="row 7"):
            kind().fit(X, holed)
    with pytest.raises(ValueError, match=r"inf.* in row 3|continuous|infinity"):
        kind().fit(X, np.where(np.arange(len(X)) == 3, np.inf, 0.5))
    with pytest.raises(ValueError, match="inconsistent"):
        kind().fit(X, y[:9])
    with pytest.raises(ValueError, match=r"at least 2 rows|one class"):
        kind().fit(X[:1], y[:1])


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="one class only"):
        TableClassifier().fit(X, ["a"] * len(X))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([2, 5, 9]),
        np.array(["a", "b", "c"], object),
        np.array([True, False]),
        np.array([-1.0, 1.0]),
        pd.array([1, 2], "Int64"),
        pd.Categorical(["x", "y"]),
        pd.array(["s", "t"], "string"),
    ],
)
def test_labels_of_any_kind(labels):
    y = pd.Series(labels).iloc[np.arange(60) % len(labels)].reset_index(drop=True)
    x = pd.DataFrame({"a": np.arange(60) % len(labels), "b": np.arange(60.0)})
    model = TableClassifier(n_members=2, random_state=0).fit(x, y)
    assert set(model.predict(x)) <= set(labels)
    assert model.score(x, y) > 0.9


def test_classes_of_one_row():
    y = LABELS.astype(object)
    y[[3, 70]] = "rare", "rarer"
    model = TableClassifier(n_members=3, random_state=0).fit(X, y)
    assert model.classes_.tolist() == ["no", "rare", "rarer", "yes"]
    assert model.predict_proba(NEW).shape == (len(NEW), 4)


def test_many_classes():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 3))
    model = TableClassifier(n_members=2, random_state=0).fit(x, np.arange(600) % 300)
    np.testing.assert_allclose(model.predict_proba(x).sum(axis=1), 1)


@both
def test_few_rows(kind, y):
    for n_rows in (4, 50):
        rows = np.r_[: n_rows // 2, len(X) - n_rows // 2 : len(X)]
        target = np.where(np.arange(n_rows) % 2, "a", "b") if y is LABELS else y[rows]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            model = kind(random_state=0).fit(X.iloc[rows], target)
        assert len(model.members_) == min(5, n_rows)
        assert np.isfinite(model.predict_proba(NEW) if y is LABELS else model.predict(NEW)).all()


@both
def test_weights(kind, y):
    """Rows of a small weight hardly count: their targets are wrong, and nobody believes them."""
    wrong = np.arange(len(X)) % 2 == 0
    if y is LABELS:
        target = np.where(wrong, np.where(y == "yes", "no", "yes"), y)
    else:
        target = np.where(wrong, -y, y)
    weights = np.where(wrong, 1e-3, 1.0)
    model = kind(n_members=3, random_state=0).fit(X, target, weights)
    new = NEW_LABELS if y is LABELS else NEW_NUMBERS
    assert model.score(NEW, new) > WEAK[y is LABELS]
    with pytest.raises(ValueError, match="at least one non-zero"):
        kind().fit(X, y, np.zeros(len(X)))


@both
def test_weights_count_in_the_score_out_of_fold(kind, y):
    weights = np.where(np.arange(len(X)) % 3 == 0, 5.0, 0.5)
    model = kind(n_members=2, random_state=0).fit(X, y, weights)
    oof = model.oof_predictions_
    if y is LABELS:
        expected = np.average(model.classes_[oof.argmax(axis=1)] == y, weights=weights)
    else:
        expected = r2_score(y, oof, sample_weight=weights)
    assert model.oof_score_ == pytest.approx(expected, rel=1e-5)


def test_class_weight():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    y = (x[:, 0] + rng.normal(size=300) > 1.5).astype(int)
    plain = TableClassifier(n_members=2, random_state=0).fit(x, y)
    heavy = TableClassifier(n_members=2, random_state=0, class_weight="balanced").fit(x, y)
    named = TableClassifier(n_members=2, random_state=0, class_weight={1: 10.0}).fit(x, y)
    means = [model.predict_proba(x)[:, 1].mean() for model in (plain, heavy, named)]
    assert min(means[1:]) > means[0] + 0.05


def test_intervals_hold_as_many_targets_as_they_say():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1200, 3))
    y = x[:, 0] + rng.normal(size=1200)
    model = TableRegressor(n_members=3, random_state=0).fit(x[:600], y[:600])
    for coverage in (0.5, 0.9):
        low, high = model.predict_interval(x[600:], coverage)
        inside = np.mean((low <= y[600:]) & (y[600:] <= high))
        assert abs(inside - coverage) < 0.08
    for coverage in (0, 1, "much"):
        with pytest.raises(ValueError, match="coverage"):
            model.predict_interval(x, coverage)


def test_predictions_stay_in_the_range_of_the_targets():
    model = TableRegressor(n_members=2, random_state=0).fit(X, NUMBERS)
    for far, edge in ((1e3, NUMBERS.max()), (-1e3, NUMBERS.min())):
        model.members_[0].intercepts_[-1][:] = far
        np.testing.assert_array_equal(model.predict(NEW), edge)


def test_probabilities_are_calibrated():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 4))
    p = 1 / (1 + np.exp(-2 * x[:, 0]))
    y = rng.random(2000) < p
    model = TableClassifier(random_state=0).fit(x[:1000], y[:1000])
    assert np.abs(model.predict_proba(x[1000:])[:, 1] - p[1000:]).mean() < 0.1


@pytest.mark.parametrize("least", [1, 0.05])
def test_the_temperature_is_the_best_out_of_fold(least):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4))
    y = (rng.random(300) < 1 / (1 + np.exp(-2 * x[:, 0]))).astype(int)
    weights = np.where((x[:, 0] > 0) == y, 1, least)  # of rows that are hard to predict
    model = TableClassifier(n_members=2, random_state=0).fit(x, y, weights)
    assert abs(model.temperature_ - 1) > 0.1
    oof = model.oof_predictions_
    for power in (0.9, 1.1):
        assert log_loss(tempered(oof, power), y, weights) > log_loss(oof, y, weights)


def test_targets_of_any_size():
    tiny = TableRegressor(n_members=2, random_state=0).fit(X, NUMBERS * 1e-300)
    assert tiny.score(X, NUMBERS * 1e-300) > 0.6
    with pytest.raises(ValueError, match=r"y holds 1e\+200 in row 9 .*: divide y"):
        TableRegressor().fit(X, np.where(np.arange(len(X)) == 9, 1e200, NUMBERS))
