"""What a worker does in a race: build a side, train it, time its epochs. Runs in the child."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.case import Case, Parameters
from benchmarks.peers.sides import Problem, Side

_side: Side | None = None
_rng = np.random.default_rng(1)


def load(module: str) -> None:
    importlib.import_module(f"benchmarks.peers.sides.{module}")


def start(module: str, class_name: str, case: Case, n_threads: int | None) -> None:
    """Build the side on the case; where another one was running, it goes first."""
    global _side
    _side = None
    side_class = getattr(importlib.import_module(f"benchmarks.peers.sides.{module}"), class_name)
    x, y = case.load()
    _side = side_class(
        Problem(
            *case.initial_parameters(),
            x=x,
            y=y,
            batch_size=case.batch_size,
            learning_rate=case.learning_rate,
            lambda_reg=case.lambda_reg,
            n_threads=n_threads,
            activation=case.activation,
            loss=case.loss,
            optimizer=case.optimizer,
        )
    )


def train(n_rows: int) -> Parameters:
    """Train on so many rows, the same ones in the same order for every side; the parameters."""
    side().epoch(order(len(side().problem.y), n_rows))
    return side().parameters()


def order(n_rows: int, n_first: int) -> NDArray[np.intp]:
    """The first of a fixed permutation of the rows, which starts again where they don't suffice."""
    return np.resize(np.random.default_rng(0).permutation(n_rows), n_first)


def best_epoch(seconds: float) -> float:
    """The fastest of the epochs that fit in so many seconds (one at least), shuffle included."""
    return min(repeat(_epoch, seconds))


def best_full_batches(seconds: float, n_epochs: int) -> float:
    """Seconds an epoch, without a shuffle, in the fastest of calls of so many epochs each."""
    order = np.tile(np.arange(len(side().problem.y)), n_epochs)
    return min(repeat(lambda: side().epoch(order), seconds)) / n_epochs


def warm_up(n_epochs: int) -> None:
    for _ in range(n_epochs):
        _epoch()


def median_epoch(seconds: float) -> float:
    return median(repeat(_epoch, seconds))


def _epoch() -> None:
    side().epoch(_rng.permutation(len(side().problem.y)))


def best_prediction(x_file: Path, seconds: float) -> float:
    predict = side().predictor(np.load(x_file))
    predict()
    return min(repeat(predict, seconds))


def predictions(x_file: Path) -> NDArray:
    return side().predictor(np.load(x_file))()


def side() -> Side:
    if _side is None:
        raise RuntimeError("no side has been started")
    return _side


def repeat(function: Callable[[], object], seconds: float) -> list[float]:
    """The times of as many calls as fit, one at least."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return times
