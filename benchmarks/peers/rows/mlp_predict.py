"""Row 29: `MLP.predict` of a row, and of a hundred, against the tutorial's NumPy."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import numpy as np

from benchmarks.peers import nets
from benchmarks.peers.field import Fields
from benchmarks.peers.race import race
from benchmarks.peers.run import Run, Target
from benchmarks.peers.worker import Worker, WorkerError

OURS, TUTORIAL, ESTIMATOR = "fastmlp.MLP", "the tutorial's NumPy", "fastmlp.MLPClassifier"
SIDES = {
    OURS: (nets.keep_mlp, "fastmlp"),
    TUTORIAL: (nets.keep_mlp, "benchmarks.peers.sides.tutorial"),
    ESTIMATOR: (nets.keep_classifier, "fastmlp"),
    "scikit-learn": (nets.keep_classifier, "sklearn.neural_network"),
}
MOST_TIMES = 3.0  # of the tutorial's time, for a row
WANTED = {
    1: f"<= {MOST_TIMES:g} times NumPy, no slower than MLPClassifier.predict",
    100: "faster than NumPy",
}
SAME = 0.999  # share of the labels; a tie of two logits may go either way


def measure(run: Run, fields: Fields) -> list[Target]:
    return [target for dtype in ("float32", "float64") for target in _of(run, dtype)]


def _of(run: Run, dtype: str) -> list[Target]:
    case = run.h(dtype)
    digits = case.load()[0]
    targets = []
    with ExitStack() as stack:
        workers = {}
        for label, (keep, module) in SIDES.items():
            worker = stack.enter_context(Worker(1))
            try:
                worker.call(keep, module, case)
            except WorkerError as error:
                if error.missing_module is None:
                    raise
                run.missing[label] = str(error)
                continue
            workers[label] = worker
        for n_rows in WANTED:
            what = f"MLP.predict, {n_rows} x {digits.shape[1]}, {dtype}"
            _agree(workers, digits[:n_rows], what)
            contestants = {
                label: partial(worker.call, nets.best_prediction, digits[:n_rows], 0.2)
                for label, worker in workers.items()
            }
            run.seconds[what] = seconds = race(contestants, run.n_rounds)
            targets.append(_target(what, n_rows, {k: min(v) for k, v in seconds.items()}))
    return targets


def _agree(workers: dict[str, Worker], rows: np.ndarray, what: str) -> None:
    expected = workers[OURS].call(nets.predictions, rows)
    for label, worker in workers.items():
        same = np.mean(worker.call(nets.predictions, rows) == expected)
        if same < SAME:
            raise AssertionError(f"{what}: {label} and fastmlp agree on {same:.2%} of the labels")


def _target(what: str, n_rows: int, best: dict[str, float]) -> Target:
    ours, numpy = best[OURS], best[TUTORIAL]
    estimator = best.get(ESTIMATOR)
    if n_rows > 1:
        measured, is_met = f"{numpy / ours:.2f} times as fast", ours < numpy
    elif estimator is None:
        measured, is_met = f"{ours / numpy:.2f} times", ours <= MOST_TIMES * numpy
    else:
        measured = f"{ours / numpy:.2f} times, {ours / estimator:.2f} times"
        is_met = ours <= min(MOST_TIMES * numpy, estimator)
    note = "; ".join(f"{label} {seconds * 1e6:.1f} us" for label, seconds in best.items())
    return Target(29, what, WANTED[n_rows], measured, is_met, note)
