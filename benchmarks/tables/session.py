"""What a worker does: fit a method, and take its time. Runs in the child."""

from __future__ import annotations

import pickle
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.tables.methods import METHODS, predicted
from benchmarks.tables.rows import Parts, divided, fingerprint
from benchmarks.tables.scores import scores
from benchmarks.tables.sets import Task

_warm: set[tuple[str, Task]] = set()


class Outcome(NamedTuple):
    """Scores and seconds of one fit; CPU time is that of all threads."""

    rows: str  # their fingerprint
    scores: dict[str, float]
    cpu: float
    wall: float
    predict: float


def measure(method: str, table: Path, seed: int, n_threads: int) -> Outcome:
    """Fit the method to the table in a file, and predict the rows to be tested on."""
    parts = divided(pickle.loads(table.read_bytes()), seed)
    with threadpool_limits(n_threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence, and of levels that are new
        if (method, parts.task) not in _warm:
            warm_up(method, parts.task, n_threads)
            _warm.add((method, parts.task))
        model = METHODS[method](parts.task, seed, n_threads)
        rows = fingerprint(parts)
        wall, cpu = time.perf_counter(), time.process_time()
        model.fit(parts.x, parts.y)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if fingerprint(parts) != rows:
            raise AssertionError(f"{method} has changed the rows that it was given")
        begin = time.perf_counter()
        found = predicted(model, parts.task, parts.x_test)
        predict = time.perf_counter() - begin
    return Outcome(rows, scores(parts.task, parts.y_test, found, parts.y), cpu, wall, predict)


def warm_up(method: str, task: Task, n_threads: int) -> None:
    """Import and compile what such a fit needs, which happens once a process, or once a machine."""
    parts = example(task)
    model = METHODS[method](task, 0, n_threads).fit(parts.x, parts.y)
    predicted(model, task, parts.x_test)


def example(task: Task, n_rows: int = 120) -> Parts:
    """A table of a number and a text, both with gaps."""
    number = np.arange(n_rows) % 7.0
    number[::11] = np.nan
    text = np.array(["a", "b", None, "c"], object)[np.arange(n_rows) % 4]
    x = pd.DataFrame({"number": number, "text": text})
    y = np.arange(n_rows) % {"binary": 2, "multiclass": 3, "regression": 5}[task]
    return Parts(task, x, y, x, y)
