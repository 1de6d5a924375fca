"""Warnings of the estimators stand at the user's line, whatever lies between."""

from __future__ import annotations

import copy
import warnings

import pytest
from estimator_tools import load
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from fastmlp import MLPClassifier, MLPRegressor

X, Y = load("wine")


def interrupt(epoch, logs):
    raise KeyboardInterrupt


def partial_fit_of(model):
    model.partial_fit(X[:9], Y[:9], classes=[0, 1, 2])


def save(model):
    model.set_params(monitor=interrupt).save("model.safetensors")


ENOUGH = {"tol": 1e3, "n_iter_no_change": 1}  # ends by itself
DIVERGES = {
    "solver": "sgd", "activation": "identity", "learning_rate_init": 1e3, "early_stopping": True
}  # fmt: skip
CASES = {
    "epochs": (MLPClassifier(max_iter=2), None, ConvergenceWarning, "Maximum iterations"),
    "batch": (MLPClassifier(batch_size=999, **ENOUGH), None, UserWarning, "clipped"),
    "partial": (MLPClassifier(batch_size=999), partial_fit_of, UserWarning, "clipped"),
    "Ctrl-C": (MLPClassifier(callbacks=[interrupt]), None, UserWarning, "interrupted"),
    "divergence": (MLPRegressor(**DIVERGES), None, ConvergenceWarning, "diverged"),
    "lbfgs": (MLPClassifier(solver="lbfgs", max_iter=1), None, ConvergenceWarning, "lbfgs failed"),
    "lbfgs, Ctrl-C": (
        MLPClassifier(solver="lbfgs", callbacks=[interrupt]), None, UserWarning, "interrupted"
    ),
    "classes": (
        MLPClassifier(class_weight={"a": 2}, **ENOUGH), None, UserWarning, "class_weight names"
    ),
    "save": (MLPClassifier(**ENOUGH).fit(X, Y), save, UserWarning, "monitor: no values"),
    "pipeline": (
        make_pipeline(MLPClassifier(max_iter=2)), None, ConvergenceWarning, "Maximum iterations"
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:overflow|invalid value:RuntimeWarning")
@pytest.mark.parametrize("name", CASES)
def test_a_warning_stands_at_the_users_line(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, act, category, message = CASES[name]
    model = copy.deepcopy(model)
    with pytest.warns(category, match=message) as caught:
        act(model) if act else model.fit(X, Y)
    (warning,) = caught
    assert warning.filename == __file__
    assert warning.category is category


def test_a_warning_that_is_an_error_stops_the_fit():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning):
            MLPClassifier(max_iter=2).fit(X, Y)
