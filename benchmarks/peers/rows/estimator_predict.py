"""Row 25: `predict` of the estimators, through scikit-learn's validation of its argument."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.peers import estimators, peak, tables
from benchmarks.peers.estimators import Fit
from benchmarks.peers.field import Fields
from benchmarks.peers.pair import MODULES, OURS, THEIRS, AbsentError, not_there, pair, times_target
from benchmarks.peers.peak import OfPeak, race_beside_peak
from benchmarks.peers.run import Run, Target

TIMES_FASTER = {1: 1.5, 10_000: 3.0}  # by rows
PERCENT = {10_000: {"zen_5": 82, "zen_4": 78}}  # of a core's peak
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
                contestants = {
                    label: partial(worker.call, estimators.best_prediction, x, 0.2)
                    for label, worker in sides.items()
                }
                dtype = x.dtype.name
                seconds, best = race_beside_peak(contestants, sides[OURS], dtype, run.n_rounds)
                run.seconds[what[n_rows]] = seconds
                of_peak = None
                if n_rows in PERCENT:
                    operations = peak.of_prediction(x, fit.layer_sizes(), dtype)
                    of_peak = OfPeak(operations, best, PERCENT[n_rows])
                targets.append(
                    times_target(25, what[n_rows], seconds, times_faster, of_peak=of_peak)
                )
    except AbsentError as why:
        return [not_there(25, what[n], times, why) for n, times in TIMES_FASTER.items()]
    return targets
