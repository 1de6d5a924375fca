"""Our estimators' runs are scikit-learn's, epoch by epoch."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.neural_network
from estimator_tools import CLASSIFIERS, fit_both, kind, load, quiet, weights_of
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

import fastmlp
from fastmlp.training import epochs

SOLVERS = {
    "adam": {"solver": "adam"},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.01},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate_init": 0.01},
    "plain": {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.01},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
    "adaptive": {
        "solver": "sgd", "learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 2,
        "learning_rate_init": 0.01,
    },
    "early": {"early_stopping": True, "n_iter_no_change": 3},
}  # fmt: skip


def assert_same(theirs, ours, x):
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.loss_ == ours.loss_curve_[-1]
    for name in ("best_loss_", "best_validation_score_", "validation_scores_"):
        wanted = getattr(theirs, name)
        assert getattr(ours, name) == (
            wanted if wanted is None else pytest.approx(wanted, rel=1e-6)
        )
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert a.shape == b.shape
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
    assert_same_predictions(theirs, ours, x)


def assert_same_predictions(theirs, ours, x, rtol=1e-6):
    if hasattr(theirs, "classes_"):
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)
        np.testing.assert_array_equal(ours.predict(x), theirs.predict(x))
        assert ours.predict(x).dtype == theirs.predict(x).dtype
        np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), rtol, 1e-9)
        np.testing.assert_allclose(ours.predict_log_proba(x), theirs.predict_log_proba(x), 1e-5)
    else:
        np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol, 1e-8)


@pytest.mark.parametrize("is_weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", [*CLASSIFIERS, "diabetes"])
def test_runs(name, solver, is_weighted):
    weights = weights_of(len(load(name)[0])) if is_weighted else None
    x, theirs, ours = fit_both(name, weights, **SOLVERS[solver])
    assert_same(theirs, ours, x)


@pytest.mark.parametrize("is_weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("name", [*CLASSIFIERS, "diabetes"])
def test_lbfgs(name, is_weighted):
    weights = weights_of(len(load(name)[0])) if is_weighted else None
    x, theirs, ours = fit_both(name, weights, solver="lbfgs", alpha=1.0, max_iter=15)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-6)
    assert ours.n_iter_ == theirs.n_iter_
    assert not hasattr(ours, "loss_curve_")
    assert_same_predictions(theirs, ours, x, rtol=1e-4)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), 7, (9,), (8, 5, 3)])
def test_shapes(activation, hidden):
    x, theirs, ours = fit_both("wine", hidden_layer_sizes=hidden, activation=activation)
    assert_same(theirs, ours, x)


@pytest.mark.parametrize("settings", [
    {"batch_size": 17}, {"batch_size": 1}, {"shuffle": False, "batch_size": 50},
    {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}, {"alpha": 10.0}, {"alpha": 0},
    {"tol": 0.1, "n_iter_no_change": 1},
], ids=str)  # fmt: skip
def test_settings(settings):
    x, theirs, ours = fit_both("wine", **settings)
    assert_same(theirs, ours, x)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_regression(loss, n_outputs, solver):
    rng = np.random.RandomState(0)
    x, y = rng.randn(130, 6), rng.poisson(2.0, (130, n_outputs)).astype(float)
    y = y[:, 0] if n_outputs == 1 else y
    settings = {"loss": loss, "solver": solver, "max_iter": 20, "random_state": 0, "alpha": 0.1}
    theirs = quiet(sklearn.neural_network.MLPRegressor(**settings), x, y)
    ours = quiet(fastmlp.MLPRegressor(**settings), x, y)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-6)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), 1e-4, 1e-6)


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_array, sparse.coo_matrix])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse(container, solver):
    rng = np.random.RandomState(0)
    x, y = sparse.random(120, 40, 0.1, random_state=rng, format="csr"), rng.randint(0, 3, 120)
    settings = {"max_iter": 10, "random_state": 0, "solver": solver}
    plain = quiet(fastmlp.MLPClassifier(**settings), x.toarray(), y)
    ours = quiet(fastmlp.MLPClassifier(**settings), container(x), y)
    np.testing.assert_array_equal(
        ours.predict_proba(container(x)), plain.predict_proba(x.toarray())
    )
    with_early = fastmlp.MLPClassifier(early_stopping=True, **settings)
    assert quiet(with_early, container(x), y).n_iter_ >= 1


@pytest.mark.parametrize("classes", [
    ["b", "a", "c"], ["no", "yes"], [3, 1, 7], [0.0, 1.0], [True, False], [-1, 1], ["only"],
], ids=str)  # fmt: skip
@pytest.mark.parametrize("as_object", [False, True])
def test_labels(classes, as_object):
    rng = np.random.RandomState(0)
    x = rng.randn(60, 4)
    y = np.array(classes)[rng.randint(0, len(classes), 60)]
    y = y.astype(object) if as_object and y.dtype.kind == "U" else y
    settings = {"max_iter": 5, "random_state": 0}
    theirs = quiet(sklearn.neural_network.MLPClassifier(**settings), x, y)
    ours = quiet(fastmlp.MLPClassifier(**settings), x, y)
    assert_same(theirs, ours, x)
    assert ours.score(x, y) == theirs.score(x, y)


@pytest.mark.parametrize("as_given", [
    list, pd.Series, lambda y: pd.Series(y, dtype="category"),
    lambda y: pd.Series(y, dtype="string"),
    lambda y: np.array(y, object), tuple, pd.Index, pd.Categorical,
    lambda y: np.unique(y, return_inverse=True)[1].astype(">i4"),
])  # fmt: skip
def test_containers_of_labels(as_given):
    rng = np.random.RandomState(0)
    x = rng.randn(40, 4)
    y = as_given([["red", "blue", "green"][i] for i in rng.randint(0, 3, 40)])
    settings = {"max_iter": 5, "random_state": 0, "early_stopping": True}
    theirs = quiet(sklearn.neural_network.MLPClassifier(**settings), x, y)
    ours = quiet(fastmlp.MLPClassifier(**settings), x, y, X_val=None)
    assert_same(theirs, ours, x)
    assert quiet(fastmlp.MLPClassifier(**settings), x, y, X_val=x, y_val=y).score(x, y) > 0


def test_sparse_indicator():
    x, y = load("multilabel")
    settings = {"max_iter": 5, "random_state": 0}
    theirs = quiet(sklearn.neural_network.MLPClassifier(**settings), x, sparse.csr_matrix(y))
    ours = quiet(fastmlp.MLPClassifier(**settings), x, sparse.csr_matrix(y))
    assert type(ours.predict(x)) is type(theirs.predict(x))
    np.testing.assert_array_equal(ours.predict(x).toarray(), theirs.predict(x).toarray())


def test_partial_fit():
    for name, settings in (
        ("wine", {}),
        ("diabetes", {"solver": "sgd", "learning_rate_init": 0.01}),
    ):
        x, y = load(name)
        fitted = []
        for library in (sklearn.neural_network, fastmlp):
            estimator = getattr(library, kind(name))(random_state=0, **settings)
            first = {"classes": np.unique(y)} if name == "wine" else {}
            for part in (slice(0, 60), slice(30, 140), slice(100, None)):
                estimator.partial_fit(x[part], y[part], **first)
                first = {}
            fitted.append(estimator)
        assert_same(*fitted, x)


@pytest.mark.parametrize("name", ["wine", "diabetes"])
def test_float32_stays(name):
    x, y = load(name)
    ours = quiet(getattr(fastmlp, kind(name))(max_iter=20, random_state=0), x.astype("f4"), y)
    assert {w.dtype.name for w in [*ours.coefs_, *ours.intercepts_]} == {"float32"}
    theirs = quiet(
        getattr(sklearn.neural_network, kind(name))(max_iter=20, random_state=0), x.astype("f4"), y
    )
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-4)
    if name == "diabetes":
        assert ours.predict(x.astype("f4")).dtype == np.float32


@pytest.mark.parametrize("library", [sklearn.neural_network, fastmlp], ids=["theirs", "ours"])
def test_generator_goes_on_as_theirs(library):
    x, y = load("wine")
    generator = np.random.RandomState(5)
    quiet(library.MLPClassifier(max_iter=3, random_state=generator, early_stopping=True), x, y)
    expected = np.random.RandomState(5)
    quiet(
        sklearn.neural_network.MLPClassifier(
            max_iter=3, random_state=expected, early_stopping=True
        ), x, y
    )  # fmt: skip
    assert generator.randint(10**6) == expected.randint(10**6)


def test_too_few_epochs_warn():
    x, y = load("wine")
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\) reached"):
        fastmlp.MLPClassifier(max_iter=2).fit(x, y)
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after 2"):
        fastmlp.MLPClassifier(max_iter=2, solver="lbfgs").fit(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fastmlp.MLPClassifier(max_iter=2).partial_fit(x, y, classes=[0, 1, 2])


def test_lines_are_theirs(capsys):
    x, y = load("wine")
    settings = {
        "max_iter": 30, "random_state": 0, "verbose": True, "tol": 0.2, "n_iter_no_change": 2,
        "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1,
    }  # fmt: skip
    for extra in ({}, {"early_stopping": True}, {"solver": "adam"}):
        quiet(sklearn.neural_network.MLPClassifier(**settings | extra), x, y)
        expected = capsys.readouterr().out
        quiet(fastmlp.MLPClassifier(**settings | extra), x, y)
        assert capsys.readouterr().out == expected


@pytest.mark.parametrize("settings", [
    {"solver": "adam", "tol": 0.05, "n_iter_no_change": 2},
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 1},
    {"solver": "adam", "shuffle": False, "tol": 0.05, "n_iter_no_change": 2},
    {"solver": "adam", "tol": 0.02, "n_iter_no_change": 4, "batch_size": 40},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("is_weighted", [False, True], ids=["", "weighted"])
def test_epochs_run_ahead_are_taken_back(settings, is_weighted):
    """Epochs of one step, or four, run in blocks, and the last one is within a block."""
    weights = weights_of(150) if is_weighted else None
    settings = settings | {"max_iter": 300, "learning_rate_init": 0.02}
    generators = [np.random.RandomState(0), np.random.RandomState(0)]
    x, y = load("iris")
    theirs = quiet(
        sklearn.neural_network.MLPClassifier(random_state=generators[0], **settings),
        x, y, sample_weight=weights,
    )  # fmt: skip
    ours = quiet(
        fastmlp.MLPClassifier(random_state=generators[1], **settings), x, y, sample_weight=weights
    )
    assert 3 < ours.n_iter_ < 300
    assert_same(theirs, ours, x)
    assert generators[0].randint(10**9) == generators[1].randint(10**9)


def test_epochs_run_ahead_of_a_divergence(monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 8)), rng.normal(size=40)

    def after_it():
        generator = np.random.RandomState(3)
        model = fastmlp.MLPRegressor(
            hidden_layer_sizes=(5,), solver="sgd", activation="identity", alpha=0.0,
            learning_rate_init=0.5, max_iter=4000, n_iter_no_change=4000, tol=0.0,
            random_state=generator,
        )  # fmt: skip
        with pytest.raises(ValueError, match="non-finite parameter weights"):
            model.fit(x, y)
        return generator.randint(10**9)

    found = after_it()
    monkeypatch.setattr(epochs, "LONGEST", 1)
    assert after_it() == found


def test_epochs_run_ahead_until_an_interrupt(monkeypatch):
    from fastmlp.training.stopping import Stopping

    x, y = load("iris")
    original = Stopping.end_epoch
    n_ended = []

    def interrupt(self, epoch, logs, parameters):
        n_ended.append(epoch)
        if len(n_ended) == 12:
            raise KeyboardInterrupt
        return original(self, epoch, logs, parameters)

    monkeypatch.setattr(Stopping, "end_epoch", interrupt)
    ours = fastmlp.MLPClassifier(random_state=0)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        ours.fit(x, y)
    monkeypatch.undo()
    whole = quiet(fastmlp.MLPClassifier(random_state=0, max_iter=12), x, y)
    assert ours.n_iter_ == 12
    for a, b in zip(ours.coefs_, whole.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)
