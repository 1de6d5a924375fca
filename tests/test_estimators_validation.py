"""Rows that a run is judged by: which they are, and what is made of them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from estimator_tools import load, quiet, same_weights
from sklearn.metrics import f1_score, make_scorer

from fastmlp import MLPClassifier, MLPRegressor


def test_monitor():
    x, y = load("cancer")
    settings = {"max_iter": 6, "random_state": 0, "early_stopping": True}
    by_loss = quiet(MLPClassifier(monitor="loss", **settings), x, y)
    assert by_loss.validation_scores_ == [-loss for loss in by_loss.validation_loss_curve_]
    assert by_loss.best_validation_score_ == max(by_loss.validation_scores_)
    plain = quiet(MLPClassifier(**settings), x, y)
    for monitor in ("accuracy", lambda model, x, y: model.score(x, y)):
        same = quiet(MLPClassifier(monitor=monitor, **settings), x, y)
        assert same.validation_scores_ == pytest.approx(plain.validation_scores_)
    other = quiet(MLPClassifier(monitor=make_scorer(f1_score), **settings), x, y)
    assert other.validation_scores_ != pytest.approx(plain.validation_scores_)
    regressor = quiet(MLPRegressor(monitor="loss", **settings), *load("diabetes"))
    assert regressor.best_validation_score_ < 0


def test_stratify():
    x, y = load("wine")
    rare = np.where(np.arange(len(y)) < 3, "rare", "often")
    settings = {"max_iter": 1, "random_state": 0, "early_stopping": True}

    def held_out(setting, targets):
        seen = []

        def look(model, x_val, y_val):
            seen.append(y_val)
            return 0.0

        quiet(MLPClassifier(stratify=setting, monitor=look, **settings), x, targets)
        return seen[0]

    shares = np.bincount(y) / len(y)
    for setting, targets, is_even in [
        ("auto", y == 1, True), (True, y, True), ("auto", y, False), (False, y == 1, False),
    ]:  # fmt: skip
        found = np.bincount(held_out(setting, targets).astype(int)) / 18
        wanted = shares if targets.dtype.kind == "i" else np.bincount(targets) / len(y)
        assert bool(np.abs(found - wanted).max() < 0.5 / 18 + 1e-9) is is_even
    with pytest.raises(ValueError, match=r"have only 1 member.*stratify=False, or .* X_val"):
        MLPClassifier(stratify=True, early_stopping=True).fit(x, np.where(np.arange(178) < 1, 5, y))
    assert len(held_out(False, rare)) == 18


def test_rows_of_ones_own_to_validate_with():
    x, y = load("wine")
    order = np.random.RandomState(0).permutation(len(x))
    x, y = x[order], y[order]
    held = {"X_val": x[120:], "y_val": y[120:]}
    settings = {"max_iter": 8, "random_state": 0}
    recorded = quiet(MLPClassifier(**settings), x[:120], y[:120], **held)
    plain = quiet(MLPClassifier(**settings), x[:120], y[:120])
    assert same_weights(recorded, plain)
    assert plain.validation_scores_ is plain.validation_loss_curve_ is None
    assert len(recorded.validation_scores_) == len(recorded.validation_loss_curve_) == 8
    assert recorded.validation_scores_[-1] == recorded.score(x[120:], y[120:])
    assert recorded.best_loss_ == plain.best_loss_
    early = quiet(MLPClassifier(early_stopping=True, **settings), x[:120], y[:120], **held)
    assert early.loss_curve_ == plain.loss_curve_  # no row of X is held out
    assert early.best_validation_score_ == max(recorded.validation_scores_)
    assert early.score(x[120:], y[120:]) == early.best_validation_score_
    lbfgs = quiet(MLPClassifier(solver="lbfgs", **settings), x[:120], y[:120], **held)
    assert len(lbfgs.validation_scores_) == lbfgs.n_iter_
    with pytest.raises(ValueError, match="X_val and y_val are a pair"):
        MLPClassifier().fit(x, y, X_val=x)
    with pytest.raises(ValueError, match="X_val and y_val: `y` has classes not in"):
        MLPClassifier().fit(x, y, X_val=x, y_val=y + 1)
    with pytest.raises(ValueError, match="X_val and y_val: X has 2 features"):
        MLPClassifier().fit(x, y, X_val=x[:, :2], y_val=y)


def test_monitors_that_make_no_sense():
    x, y = load("wine")
    for settings in ({}, {"early_stopping": True}):
        with pytest.raises(ValueError, match="'best' is not a valid scoring value"):
            MLPClassifier(monitor="best", **settings).fit(x, y)
        with pytest.raises(ValueError, match="looks like it is a metric function"):
            MLPClassifier(monitor=f1_score, **settings).fit(x, y)
    with pytest.raises(TypeError, match="monitor gives None"):
        MLPClassifier(monitor=lambda model, x, y: None, early_stopping=True).fit(x, y)


def test_a_score_that_is_nan_is_no_guide():
    x, y = load("diabetes")
    one_row = {"X_val": x[:1], "y_val": y[:1]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="score of the rows to validate with is NaN"):
            MLPRegressor(early_stopping=True).fit(x, y, **one_row)
        recorded = MLPRegressor(max_iter=2).fit(x, y, **one_row)
    assert np.isnan(recorded.validation_scores_).all()
    by_loss = quiet(MLPRegressor(early_stopping=True, monitor="loss", max_iter=2), x, y, **one_row)
    assert by_loss.best_validation_score_ < 0


def test_validation_targets_of_another_width():
    x, y = load("diabetes")
    model = MLPRegressor(max_iter=2, monitor="loss")
    with pytest.raises(ValueError, match="X_val and y_val: y has 1 outputs, the network 2"):
        model.fit(x, np.stack([y, y], axis=1), X_val=x, y_val=y)
    with pytest.raises(ValueError, match=r"X_val and y_val: .* mismatch"):
        MLPClassifier(max_iter=2).fit(x, np.eye(3)[np.arange(len(x)) % 3], X_val=x,
                                      y_val=np.eye(2)[np.arange(len(x)) % 2])  # fmt: skip
