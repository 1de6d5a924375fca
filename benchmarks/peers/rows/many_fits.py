"""Row 30: `fit_many` against the ways to run the same fits with joblib."""

from __future__ import annotations

from functools import partial

from benchmarks.peers import estimators, searches, tables
from benchmarks.peers.estimators import Fit
from benchmarks.peers.field import Fields
from benchmarks.peers.race import race
from benchmarks.peers.run import Run, Target
from benchmarks.peers.searches import WAYS, Grid
from benchmarks.peers.worker import THREAD_VARIABLES, Worker, available_cores

WHAT = "fit_many: H with adam, 6 settings x 5 folds, one epoch, 2 cores"
TIMES_FASTER = 1.5
TARGET = f">= {TIMES_FASTER:g} times joblib, the same losses"
RATES, STRENGTHS, FOLDS, ROUNDS = (0.001, 0.003), (1e-5, 1e-4, 1e-3), 5, 5


def measure(run: Run, fields: Fields) -> list[Target]:
    if len(available_cores()) < 2:
        return [Target(30, WHAT, TARGET, "-", None, "needs two cores")]
    settings = {"hidden_layer_sizes": (64,), "batch_size": 64, "max_iter": 1, "random_state": 0}
    cells = [{"learning_rate_init": rate, "alpha": alpha} for rate in RATES for alpha in STRENGTHS]
    fit = Fit("MLPClassifier", tables.mnist(run, "float32"), settings)
    grid = Grid(fit, cells[: 1 if run.quick else None], FOLDS)
    # A thread for each of joblib's processes.
    environment = dict.fromkeys(THREAD_VARIABLES, "1")
    with Worker(2) as ours, Worker(2, environment=environment) as theirs:
        workers = {way: theirs if way == "loky" else ours for way in WAYS}
        why = ours.call(estimators.why_absent, "fastmlp")
        if why is not None:
            return [Target(30, WHAT, TARGET, "not there", None, why)]
        # Compiles, and starts joblib's processes.
        losses = {way: workers[way].call(searches.timed_grid, way, grid)[1] for way in WAYS}
        if any(found != losses["loop"] for found in losses.values()):
            raise AssertionError(f"{WHAT}: losses of {losses}")
        seconds = race(
            {way: partial(_seconds, workers[way], way, grid) for way in WAYS},
            1 if run.quick else ROUNDS,
        )
    run.seconds[WHAT] = seconds
    best = {way: min(values) for way, values in seconds.items()}
    ratio = min(best["threading"], best["loky"]) / best["fit_many"]
    note = "; ".join(f"{way} {value * 1e3:.0f} ms" for way, value in best.items())
    return [Target(30, WHAT, TARGET, f"{ratio:.2f} times", ratio >= TIMES_FASTER, note)]


def _seconds(worker: Worker, way: str, grid: Grid) -> float:
    return worker.call(searches.timed_grid, way, grid)[0]
