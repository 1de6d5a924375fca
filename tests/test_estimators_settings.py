"""The settings that scikit-learn's estimators have not, one by one."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest
from estimator_tools import load, quiet, same_weights
from sklearn.utils._param_validation import InvalidParameterError

from fastmlp import MLP, MLPClassifier, MLPRegressor, checks, reference


def test_dropout():
    x, y = load("wine")
    settings = {"max_iter": 3, "random_state": 0, "hidden_layer_sizes": (20, 10)}
    fitted = quiet(MLPClassifier(dropout=0.5, **settings), x, y)
    assert not same_weights(fitted, quiet(MLPClassifier(**settings), x, y))
    assert same_weights(fitted, quiet(MLPClassifier(dropout=0.5, **settings), x, y))
    other = quiet(MLPClassifier(dropout=0.5, **settings | {"random_state": 1}), x, y)
    assert not same_weights(fitted, other)
    np.testing.assert_array_equal(fitted.predict_proba(x), fitted.predict_proba(x))
    with pytest.raises(ValueError, match=r"dropout is 0\.5 with solver='lbfgs'"):
        MLPClassifier(dropout=0.5, solver="lbfgs").fit(x, y)


@pytest.mark.parametrize("activation", ["leaky_relu", "silu", "gelu", ("tanh", "gelu")])
def test_activations(activation):
    x, y = load("wine")
    settings = {"max_iter": 3, "random_state": 0, "hidden_layer_sizes": (20, 10)}
    fitted = quiet(MLPClassifier(activation=activation, **settings), x, y)
    names = (activation,) * 2 if isinstance(activation, str) else activation
    a = x
    for w, b, name in zip(fitted.coefs_, fitted.intercepts_, [*names, "last"], strict=True):
        a = a @ w + b
        a = reference.softmax(a) if name == "last" else reference.ACTIVATIONS[name].function(a)
    np.testing.assert_allclose(fitted.predict_proba(x), a, rtol=1e-9)
    with pytest.raises(ValueError, match="give one name for all hidden layers"):
        MLPClassifier(activation=("tanh",), hidden_layer_sizes=(5, 5)).fit(x, y)
    with pytest.raises(ValueError, match="activation holds 'swish'"):
        MLPClassifier(activation=("swish",)).fit(x, y)


def test_adamw_decays_apart_from_the_gradient():
    x, y = load("wine")
    settings = {"max_iter": 3, "random_state": 0, "alpha": 50.0}
    fitted = {s: quiet(MLPClassifier(solver=s, **settings), x, y) for s in ("adam", "adamw")}
    assert not same_weights(fitted["adam"], fitted["adamw"])
    without = quiet(MLPClassifier(solver="adamw", **settings | {"alpha": 0.0}), x, y)
    plain = quiet(MLPClassifier(solver="adam", **settings | {"alpha": 0.0}), x, y)
    np.testing.assert_allclose(without.coefs_[0], plain.coefs_[0])


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_cosine(solver):
    x, y = load("wine")
    settings = {"max_iter": 3, "random_state": 0, "batch_size": 50, "learning_rate": "cosine"}
    seen = []
    fitted = MLPClassifier(
        solver=solver, callbacks=[lambda epoch, logs: seen.append(logs)], **settings
    )
    quiet(fitted, x, y)
    assert not same_weights(
        fitted,
        quiet(MLPClassifier(solver=solver, **settings | {"learning_rate": "constant"}), x, y),
    )
    if solver == "sgd":  # by hand, in NumPy
        from fastmlp.estimators.initial import draw_parameters
        from fastmlp.problem import Problem

        generator = np.random.RandomState(0)
        weights, biases = draw_parameters([13, 100, 3], "relu", generator, np.dtype("f8"))
        trainer = reference.Trainer(
            weights, biases, x, y, problem=Problem(optimizer="nesterov"), batch_size=50,
            lambda_reg=1e-4, l2_by_rows=True,
        )  # fmt: skip
        order = np.arange(len(x))
        for epoch in range(3):
            indices = np.arange(len(x))
            generator.shuffle(indices)
            order = order[indices]
            steps = np.arange(4 * epoch, 4 * epoch + 4)
            trainer.learning_rate = 0.001 * 0.5 * (1 + np.cos(np.pi * steps / 12))
            trainer.epoch(order)
        trainer.export()
        np.testing.assert_allclose(fitted.coefs_[0], weights[0], rtol=1e-9)
    with pytest.raises(ValueError, match="learning_rate is 'cosine'"):
        MLPClassifier(learning_rate="cosine").partial_fit(x, y, classes=[0, 1, 2])


@pytest.mark.parametrize("name", ["wine", "cancer", "multilabel"])
def test_label_smoothing(name):
    x, y = load(name)
    settings = {"max_iter": 1, "random_state": 0, "shuffle": False, "alpha": 0, "batch_size": 1000}
    fitted = []
    for smoothing in (0.0, 0.3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted.append(MLPClassifier(label_smoothing=smoothing, **settings).fit(x, y))
    plain, smooth = fitted
    assert plain.loss_ != smooth.loss_
    # The loss of the first step, whose weights are the same: from those of a network not trained.
    start = MLPClassifier(learning_rate_init=1e-300, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        p = start.fit(x, y).predict_proba(x)
    if name == "wine":
        targets = np.eye(3)[y] * 0.7 + 0.1
        expected = -(targets * np.log(p)).sum(axis=1).mean()
    else:
        p = p[:, 1:] if name == "cancer" else p
        targets = y.reshape(len(y), -1) * 0.7 + 0.15
        expected = -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).sum(axis=1).mean()
    assert smooth.loss_ == pytest.approx(expected, rel=1e-9)


def test_n_threads_reaches_the_engine(monkeypatch):
    from fastmlp import kernels

    asked = []
    original = kernels.Trainer

    def trainer(*args, **keywords):
        asked.append(keywords["n_threads"])
        return original(*args, **keywords)

    monkeypatch.setattr(kernels, "Trainer", trainer)
    x, y = load("wine")
    one = quiet(MLPClassifier(n_threads=1, max_iter=3, random_state=0), x, y)
    two = quiet(MLPClassifier(n_threads=2, max_iter=3, random_state=0, solver="adam"), x, y)
    assert asked == [1, 2]
    assert same_weights(one, two)


def test_dtype():
    x, y = load("wine")
    pixels = np.random.RandomState(0).randint(0, 256, (90, 10)).astype(np.uint8)
    for features, setting, wanted in [
        (x, "auto", "f8"), (x.astype("f4"), "auto", "f4"), (x.astype("f2"), "auto", "f4"),
        (x, "float32", "f4"), (x.astype("f4"), "float64", "f8"), (pixels, "auto", "f8"),
        (pixels, "float32", "f4"), (pixels.astype(int), "auto", "f8"),
    ]:  # fmt: skip
        fitted = quiet(MLPClassifier(dtype=setting, max_iter=2), features, y[: len(features)])
        assert {a.dtype for a in fitted.coefs_} == {np.dtype(wanted)}, (features.dtype, setting)
        assert fitted.predict_proba(features).dtype == np.dtype(wanted)
    as_bytes = quiet(MLPClassifier(max_iter=2, random_state=0), pixels, y[:90])
    as_floats = quiet(MLPClassifier(max_iter=2, random_state=0), pixels.astype(float), y[:90])
    assert same_weights(as_bytes, as_floats)


@pytest.mark.parametrize(
    ("settings", "meant"),
    [
        ({"activation": "sigmoid"}, "logistic"),
        ({"activation": "ReLU"}, "relu"),
        ({"activation": ("relu", "swish")}, "silu"),
        ({"solver": "Adam"}, "adam"),
        ({"solver": "L-BFGS"}, "lbfgs"),
        ({"learning_rate": "inv_scaling"}, "invscaling"),
        ({"loss": "mse"}, "squared_error"),
        ({"dtype": "float_32"}, "float32"),
    ],
)
def test_names_that_are_like_another(settings, meant):
    x, y = load("wine")
    name, kind = next(iter(settings)), MLPRegressor if "loss" in settings else MLPClassifier
    message = f"{name}.* '{settings[name]}' instead; did you mean '{meant}'\\?$"
    if name == "activation" and not isinstance(settings[name], str):
        message = rf"activation holds 'swish': .*; did you mean '{meant}'\?$"
    with pytest.raises(ValueError, match=message):
        kind(hidden_layer_sizes=(3, 3), **settings).fit(x, y)


@pytest.mark.parametrize("settings", [{"activation": "?"}, {"solver": 5}, {"alpha": "adam"}])
def test_values_that_are_like_none(settings):
    (name,) = settings
    with pytest.raises(InvalidParameterError, match=f"^The '{name}' parameter .* instead\\.$"):
        MLPClassifier(**settings).fit(*load("wine"))


def test_one_look_at_the_threads_for_a_prediction(monkeypatch):
    """And none at the cores, which takes a quarter of a prediction."""
    x, y = load("wine")
    classifier = quiet(MLPClassifier((3,), max_iter=1, n_threads=1), x, y)
    network, in_numpy = (kind(13, 3, 3, n_threads=1) for kind in (MLP, reference.MLP))
    looks, as_threads = [], checks.as_threads
    monkeypatch.setattr(checks, "as_threads", lambda n: looks.append(n) or as_threads(n))
    monkeypatch.setattr(os, "cpu_count", lambda: 1 / 0)
    for model in (classifier, network, in_numpy):
        model.predict(x[:1])
    assert looks == [1, 1, 1]
    network.n_threads = 1025
    with pytest.raises(ZeroDivisionError):
        network.predict(x[:1])
