"""scikit-learn's boosted trees, one estimator a fold, to be averaged in."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from fastmlp.checks import warn_user
from fastmlp.tables.clock import Clock
from fastmlp.tables.kept import Kept
from fastmlp.tables.members import Fold

Array = NDArray[Any]
LARGE = 1_000_000  # cells of a table
N_TRIED = 5  # trees, to find out how long all of them will take


def fit_trees(
    is_classifier: bool,
    x: Array,
    targets: Array,
    weights: Array | None,
    folds: Sequence[Fold],
    seed: int,
    n_threads: int,
    clock: Clock,
    kept: Kept,
) -> list[Any]:
    """Return boosted trees for each fold; None where its rows are of one class.

    All are None, with a warning, where they would take more than half of the time that is left:
    some trees alone predict badly. A fit that goes on has them if it had them before.
    """
    kind = HistGradientBoostingClassifier if is_classifier else HistGradientBoostingRegressor

    def fit(rows: NDArray[np.intp], **settings: Any) -> Any:
        if is_classifier and len(np.unique(targets[rows])) < 2:
            return None
        ends_early = _ends_early(targets[rows], is_classifier)
        trees = kind(random_state=seed, early_stopping=ends_early, **settings)
        own = None if weights is None else weights[rows]
        return trees.fit(x[rows], targets[rows], own)

    def is_time() -> bool:
        if clock.most == math.inf:
            return True
        left = clock.left
        n_outputs = len(np.unique(targets)) if is_classifier else 1
        n_trees = kind().max_iter * (n_outputs if n_outputs > 2 else 1) * len(folds)
        seconds = n_trees * _seconds_a_tree(x, targets, folds[0].train)
        if seconds > left / 2:
            warn_user(
                f"trees=True: the trees are left out, since they would take about "
                f"{seconds:.2g} s of the {left:.2g} s that max_seconds leaves: give it more"
            )
        return seconds <= left / 2

    with on_threads(n_threads, x):
        has_trees = kept.has_trees(is_time)
        return [fit(fold.train) if has_trees else None for fold in folds]


def _seconds_a_tree(x: Array, targets: Array, rows: NDArray[np.intp]) -> float:
    """Return about how long one of a classifier's trees takes, too: its steps have many of them."""
    begin = time.perf_counter()
    HistGradientBoostingRegressor(max_iter=N_TRIED, early_stopping=False).fit(
        x[rows], targets[rows]
    )
    return (time.perf_counter() - begin) / N_TRIED


def on_threads(n_threads: int, x: Array) -> Any:
    """Return a context in which trees use at most so many threads; for a small table one.

    OpenMP's threads wait for each other at each node of a tree, which takes longer than a few rows
    do, and very long where other programs are at work.
    """
    return threadpool_limits(n_threads if x.size >= LARGE else 1, user_api="openmp")


def probabilities(trees: Any, x: Array, n_classes: int) -> NDArray[np.float64]:
    """Return the trees' probabilities (n_rows, n_classes), 0 of classes that they don't know."""
    found = np.zeros((len(x), n_classes))
    found[:, trees.classes_] = trees.predict_proba(x)
    return found


def _ends_early(targets: Array, is_classifier: bool) -> bool | str:
    """Return scikit-learn's default, but not where it would fail to split classes of one row."""
    is_rare = is_classifier and np.unique(targets, return_counts=True)[1].min() < 2
    return False if is_rare else "auto"
