"""Fits a copy of an estimator on an engine that watches its trainers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from fastmlp.history import History


def watched_fit(
    estimator: Any, engine: Any, x: Any, y: Any, n_epochs: int, tell: Callable[..., object]
) -> History:
    """Fit a copy for so many epochs, each of them told of; return their history.

    Raises
    ------
    ValueError
        If its solver takes no mini-batches.
    """
    if estimator.solver == "lbfgs":
        raise ValueError(
            "solver is 'lbfgs', which has no steps to profile: give an estimator with a solver of "
            "mini-batches, such as adam"
        )
    watched = clone(estimator)
    # A class of its own, since the engine is the class's.
    watched.__class__ = type(
        type(estimator).__name__, (type(estimator),), {"_engine": property(lambda _: engine)}
    )
    watched.set_params(
        max_iter=n_epochs, n_iter_no_change=n_epochs, early_stopping=False, warm_start=False,
        max_seconds=None, verbose=False, callbacks=[tell],
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # all epochs are what was asked for
        watched.fit(x, y)
    history: History = watched.history_
    return history
