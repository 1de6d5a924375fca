"""One long table: time and memory of a fit."""

from __future__ import annotations

import resource
import sys
import time
from typing import NamedTuple

import numpy as np

N_ROWS, N_COLUMNS = 100_000, 50


class Large(NamedTuple):
    """`memory` is what the fit has added to the process's peak; both in bytes."""

    seconds: float
    cpu: float
    encoded: int
    memory: int


def measure(n_threads: int, n_rows: int = N_ROWS) -> Large:
    """Fit a TableRegressor to random numbers; called in a process of its own."""
    from fastmlp import TableRegressor

    random = np.random.default_rng(0)
    x = random.standard_normal((n_rows, N_COLUMNS), dtype=np.float32)
    y = np.sin(x[:, :5].sum(axis=1)) + 0.1 * random.standard_normal(n_rows)
    TableRegressor(n_threads=n_threads, random_state=0).fit(x[:500], y[:500])  # compile
    before, wall, cpu = peak(), time.perf_counter(), time.process_time()
    model = TableRegressor(n_threads=n_threads, random_state=0).fit(x, y)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    encoded = 4 * n_rows * len(model.encoder_.get_feature_names_out())
    return Large(wall, cpu, encoded, peak() - before)


def peak() -> int:
    """The process's largest resident size so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
