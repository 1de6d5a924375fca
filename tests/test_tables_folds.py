"""The folds of TableClassifier and TableRegressor: which rows train, which judge."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import KFold, TimeSeriesSplit
from tables_tools import (
    BOTH,
    GOOD,
    LABELS,
    NEW,
    NEW_LABELS,
    NEW_NUMBERS,
    X,
    both,
)

from fastmlp import TableRegressor
from fastmlp.tables.folds import folds_of
from fastmlp.tables.temperature import tempered


@pytest.fixture(scope="module", params=BOTH, ids=["classifier", "regressor"])
def fitted(request):
    kind, y = request.param
    return kind(n_members=3, random_state=0).fit(X, y), y


def test_out_of_fold_predictions(fitted):
    model, y = fitted
    oof = model.oof_predictions_
    assert len(oof) == len(X)
    assert np.isfinite(oof).all()
    if y is LABELS:
        np.testing.assert_allclose(oof.sum(axis=1), 1)
        right = model.classes_[oof.argmax(axis=1)] == y
        assert model.oof_score_ == pytest.approx(right.mean())
    else:
        expected = 1 - np.mean((oof - y) ** 2) / np.var(y)
        assert model.oof_score_ == pytest.approx(expected, rel=1e-5)


@both
def test_a_member_is_the_fit_of_its_fold(kind, y):
    """Other networks beside it change nothing, if the same rows weigh the columns."""
    model = kind(cv=[(np.arange(100), np.arange(100, 160))], random_state=0).fit(X, y)
    folds = [(np.arange(100), np.arange(100, 160)), (np.arange(100), np.arange(120, 160))]
    more = kind(cv=folds, random_state=0).fit(X, y)
    for one, other in zip(model.members_[0].coefs_, more.members_[0].coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


@both
def test_one_network(kind, y):
    model = kind(n_members=1, random_state=0).fit(X, y)
    held_out = np.isfinite(model.oof_predictions_.reshape(len(X), -1)[:, 0])
    assert held_out.sum() == len(X) // 5


@both
def test_validation_rows(kind, y):
    new = NEW_LABELS if y is LABELS else NEW_NUMBERS
    model = kind(n_members=2, random_state=0).fit(X, y, X_val=NEW, y_val=new)
    assert not hasattr(model, "oof_score_")
    assert not hasattr(model, "oof_predictions_")
    assert model.score(NEW, new) > GOOD[y is LABELS]
    with pytest.raises(ValueError, match="X_val and y_val are a pair"):
        kind().fit(X, y, X_val=NEW)
    with pytest.raises(ValueError, match="X_val and y_val: "):
        kind().fit(X, y, X_val=NEW[["few"]], y_val=new)


@both
def test_folds_of_ones_own(kind, y):
    groups = np.arange(len(X)) % 40
    model = kind(n_members=4, random_state=0).fit(X, y, groups=groups)
    assert len(model.members_) == 4
    model = kind(cv=TimeSeriesSplit(3), random_state=0).fit(X, y)
    is_known = np.isfinite(model.oof_predictions_.reshape(len(X), -1)[:, 0])
    assert not is_known[:40].any()
    assert is_known[40:].all()
    assert len(kind(cv=KFold(2), random_state=0).fit(X, y).members_) == 2
    for cv in ([(np.arange(9), np.arange(999))], [(np.arange(9), ["a"])], []):
        with pytest.raises(ValueError, match="cv holds"):
            kind(cv=cv).fit(X, y)
    with pytest.raises(ValueError, match="one group only"):
        kind().fit(X, y, groups=np.ones(len(X)))


@both
def test_rows_that_occur_twice_stay_in_one_fold(kind, y):
    rows = np.r_[:160, :40]
    model = kind(n_members=3, random_state=0).fit(X.iloc[rows], y[rows])
    np.testing.assert_array_equal(model.oof_predictions_[:40], model.oof_predictions_[160:])


def test_rows_of_a_group_stay_in_one_fold():
    groups = np.arange(len(X)) % 40
    random = np.random.RandomState(0)
    folds = folds_of(None, 4, X.to_numpy(), NEW_NUMBERS, None, groups, None, random)
    assert len(folds) == 4
    for train, held_out in folds:
        assert not set(groups[train]) & set(groups[held_out])


@both
def test_groups_with_gaps_are_refused_by_row(kind, y):
    groups = np.where(np.arange(len(X)) == 7, None, "a")
    with pytest.raises(ValueError, match="groups holds a missing value in row 7"):
        kind().fit(X, y, groups=groups)


@both
def test_rows_without_weight_are_not_trained_on(kind, y):
    """Their targets change places, and folds of all rows might have none but them."""
    has_weight = np.arange(len(X)) % 40 == 0
    target = np.where(has_weight, y, y[::-1])
    model = kind(n_members=4, random_state=0).fit(X, target, has_weight.astype(float))
    others = np.where(has_weight, y, np.roll(y, 1))  # the same targets, as it happens
    same = kind(n_members=4, random_state=0).fit(X, others, has_weight.astype(float))
    assert model.oof_score_ == same.oof_score_
    with pytest.raises(ValueError, match="no row to judge by any weight in split 0 of cv"):
        kind(cv=[(np.arange(100), np.arange(101, 119))]).fit(X, y, has_weight.astype(float))


@both
def test_out_of_fold_predictions_are_those_of_the_network_that_has_not_seen_the_row(kind, y):
    rows = np.random.default_rng(0).permutation(len(X))
    folds = [(np.setdiff1d(rows, held_out), held_out) for held_out in np.array_split(rows, 3)]
    model = kind(cv=folds, random_state=0).fit(X, y)
    x = model.encoder_.transform(X)
    for member, (_, held_out) in zip(model.members_, folds, strict=True):
        if y is LABELS:
            expected = tempered(member.predict_proba(x[held_out]), 1 / model.temperature_)
        else:
            expected = member.predict(x[held_out]) * np.std(y) + np.mean(y)
            expected = expected.clip(y.min(), y.max())
        np.testing.assert_allclose(model.oof_predictions_[held_out], expected, rtol=1e-4, atol=1e-6)


def test_rows_that_judge_are_not_trained_on():
    """Of noise nothing can be predicted, but for rows that were learned by heart."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(240, 3)), rng.normal(size=240)
    for trees in (False, True):
        model = TableRegressor(n_members=2, trees=trees, random_state=0).fit(x, y)
        assert model.oof_score_ < 0.1
    model = TableRegressor(n_members=2, random_state=0)
    model.fit(x[:200], y[:200], X_val=x[200:], y_val=y[200:])
    assert model.score(x[200:], y[200:]) < 0.2
