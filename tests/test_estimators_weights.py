"""Rows and classes that count more than others."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from estimator_tools import load, quiet, same_weights
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.utils.class_weight import compute_sample_weight

from fastmlp import MLPClassifier


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("name", ["wine", "cancer", "multilabel"])
@pytest.mark.parametrize("given", ["balanced", {0: 3.0, 1: 0.5}])
def test_class_weight(name, given, solver):
    x, y = load(name)
    if name == "multilabel" and given == "balanced":
        columns = [compute_sample_weight("balanced", column) for column in y.T]
        weights = np.prod(columns, axis=0)
    elif name == "multilabel":
        weights = np.prod(np.where(y[:, :2] == 1, [3.0, 0.5], 1.0), axis=1)
    else:
        full = given if given == "balanced" else {2: 1.0, **given}
        full = {k: v for k, v in full.items() if k in y} if isinstance(full, dict) else full
        weights = compute_sample_weight(full, y)
    settings = {"max_iter": 5, "random_state": 0, "solver": solver}
    ours = quiet(MLPClassifier(class_weight=given, **settings), x, y)
    expected = quiet(MLPClassifier(**settings), x, y, sample_weight=weights)
    for a, b in zip(ours.coefs_, expected.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    plain = quiet(MLPClassifier(**settings), x, y)
    assert not same_weights(ours, plain)


def test_class_weight_counts_in_validation():
    x, y = load("wine")
    settings = {"max_iter": 4, "random_state": 0, "class_weight": {0: 10.0, 1: 1.0, 2: 0.0}}
    fitted = quiet(MLPClassifier(**settings), x, y, X_val=x, y_val=y)
    weights = np.array([10.0, 1.0, 0.0])[y]
    right = fitted.predict(x) == y
    assert fitted.validation_scores_[-1] == pytest.approx(np.average(right, weights=weights))
    loss = -np.log(fitted.predict_proba(x)[np.arange(len(y)), y])
    assert fitted.validation_loss_curve_[-1] == pytest.approx(np.average(loss, weights=weights))


def test_class_weight_refused():
    x, y = load("wine")
    with pytest.raises(ValueError, match="'balanced' is not supported for partial_fit"):
        MLPClassifier(class_weight="balanced").partial_fit(x, y, classes=[0, 1, 2])
    MLPClassifier(class_weight={0: 2}).partial_fit(x, y, classes=[0, 1, 2])


@pytest.mark.parametrize("given", [{0: 1, 1: 1, 2: 30}, {2: 30.0}, {0: 2, 2: 30}], ids=str)
def test_a_fold_lacks_a_class(given):
    x, y = load("iris")
    y = y % 2
    y[5] = 2  # one fold trains without it
    model = MLPClassifier(max_iter=5, class_weight=given, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = GridSearchCV(model, {"alpha": [1e-4]}, cv=KFold(3)).fit(x, y)
    assert search.cv_results_["mean_test_score"] > 0.1
    rest = y < 2
    ours = MLPClassifier(max_iter=1, class_weight=given, random_state=0)
    present = {k: given.get(k, 1.0) for k in (0, 1)}
    expected = quiet(clone(ours).set_params(class_weight=present), x[rest], y[rest])
    if len(given) == 3:
        quiet(ours, x[rest], y[rest])
    else:  # where scikit-learn's compute_class_weight fails
        with pytest.warns(UserWarning, match="class_weight names 2, which y does not hold, and no"):
            quiet(ours, x[rest], y[rest])
    assert same_weights(ours, expected)


def test_mistaken_names_of_classes_are_shown():
    x, y = load("wine")
    with pytest.warns(UserWarning, match=r"names 'zero', .* not 0, 1, 2, which count 1"):
        quiet(MLPClassifier(class_weight={"zero": 2}, max_iter=1), x, y)
    with pytest.warns(UserWarning, match=r"names 10, 11, 12 and 87 more, which y does not hold"):
        quiet(MLPClassifier(class_weight=dict.fromkeys(range(10, 100), 2.0), max_iter=1), x, y)


def test_bad_weights_of_rows():
    x, y = load("wine")
    with pytest.raises(ValueError, match="sample_weight"):
        MLPClassifier().fit(x, y, sample_weight=-np.ones(len(x)))
    with pytest.raises(ValueError, match="at least one non-zero"):
        MLPClassifier().fit(x, y, sample_weight=np.zeros(len(x)))


def test_batches_without_weight_take_no_step():
    x, y = load("wine")
    weights = np.where(np.arange(len(x)) % 3 == 0, 0.0, 2.0)
    settings = {"max_iter": 3, "random_state": 0, "shuffle": False, "batch_size": 1}
    weighted = quiet(MLPClassifier(**settings), x, y, sample_weight=weights)
    kept = weights > 0
    fewer = quiet(MLPClassifier(**settings), x[kept], y[kept], sample_weight=weights[kept])
    np.testing.assert_allclose(weighted.loss_curve_, fewer.loss_curve_, rtol=1e-12)
    np.testing.assert_allclose(weighted.coefs_[0], fewer.coefs_[0], rtol=1e-12)


@pytest.mark.parametrize("name", ["wine", "multilabel"])
def test_balanced_weights_in_validation_are_those_of_training(name):
    x, y = load(name)
    rare = np.concatenate([np.flatnonzero(y.reshape(len(y), -1)[:, 0])[:5], np.arange(20)])
    settings = {"max_iter": 2, "random_state": 0, "monitor": "loss"}
    fitted = MLPClassifier(class_weight="balanced", **settings)
    quiet(fitted, x, y, X_val=x[rare], y_val=y[rare])
    if name == "multilabel":
        weights = np.prod([compute_sample_weight("balanced", c) for c in y.T], axis=0)[rare]
        p = fitted.predict_proba(x[rare])
        loss = -np.log(np.where(y[rare] == 1, p, 1 - p)).sum(axis=1)
    else:
        weights = compute_sample_weight("balanced", y)[rare]
        loss = -np.log(fitted.predict_proba(x[rare])[np.arange(len(rare)), y[rare]])
    assert fitted.validation_loss_curve_[-1] == pytest.approx(np.average(loss, weights=weights))


def test_single_class_and_absent_classes_have_weights():
    x, y = load("wine")
    settings = {"max_iter": 2, "random_state": 0}
    one = np.zeros(len(x))
    plain = quiet(MLPClassifier(**settings), x, one)
    assert same_weights(plain, quiet(MLPClassifier(class_weight="balanced", **settings), x, one))
    lacking = MLPClassifier(class_weight={0: 3.0, 1: 0.5}, **settings)
    lacking.partial_fit(x[y > 0], y[y > 0], classes=[0, 1, 2])
    expected = MLPClassifier(**settings).partial_fit(
        x[y > 0], y[y > 0], np.where(y[y > 0] == 1, 0.5, 1.0), classes=[0, 1, 2]
    )
    assert same_weights(lacking, expected)


def test_no_row_has_weight():
    x, y = load("wine")
    with pytest.raises(ValueError, match="leave no row to train on any weight"):
        MLPClassifier(class_weight={0: 0}).fit(x, y, sample_weight=(y == 0).astype(float))
    model = MLPClassifier(class_weight={0: 0}).partial_fit(x, y, classes=[0, 1, 2])
    before = model.coefs_[0].copy()
    with pytest.raises(ValueError, match="leave no row to train on any weight"):
        model.partial_fit(x[y == 0], y[y == 0])
    np.testing.assert_array_equal(model.coefs_[0], before)
    with pytest.raises(ValueError, match="the rows to validate with have no weight"):
        MLPClassifier(class_weight={0: 0}).fit(x, y, X_val=x[y == 0], y_val=y[y == 0])


@pytest.mark.parametrize("weight", ["2", -1, np.nan, None])
def test_a_class_weight_that_is_none(weight):
    x, y = load("wine")
    with pytest.raises(ValueError, match=r"class_weight is .*: give finite weights of 0 or more"):
        MLPClassifier(class_weight={0: weight}).fit(x, y)
