"""Rows 18 to 23: whole fits of the estimators against scikit-learn's, kernels warm.

All but the smallest and the sparse one say how much of a core's peak they reach.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.peers import estimators, peak, tables
from benchmarks.peers.estimators import Fit, Table
from benchmarks.peers.field import Fields
from benchmarks.peers.pair import MODULES, OURS, THEIRS, AbsentError, not_there, pair, times_target
from benchmarks.peers.peak import OfPeak, race_beside_peak
from benchmarks.peers.run import Run, Target
from benchmarks.peers.worker import Worker

SHARES_OF_PEAK = (18, 19, 20, 22)
COMPARED = 20  # epochs whose losses have to agree: then rounding leads runs apart
SECONDS = 0.6  # of a round, which is the best fit of them
TOLERANCE = {"float32": 1e-2, "float64": 1e-6}


@dataclass(frozen=True)
class Row:
    """What is fitted, for how many epochs, and how many times faster it should be.

    `percent` is the share of a core's peak to reach, which then is the target; see `OfPeak`.
    """

    what: str
    table: Callable[[Run], Table]
    dtype: str
    epochs: int
    times_faster: float
    settings: dict[str, Any]
    class_name: str = "MLPClassifier"
    percent: dict[str, float] | None = None


SMALL = {"hidden_layer_sizes": (64,), "batch_size": 64}
ROWS = {
    18: Row(
        "MNIST, hidden (64,), batch 64, adam, float32",
        partial(tables.mnist, dtype="float32"),
        "float32",
        4,
        12.0,
        SMALL,
    ),
    19: Row(
        "MNIST, hidden (64,), batch 64, sgd with its momentum, float64",
        partial(tables.mnist, dtype="float64"),
        "float64",
        4,
        9.0,
        {**SMALL, "solver": "sgd"},
    ),
    20: Row(
        "scikit-learn's digits, defaults",
        tables.small_digits,
        "float64",
        100,
        6.0,
        {},
        percent={"zen_5": 70, "zen_4": 76},
    ),
    21: Row("iris, defaults", tables.iris, "float64", 200, 8.0, {}),
    22: Row(
        "100,000 x 50 dense, hidden (128, 64), adam, regressor",
        tables.numbers,
        "float32",
        4,
        6.0,
        {"hidden_layer_sizes": (128, 64)},
        "MLPRegressor",
        percent={"zen_5": 74, "zen_4": 80},
    ),
    23: Row("CSR, 20,000 x 10,000 at 0.5 %, adam", tables.sparse, "float32", 3, 5.0, {}),
}


def measure(number: int, run: Run, fields: Fields) -> list[Target]:
    row = ROWS[number]
    what = f"{row.what}: a fit of {row.epochs} epochs"
    settings = {
        "random_state": 0,
        "max_iter": row.epochs,
        "tol": 0.0,
        "n_iter_no_change": row.epochs,  # never fewer
        **row.settings,
    }
    fit = Fit(row.class_name, row.table(run), settings)
    try:
        with pair(1) as sides:
            _agree(what, row, fit, sides)
            contestants = {
                label: partial(worker.call, estimators.best_fit, MODULES[label], fit, SECONDS)
                for label, worker in sides.items()
            }
            seconds, best = race_beside_peak(contestants, sides[OURS], row.dtype, run.n_rounds)
    except AbsentError as why:
        return [not_there(number, what, row.times_faster, why)]
    run.seconds[what] = seconds
    of_peak = None
    if number in SHARES_OF_PEAK:
        operations = peak.of_training(fit.table.load()[0], fit.layer_sizes(), row.dtype)
        of_peak = OfPeak(row.epochs * operations, best, row.percent)
    return [times_target(number, what, seconds, row.times_faster, row.epochs, " an epoch", of_peak)]


def _agree(what: str, row: Row, fit: Fit, sides: dict[str, Worker]) -> None:
    """Both sides' losses, epoch by epoch; this warms up too."""
    ours, theirs = (
        sides[label].call(estimators.timed_fit, MODULES[label], fit)[1] for label in (OURS, THEIRS)
    )
    if len(ours) != len(theirs) or len(ours) != row.epochs:
        raise AssertionError(f"{what}: {len(ours)} epochs against {len(theirs)}")
    error = float(np.max(np.abs(ours / theirs - 1)[:COMPARED]))
    if not error <= TOLERANCE[row.dtype]:
        raise AssertionError(f"{what}: losses differ by {error:.1e}, as a share")
