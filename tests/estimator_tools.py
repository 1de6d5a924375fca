"""Data for the tests of the estimators, and fits of both libraries."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import sklearn.neural_network
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

import fastmlp

CLASSIFIERS = ("wine", "cancer", "digits", "multilabel")


def load(name: str) -> tuple[Any, Any]:
    """Scaled features and targets of a data set."""
    if name == "multilabel":
        x, y = datasets.make_multilabel_classification(n_samples=200, random_state=0)
        return scale(x), y
    loaders = {
        "wine": datasets.load_wine,
        "cancer": datasets.load_breast_cancer,
        "digits": datasets.load_digits,
        "iris": datasets.load_iris,
        "diabetes": datasets.load_diabetes,
    }
    x, y = loaders[name](return_X_y=True)
    return scale(x), scale(y) if name == "diabetes" else y


def kind(name: str) -> str:
    """The class that learns a data set."""
    return "MLPRegressor" if name == "diabetes" else "MLPClassifier"


def quiet(estimator: Any, *args: Any, **keywords: Any) -> Any:
    """Fit without a word on epochs that were too few."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(*args, **keywords)


def fit_both(name: str, sample_weight: Any = None, **settings: Any) -> tuple[Any, Any, Any]:
    """Return features, and scikit-learn's and our estimator, fitted alike."""
    x, y = load(name)
    settings = {"max_iter": 20, "random_state": 1} | settings
    fitted = [
        quiet(getattr(library, kind(name))(**settings), x, y, sample_weight=sample_weight)
        for library in (sklearn.neural_network, fastmlp)
    ]
    return x, *fitted


def weights_of(n: int) -> Any:
    """Weights of rows, some of them 0."""
    return np.random.RandomState(3).randint(0, 3, n) * 0.7


def same_weights(one: Any, other: Any) -> bool:
    """Whether two networks are the same, to the bit."""
    return all(np.array_equal(a, b) for a, b in zip(one.coefs_, other.coefs_, strict=True))
