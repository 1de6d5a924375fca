"""What a worker does with a grid of fits: the same fits, run in one of several ways."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from numpy.typing import NDArray

from benchmarks.peers.estimators import Fit

Fits = list[tuple[Any, NDArray]]  # estimators, and the numbers of their rows


@dataclass(frozen=True)
class Grid:
    """Settings of `fit`, each of them on each of the folds."""

    fit: Fit
    settings: list[dict[str, Any]]
    n_folds: int


def timed_grid(way: str, grid: Grid) -> tuple[float, list[float]]:
    """Seconds of all fits in one of the WAYS, with folds' copies and processes; their losses."""
    from sklearn.model_selection import KFold

    import fastmlp

    x, y = grid.fit.table.load()
    folds = [train for train, _ in KFold(grid.n_folds, shuffle=True, random_state=0).split(x)]
    of_class = getattr(fastmlp, grid.fit.class_name)
    alone = {} if way == "loop" else {"n_threads": 1}
    fits = [
        (of_class(**grid.fit.settings, **settings, **alone), rows)
        for settings in grid.settings
        for rows in folds
    ]
    begin = time.perf_counter()
    with warnings.catch_warnings():  # of too few epochs
        warnings.simplefilter("ignore")
        fitted = WAYS[way](fits, x, y)
    return time.perf_counter() - begin, [model.loss_ for model in fitted]


def _fitted(model: Any, rows: NDArray, x: NDArray, y: NDArray) -> Any:
    return model.fit(x[rows], y[rows])


def _quietly(model: Any, rows: NDArray, x: NDArray, y: NDArray) -> Any:
    """As `_fitted`, in a process that has filters of its own for warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _fitted(model, rows, x, y)


def _many(fits: Fits, x: NDArray, y: NDArray) -> list[Any]:
    import fastmlp

    return fastmlp.fit_many([m for m, _ in fits], x, y, splits=[rows for _, rows in fits])


def _loop(fits: Fits, x: NDArray, y: NDArray) -> list[Any]:
    return [_fitted(model, rows, x, y) for model, rows in fits]


def _joblib(backend: str, fits: Fits, x: NDArray, y: NDArray) -> list[Any]:
    from joblib import Parallel, delayed

    fitted = _quietly if backend == "loky" else _fitted
    return Parallel(2, backend=backend)(delayed(fitted)(m, rows, x, y) for m, rows in fits)


WAYS: dict[str, Callable[[Fits, NDArray, NDArray], list[Any]]] = {
    "fit_many": _many,
    "threading": partial(_joblib, "threading"),
    "loky": partial(_joblib, "loky"),
    "loop": _loop,
}
