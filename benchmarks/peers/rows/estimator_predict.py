"""Row 25: `predict` of the estimators, through scikit-learn's validation of its argument."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.peers import estimators, tables
from benchmarks.peers.estimators import Fit
from benchmarks.peers.field import Fields
from benchmarks.peers.pair import MODULES, OURS, THEIRS, AbsentError, not_there, pair, times_target
from benchmarks.peers.race import race
from benchmarks.peers.run import Run, Target

TIMES_FASTER = {1: 1.5, 10_000: 3.0}  # by rows
SAME = 0.999  # share of the labels; a tie of two logits may go either way


def measure(run: Run, fields: Fields) -> list[Target]:
    table = tables.small_digits(run)
    fit = Fit("MLPClassifier", table, {"random_state": 0, "max_iter": 20})
    rows = table.load()[0]
    what = {n: f"predict through validation, {n:,} x {rows.shape[1]}" for n in TIMES_FASTER}
    targets = []
    try:
        with pair(1) as sides:
            for label, worker in sides.items():
                worker.call(estimators.keep, MODULES[label], fit)
            for n_rows, times_faster in TIMES_FASTER.items():
                x = np.resize(rows, (n_rows, rows.shape[1]))
                ours, theirs = (
                    sides[label].call(estimators.predictions, x) for label in (OURS, THEIRS)
                )
                if np.mean(ours == theirs) < SAME:
                    raise AssertionError(f"{what[n_rows]}: labels differ")
                seconds = race(
                    {
                        label: partial(worker.call, estimators.best_prediction, x, 0.2)
                        for label, worker in sides.items()
                    },
                    run.n_rounds,
                )
                run.seconds[what[n_rows]] = seconds
                targets.append(times_target(25, what[n_rows], seconds, times_faster))
    except AbsentError as why:
        return [not_there(25, what[n], times, why) for n, times in TIMES_FASTER.items()]
    return targets
