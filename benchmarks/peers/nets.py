"""What a worker does with a net of given weights, whoever predicts with it; runs in the child."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.case import Case
from benchmarks.peers.session import repeat

_predict: Callable[[NDArray], NDArray]


def keep_mlp(module: str, case: Case) -> None:
    """Keep an `MLP`, fastmlp's or the tutorial's, with the case's first weights."""
    global _predict
    mlp = importlib.import_module(module).MLP(*case.layer_sizes)
    weights, biases = case.initial_parameters()
    mlp.w1, mlp.w2, mlp.b1, mlp.b2 = *weights, *biases
    # The tutorial stops at `forward`; this is how its readers go on.
    _predict = getattr(mlp, "predict", lambda x: np.argmax(mlp.forward(x)[1], axis=1))


def keep_classifier(module: str, case: Case) -> None:
    """Keep an `MLPClassifier` with these weights, fitted so that it knows of classes."""
    global _predict
    x, y = case.load()
    kind = importlib.import_module(module).MLPClassifier
    with warnings.catch_warnings():  # of too few epochs
        warnings.simplefilter("ignore")
        model = kind(case.layer_sizes[1:-1], max_iter=1).fit(x[:1000].astype(case.dtype), y[:1000])
    model.coefs_, biases = case.initial_parameters()
    model.intercepts_ = [b[0] for b in biases]
    _predict = model.predict


def predictions(x: NDArray) -> NDArray:
    return _predict(x)


def best_prediction(x: NDArray, seconds: float) -> float:
    return min(repeat(lambda: _predict(x), seconds))
