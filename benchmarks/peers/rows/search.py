"""Row 24: GridSearchCV in two processes, which have been started before."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import estimators, tables
from benchmarks.peers.estimators import Fit
from benchmarks.peers.field import Fields
from benchmarks.peers.pair import MODULES, OURS, THEIRS, AbsentError, not_there, pair, times_target
from benchmarks.peers.race import race
from benchmarks.peers.run import Run, Target
from benchmarks.peers.worker import THREAD_VARIABLES, Worker

WHAT = "GridSearchCV on digits, 12 settings x 5 folds, 60 epochs, n_jobs=2"
TIMES_FASTER = 5.0
Grid = dict[str, list[Any]]
GRID: Grid = {
    "hidden_layer_sizes": [(25,), (50,), (100,), (50, 50)],
    "alpha": [1e-5, 1e-4, 1e-3],
}
FOLDS, EPOCHS, ROUNDS = 5, 60, 3
TOLERANCE = 1e-3  # between mean scores over folds: two of the 1,797 rows


def measure(run: Run, fields: Fields) -> list[Target]:
    table, settings = tables.small_digits(run), {"random_state": 0, "tol": 0.0}
    grid = {name: values[: 1 if run.quick else None] for name, values in GRID.items()}
    warm_up, fit = (Fit("MLPClassifier", table, {**settings, "max_iter": n}) for n in (1, EPOCHS))
    # A thread for each of joblib's processes.
    environment = dict.fromkeys(THREAD_VARIABLES, "1")
    try:
        with pair(min(2, max(run.thread_counts)), environment) as sides:
            ours, theirs = (
                _search(sides[label], MODULES[label], warm_up, grid)[1] for label in (OURS, THEIRS)
            )
            if not np.abs(ours - theirs).max() <= TOLERANCE:
                raise AssertionError(f"{WHAT}: scores after an epoch of {ours} and {theirs}")
            seconds = race(
                {
                    label: partial(_seconds, worker, MODULES[label], fit, grid)
                    for label, worker in sides.items()
                },
                1 if run.quick else ROUNDS,
            )
    except AbsentError as why:
        return [not_there(24, WHAT, TIMES_FASTER, why)]
    run.seconds[WHAT] = seconds
    return [times_target(24, WHAT, seconds, TIMES_FASTER)]


def _search(worker: Worker, module: str, fit: Fit, grid: Grid) -> tuple[float, NDArray]:
    return worker.call(estimators.timed_search, module, fit, grid, FOLDS)


def _seconds(worker: Worker, module: str, fit: Fit, grid: Grid) -> float:
    return _search(worker, module, fit, grid)[0]
