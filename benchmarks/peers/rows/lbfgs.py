"""Row 26: an evaluation of loss and gradient by lbfgs."""

from __future__ import annotations

from functools import partial

from benchmarks.peers import estimators, peak, tables
from benchmarks.peers.estimators import Fit
from benchmarks.peers.field import Fields
from benchmarks.peers.pair import MODULES, OURS, THEIRS, AbsentError, not_there, pair, times_target
from benchmarks.peers.peak import OfPeak, race_beside_peak
from benchmarks.peers.run import Run, Target

WHAT = "lbfgs on digits, hidden (100,), float64: an evaluation"
TIMES_FASTER = 2.5
LIMIT = 60  # evaluations after which lbfgs stops, far from the minimum
EVALUATIONS = LIMIT + 1  # it notices when it has done one more
SECONDS = 0.6  # of a round, which is the best fit of them
TOLERANCE = 1e-3  # of the loss then reached, as a share


def measure(run: Run, fields: Fields) -> list[Target]:
    settings = {
        "solver": "lbfgs",
        "random_state": 0,
        "tol": 0.0,
        "max_iter": 10 * LIMIT,
        "max_fun": LIMIT,
    }
    fit = Fit("MLPClassifier", tables.small_digits(run), settings)
    try:
        with pair(1) as sides:
            losses = {
                label: worker.call(estimators.timed_fit, MODULES[label], fit)[1][-1]
                for label, worker in sides.items()
            }
            if not abs(losses[OURS] / losses[THEIRS] - 1) <= TOLERANCE:
                raise AssertionError(f"{WHAT}: losses of {losses}")
            contestants = {
                label: partial(worker.call, estimators.best_fit, MODULES[label], fit, SECONDS)
                for label, worker in sides.items()
            }
            seconds, best = race_beside_peak(contestants, sides[OURS], "float64", run.n_rounds)
    except AbsentError as why:
        return [not_there(26, WHAT, TIMES_FASTER, why)]
    run.seconds[WHAT] = seconds
    operations = peak.of_training(fit.table.load()[0], fit.layer_sizes(), "float64")
    of_peak = OfPeak(EVALUATIONS * operations, best)
    return [times_target(26, WHAT, seconds, TIMES_FASTER, EVALUATIONS, of_peak=of_peak)]
