"""Networks put together by hand: arrays assigned without a fit, or others after it."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import numpy as np
import onnxruntime
import pytest
import sklearn.neural_network
from estimator_tools import load, quiet
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.validation import check_is_fitted

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.reference import ACTIVATIONS, LOSSES

THEIRS = ("identity", "logistic", "tanh", "relu", "softmax", "exp")
KINDS = {  # classes, and an indicator matrix or not
    "two": ["no", "yes"],
    "three": ["a", "b", "c"],
    "labels": [0, 1, 2],
}


def arrays(*sizes):
    rng = np.random.RandomState(0)
    layers = list(pairwise(sizes))
    return [rng.randn(*layer) for layer in layers], [rng.randn(n) for _, n in layers]


def assembled(kind, sizes=(5, 4, 3), **attributes):
    """An estimator of these layers that was never fitted."""
    model = kind(hidden_layer_sizes=sizes[1:-1], random_state=0)
    model.coefs_, model.intercepts_ = arrays(*sizes)
    for name, value in attributes.items():
        setattr(model, name, value)
    return model


def both(name, sizes, **attributes):
    """Estimators of both libraries; scikit-learn's is told all that it wants to know."""
    expected = assembled(getattr(sklearn.neural_network, name), sizes, **attributes)
    expected.n_layers_, expected.n_outputs_ = len(sizes), sizes[-1]
    return assembled(getattr(fastmlp, name), sizes, **attributes), expected


X = np.random.RandomState(1).randn(300, 5)


@pytest.mark.parametrize("out", THEIRS)
@pytest.mark.parametrize("sizes", [(5, 4, 3), (5, 4, 1), (5, 2), (5, 1)], ids=str)
def test_regressors_predict_as_scikit_learns(sizes, out):
    ours, expected = both("MLPRegressor", sizes, out_activation_=out)
    for rows in (X, X[:1], X.tolist()):
        np.testing.assert_allclose(ours.predict(rows), expected.predict(rows), rtol=1e-9)


@pytest.mark.parametrize("out", THEIRS)
@pytest.mark.parametrize("kind", KINDS)
def test_classifiers_predict_as_scikit_learns(kind, out):
    classes, n_outputs = np.array(KINDS[kind]), 1 if kind == "two" else 3
    sizes = (5, 4, n_outputs)
    ours, expected = both("MLPClassifier", sizes, classes_=classes, out_activation_=out)
    is_multilabel = kind == "labels" and out == "logistic"
    expected._label_binarizer = LabelBinarizer().fit(np.eye(3) if is_multilabel else classes)
    np.testing.assert_allclose(ours.predict_proba(X), expected.predict_proba(X), rtol=1e-9)
    np.testing.assert_array_equal(ours.predict(X), expected.predict(X))


@pytest.mark.parametrize("out", ACTIVATIONS)
def test_any_activation_after_a_fit(out, tmp_path):
    x, y = load("diabetes")
    model = quiet(MLPRegressor(max_iter=3, dtype="float32", random_state=0), x, y)
    z = model.predict(x)
    model.out_activation_ = out
    expected = ACTIVATIONS[out].function(z)
    assert model.predict(x).dtype == np.float32
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-5)
    model.save(tmp_path / "model")
    for other in (
        pickle.loads(pickle.dumps(model)), copy.deepcopy(model),
        MLPRegressor.load(tmp_path / "model"),
    ):  # fmt: skip
        np.testing.assert_array_equal(other.predict(x), model.predict(x))
    model.to_onnx(tmp_path / "model.onnx")
    found = run(tmp_path / "model.onnx", x)[0].ravel()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_loss_that_is_not_known_is_named():
    with pytest.raises(ValueError, match=r"loss is 'foo': give one of .*'squared_error'"):
        assembled(MLPRegressor, loss="foo").predict(X)


def test_what_is_not_assigned_is_derived():
    regressor = assembled(MLPRegressor)
    np.testing.assert_allclose(
        regressor.predict(X), assembled(MLPRegressor, out_activation_="identity").predict(X)
    )
    counts = assembled(MLPRegressor, loss="poisson").predict(X)
    np.testing.assert_allclose(counts, np.exp(regressor.predict(X)), rtol=1e-9)
    classifier = assembled(MLPClassifier, classes_=["a", "b", "c"])
    p = classifier.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(classifier.predict(X), np.array(["a", "b", "c"])[p.argmax(1)])
    assert classifier.score(X, classifier.predict(X)) == 1
    check_is_fitted(classifier)
    with pytest.raises(NotFittedError):
        clone(classifier).predict(X)


@pytest.mark.parametrize(("attributes", "message"), [
    ({}, "there are coefs_ but no classes_: assign the classes"),
    ({"classes_": ["a", "b"]}, "2 classes, which take 1 outputs, and the last layer has 3"),
    ({"classes_": ["b", "a", "c"]}, "classes_ is not sorted"),
    ({"classes_": ["a", "b", "b"]}, "names a class twice"),
    ({"classes_": []}, "classes_ is empty"),
    ({"classes_": [0.0, 1.0, np.nan]}, "classes_ is empty or not finite"),
    ({"classes_": ["a", "b", "c"], "intercepts_": None}, "coefs_ but no intercepts_"),
    ({"classes_": ["a", "b", "c"], "coefs_": []}, "coefs_ is empty"),
    ({"classes_": ["a", "b", "c"], "coefs_": [np.ones(3)], "intercepts_": [1]},
     r"coefs_\[-?\d\] has shape \(3,\)"),
    ({"classes_": ["a", "b", "c"], "activation": "foo"}, "activation holds 'foo': give names"),
    ({"classes_": ["a", "b", "c"], "out_activation_": "foo"}, "out_activation_ is 'foo': assign"),
    ({"classes_": ["a", "b", "c"], "out_activation_": ["relu"]}, "out_activation_ is .* assign"),
], ids=lambda one: None if isinstance(one, dict) else one[:20])  # fmt: skip
def test_what_is_missing_or_does_not_fit_is_named(attributes, message, tmp_path):
    model = assembled(MLPClassifier, **attributes)
    if model.intercepts_ is None:
        del model.intercepts_
    for call in (
        lambda: model.predict(X),
        lambda: model.save(tmp_path / "model"),
        lambda: model.to_onnx(tmp_path / "model.onnx"),
    ):
        with pytest.raises((ValueError, NotFittedError), match=message):
            call()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rows", [np.ones((2, 6)), [[1.0, 2.0]]], ids=["wide", "list"])
def test_columns_are_counted(rows):
    with pytest.raises(ValueError, match=r"X has \d features, but the network takes 5"):
        assembled(MLPRegressor).predict(rows)


def test_trainings_go_on_from_them(tmp_path):
    y = X[:, :3]
    targets = np.array(["a", "b", "c"])[np.arange(300) % 3]
    for model, t in [
        (assembled(MLPRegressor), y),
        (assembled(MLPClassifier, classes_=np.unique(targets)), targets),
        (assembled(MLPClassifier), targets),
    ]:
        first = {} if t is y or hasattr(model, "classes_") else {"classes": np.unique(t)}
        before = model.coefs_[0].copy()
        one = copy.deepcopy(model).partial_fit(X, t, **first)
        assert 0 < np.abs(one.coefs_[0] - before).max() < 0.1
        assert (one.t_, one.n_iter_, one.n_layers_, one.n_features_in_) == (300, 1, 3, 5)
        warm = copy.deepcopy(model).set_params(warm_start=True, max_iter=1)
        np.testing.assert_array_equal(quiet(warm, X, t).coefs_[0], one.coefs_[0])
        quiet(copy.deepcopy(model).set_params(warm_start=True, solver="lbfgs", max_iter=2), X, t)
        with pytest.raises(ValueError, match=r"layers of \[5, 4, 3\], and these settings"):
            copy.deepcopy(model).partial_fit(X[:, :4], t, **first)
        one.save(tmp_path / "model")
        loaded = type(model).load(tmp_path / "model")
        np.testing.assert_array_equal(loaded.predict(X), one.predict(X))
    # As scikit-learn's, given what that wants to know.
    ours, expected = both("MLPRegressor", (5, 4, 3), out_activation_="identity")
    expected.loss_curve_, expected.best_loss_, expected._no_improvement_count = [], np.inf, 0
    expected.t_, expected.validation_scores_ = 0, None
    for _ in range(3):
        ours.partial_fit(X, y)
        expected.partial_fit(X, y)
    np.testing.assert_allclose(ours.coefs_[1], expected.coefs_[1], rtol=1e-9)


def test_momenta_of_other_shapes_are_not_taken_up():
    x, y = load("diabetes")
    model = quiet(MLPRegressor(hidden_layer_sizes=(5,), max_iter=3, random_state=0), x, y)
    model.coefs_, model.intercepts_ = arrays(10, 1, 1)
    fresh = assembled(MLPRegressor, (10, 1, 1)).set_params(random_state=0)
    model.set_params(hidden_layer_sizes=(1,)).partial_fit(x, y)
    np.testing.assert_array_equal(model.coefs_[0], fresh.partial_fit(x, y).coefs_[0])


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_other_outputs_than_the_losss_are_not_trained(name):
    x, y = load("wine")
    model = quiet(getattr(fastmlp, name)(max_iter=2, warm_start=True), x, y)
    model.out_activation_ = "tanh"
    before = model.coefs_[0].copy()
    for solver, call in (("adam", "partial_fit"), ("adam", "fit"), ("lbfgs", "fit")):
        train = getattr(model.set_params(solver=solver), call)
        with pytest.raises(ValueError, match="out_activation_ is 'tanh', and what is trained is"):
            train(x, y)
    np.testing.assert_array_equal(model.coefs_[0], before)
    assert quiet(model.set_params(warm_start=False), x, y).out_activation_ != "tanh"


def test_onnx_of_lists(tmp_path):
    model = assembled(MLPClassifier, classes_=["a", "b", "c"])
    model.coefs_ = [np.asarray(w).tolist() for w in model.coefs_]
    model.to_onnx(tmp_path / "model.onnx")
    probabilities, _ = run(tmp_path / "model.onnx", X)
    np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)


def test_files_of_them(tmp_path):
    model = assembled(MLPClassifier, classes_=["a", "b", "c"])
    model.save(tmp_path / "model")
    loaded = MLPClassifier.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    model.to_onnx(tmp_path / "model.onnx")
    probabilities, label = run(tmp_path / "model.onnx", X)
    np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)
    assert np.mean(label == model.predict(X)) > 0.99
    assert vars(model).keys() == vars(assembled(MLPClassifier, classes_=["a"])).keys()


def test_activations_without_a_form_in_onnx(tmp_path, monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "cube", ACTIVATIONS["relu"]._replace(onnx=None))
    assert "cube" not in LOSSES
    for model in (
        assembled(MLPRegressor, activation=("cube",)),
        assembled(MLPRegressor, out_activation_="cube"),
    ):
        with pytest.raises(ValueError, match="activation 'cube' has no form in ONNX"):
            model.to_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def run(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": x.astype(np.float32)})
