"""Rows and classes that count more than others."""

from __future__ import annotations

import numpy as np
import pytest
from estimator_tools import load, quiet, same_weights
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
    with pytest.raises(ValueError, match=r"class_weight names \['zero'\], which are no classes"):
        MLPClassifier(class_weight={"zero": 2}).fit(x, y)
    MLPClassifier(class_weight={0: 2}).partial_fit(x, y, classes=[0, 1, 2])


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
