"""What a worker does with an estimator, fastmlp's or scikit-learn's; runs in the child.

`module` says whose: "fastmlp" or "sklearn.neural_network". The classes have one interface.
"""

from __future__ import annotations

import importlib
import time
import warnings
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.session import repeat


@dataclass(frozen=True)
class Table:
    """Files of rows, .npy or SciPy's .npz, and of targets."""

    x_file: Path
    y_file: Path

    def load(self) -> tuple[Any, NDArray]:
        return _load(self.x_file), _load(self.y_file)


@dataclass(frozen=True)
class Fit:
    """A class, what its constructor is given, and what `fit` is."""

    class_name: str
    table: Table
    settings: dict[str, Any] = field(default_factory=dict)

    def layer_sizes(self) -> tuple[int, ...]:
        """Inputs, hidden units, outputs; a classifier has three classes or more."""
        x, y = self.table.load()
        outputs = len(np.unique(y)) if self.class_name == "MLPClassifier" else 1
        return (x.shape[1], *self.settings.get("hidden_layer_sizes", (100,)), outputs)


def why_absent(module: str) -> str | None:
    """Why `module` has no estimators; None where it has."""
    try:
        found = importlib.import_module(module)
        return None if hasattr(found, "MLPClassifier") else f"{module}.MLPClassifier is not there"
    except ImportError as error:
        return str(error)


def timed_fit(module: str, fit: Fit) -> tuple[float, NDArray]:
    """Seconds of a whole fit, checks and first weights included; the epochs' losses."""
    x, y = fit.table.load()
    begin = time.perf_counter()
    model = _fitted(module, fit, x, y)
    seconds = time.perf_counter() - begin
    return seconds, np.array(getattr(model, "loss_curve_", [model.loss_]))


def best_fit(module: str, fit: Fit, seconds: float) -> float:
    """Seconds of the fastest whole fit, of those that fit in so many; of one at least."""
    x, y = fit.table.load()
    return min(repeat(lambda: _fitted(module, fit, x, y), seconds))


def timed_search(
    module: str, fit: Fit, grid: dict[str, list[Any]], folds: int
) -> tuple[float, NDArray]:
    """Seconds of a grid search with two processes, which run already; its settings' scores."""
    from sklearn.model_selection import GridSearchCV

    x, y = fit.table.load()
    search = GridSearchCV(_estimator(module, fit), grid, cv=folds, n_jobs=2)
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(x, y)
    return time.perf_counter() - begin, search.cv_results_["mean_test_score"]


_model: Any = None


def keep(module: str, fit: Fit) -> None:
    """Fit, and keep the model for `best_prediction`."""
    global _model
    _model = _fitted(module, fit, *fit.table.load())


def best_prediction(x: NDArray, seconds: float) -> float:
    return min(repeat(lambda: _model.predict(x), seconds))


def predictions(x: NDArray) -> NDArray:
    return _model.predict(x)


def _fitted(module: str, fit: Fit, x: Any, y: NDArray) -> Any:
    with warnings.catch_warnings():  # of too few epochs
        warnings.simplefilter("ignore")
        return _estimator(module, fit).fit(x, y)


def _estimator(module: str, fit: Fit) -> Any:
    return getattr(importlib.import_module(module), fit.class_name)(**fit.settings)


@cache
def _load(path: Path) -> Any:
    if path.suffix == ".npz":
        from scipy.sparse import load_npz

        return load_npz(path)
    return np.load(path)
