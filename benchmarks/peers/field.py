"""The sides that take part, a worker each, and the check that all compute the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import lru_cache

import numpy as np

from benchmarks.peers import session
from benchmarks.peers.case import Case, Parameters, loss_of
from benchmarks.peers.run import Run, threads
from benchmarks.peers.sides import FASTMLP, PEERS, Entry
from benchmarks.peers.worker import Worker, WorkerError
from fastmlp import reference

# What an epoch in float32, summed in any order, may differ by from one in float64.
LOSS_TOLERANCE = 1e-4
WEIGHTS_TOLERANCE = 1e-2

Field = dict[Entry, Worker]


class Fields:
    """For each number of threads, the workers of fastmlp and of the peers that can be imported.

    They are started when first asked for, and serve all the rows that race. A context manager.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._fields: dict[int, Field] = {}
        self._stack = ExitStack()

    def at(self, n_threads: int) -> Field:
        if n_threads not in self._fields:
            self._run.show(f"starting the sides, {threads(n_threads)}")
            self._fields[n_threads] = field = {}
            for entry in (FASTMLP, *PEERS):
                worker = self._stack.enter_context(Worker(n_threads))
                try:
                    worker.call(session.load, entry.module)
                except WorkerError as error:
                    if error.missing_module is None or error.missing_module.startswith("fastmlp"):
                        raise
                    self._run.missing[entry.label] = f"{error.missing_module} is not installed"
                else:
                    field[entry] = worker
        return self._fields[n_threads]

    def __enter__(self) -> Fields:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def line_up(field: Field, case: Case, n_threads: int | Mapping[Entry, int | None]) -> None:
    """Start every side on the case and assert that an epoch takes all to the same weights.

    The yardstick is the project's reference in float64. The epoch also warms up: what a side
    compiles, it compiles here.
    """
    x, y = case.load()
    expected, expected_loss = reference_epoch(case)
    for entry, worker in field.items():
        own = n_threads if isinstance(n_threads, int) else n_threads[entry]
        worker.call(session.start, entry.module, entry.class_name, case, own)
        got = worker.call(session.train, 1)
        check_close(f"{entry.label} on {case.name}", case, got, expected)
        loss = loss_of(got, x, y)
        if not abs(loss - expected_loss) <= LOSS_TOLERANCE * expected_loss:
            raise AssertionError(
                f"{entry.label} on {case.name}: a loss of {loss:.6f} after an epoch, "
                f"where the reference has {expected_loss:.6f}"
            )


@lru_cache(maxsize=1)
def reference_epoch(case: Case) -> tuple[Parameters, float]:
    """Parameters after an epoch of the reference in float64, and their loss on all rows."""
    x, y = case.load()
    weights, biases = (
        [array.astype(np.float64) for array in arrays] for arrays in case.initial_parameters()
    )
    trainer = reference.Trainer(
        weights,
        biases,
        x,
        y,
        batch_size=case.batch_size,
        learning_rate=case.learning_rate,
        lambda_reg=case.lambda_reg,
    )
    trainer.epoch(session.order(0, len(y)))
    trainer.export()
    return (weights, biases), loss_of((weights, biases), x, y)


def check_close(name: str, case: Case, got: Parameters, expected: Parameters) -> None:
    """Compare how far the epoch took each array, by norms: single units may differ by more.

    Where a sum lies next to 0, rounding decides whether ReLU lets it through.
    """
    start = case.initial_parameters()
    for kind, *arrays in zip("wb", got, expected, start, strict=True):
        for i, (array, other, before) in enumerate(zip(*arrays, strict=True), start=1):
            error = float(np.linalg.norm(array - other) / np.linalg.norm(other - before))
            if not error <= WEIGHTS_TOLERANCE:
                raise AssertionError(f"{name}: {kind}{i} is off by {error:.1e} after an epoch")
