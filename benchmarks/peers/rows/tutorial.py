"""Row 4: case H in float64 through the tutorial's API, against the tutorial's own code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import fits
from benchmarks.peers.field import Fields
from benchmarks.peers.race import race
from benchmarks.peers.run import Run, Target, threads
from benchmarks.peers.sides import FASTMLP
from benchmarks.peers.worker import Worker

TIMES_FASTER = 5.0
TUTORIAL = "the tutorial's NumPy code"
EPOCHS = 3  # in a call of train, whose own set-up is counted


def measure(run: Run, fields: Fields) -> list[Target]:
    return [_at(run, n_threads) for n_threads in run.thread_counts]


def _at(run: Run, n_threads: int) -> Target:
    case = run.h("float64")
    with Worker(n_threads) as ours, Worker(n_threads) as theirs:
        fits_of = {
            FASTMLP.label: partial(
                ours.call, fits.tutorial_fit, "fastmlp", case, EPOCHS, n_threads=n_threads
            ),
            TUTORIAL: partial(
                theirs.call, fits.tutorial_fit, "benchmarks.peers.sides.tutorial", case, EPOCHS
            ),
        }
        w1 = [fit()[1] for fit in fits_of.values()]
        if not np.abs(w1[0] - w1[1]).max() <= 1e-9:
            raise AssertionError("the tutorial's code and fastmlp.MLP end at different weights")
        contestants = {name: partial(_seconds, fit) for name, fit in fits_of.items()}
        seconds = race(contestants, run.n_rounds)
    run.seconds[f"H, float64, {threads(n_threads)}"] = seconds
    best = {name: min(values) for name, values in seconds.items()}
    ratio = best[TUTORIAL] / best[FASTMLP.label]
    return Target(
        4,
        f"H, float64, against {TUTORIAL}, {threads(n_threads)}",
        f">= {TIMES_FASTER:.0f} times",
        f"{ratio:.2f} times",
        ratio >= TIMES_FASTER,
        f"{best[FASTMLP.label] * 1e3:.0f} against {best[TUTORIAL] * 1e3:.0f} ms",
    )


def _seconds(fit: Callable[[], tuple[float, NDArray]]) -> float:
    return fit()[0]
