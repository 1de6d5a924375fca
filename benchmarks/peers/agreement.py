"""Before any timing: all sides take the same weights to the same weights, and the same loss.

The yardstick is the project's reference in float64. Weights are compared after a few steps only:
where a sum lies next to 0, rounding decides whether ReLU lets it through, and over hundreds of
steps such decisions lead float32 runs apart. Their losses stay together.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import session
from benchmarks.peers.case import BETA_1, BETA_2, EPSILON, MOMENTUM, Case, Parameters
from benchmarks.peers.field import Field
from benchmarks.peers.sides import Entry
from benchmarks.peers.worker import Worker
from fastmlp import reference
from fastmlp.problem import Problem

FEW_STEPS = 16
WEIGHTS_TOLERANCE = 1e-2  # after these, as a share of how far they took each array
# Of the loss after an epoch more, as a share. Adam takes small gradients as seriously as large
# ones, and their rounding too.
LOSS_TOLERANCE = {"sgd": 1e-3, "momentum": 1e-3, "adam": 2e-2}


def line_up(field: Field, case: Case, n_threads: int | Mapping[Entry, int | None]) -> None:
    """Start every side on the case and assert that all agree."""
    for entry, worker in field.items():
        own = n_threads if isinstance(n_threads, int) else n_threads[entry]
        start(entry, worker, case, own)


def start(
    entry: Entry, worker: Worker, case: Case, n_threads: int | None, given: Case | None = None
) -> None:
    """Start one side and assert that it agrees; `given` is the case with its rows in another type.

    This also warms up: what a side compiles, it compiles here.
    """
    x, y = case.load()
    few, expected, expected_loss = expectation(case)
    name = f"{entry.label} on {case.name}"
    worker.call(session.start, entry.module, entry.class_name, given or case, n_threads)
    check_weights(name, case, worker.call(session.train, few), expected)
    loss = loss_of(case, worker.call(session.train, len(y)), x, y)
    if not abs(loss - expected_loss) <= LOSS_TOLERANCE[case.optimizer] * expected_loss:
        raise AssertionError(
            f"{name}: a loss of {loss:.6f} after an epoch, not {expected_loss:.6f}"
        )


@lru_cache(maxsize=1)  # a case's numbers of threads come one after the other
def expectation(case: Case) -> tuple[int, Parameters, float]:
    """Rows of the few steps, the reference's parameters after them, its loss an epoch later."""
    x, y = case.load()
    trainer = float64_reference(case)
    few = FEW_STEPS * case.batch_size
    early = exact(trainer, case, few)
    return few, early, loss_of(case, exact(trainer, case, len(y)), x, y)


def float64_reference(case: Case) -> reference.Trainer:
    x, y = case.load()
    weights, biases = (
        [array.astype(np.float64) for array in arrays] for arrays in case.initial_parameters()
    )
    return reference.Trainer(
        weights,
        biases,
        x,
        y if y.ndim == 1 else y.astype(np.float64),
        batch_size=case.batch_size,
        learning_rate=case.learning_rate,
        lambda_reg=case.lambda_reg,
        problem=problem_of(case),
    )


def exact(trainer: reference.Trainer, case: Case, n_rows: int) -> Parameters:
    """The reference's parameters after so many rows more, those of `session.train`."""
    trainer.epoch(session.order(len(case.load()[1]), n_rows))
    trainer.export()
    weights, biases = trainer.outside
    return [w.copy() for w in weights], [b.copy() for b in biases]


def check_weights(name: str, case: Case, got: Parameters, expected: Parameters) -> None:
    start = case.initial_parameters()
    for kind, *arrays in zip("wb", got, expected, start, strict=True):
        for i, (array, other, before) in enumerate(zip(*arrays, strict=True), start=1):
            error = float(np.linalg.norm(array - other) / np.linalg.norm(other - before))
            if not error <= WEIGHTS_TOLERANCE:
                raise AssertionError(f"{name}: {kind}{i} is off by {error:.1e} after a few steps")


def loss_of(case: Case, parameters: Parameters, x: NDArray, y: NDArray) -> float:
    """Mean loss over all rows in float64, without L2: one yardstick for every side."""
    weights, biases = ([a.astype(np.float64) for a in arrays] for arrays in parameters)
    outputs = reference.forward(weights, biases, x.astype(np.float64), None, problem_of(case))[-1]
    floor = float(np.finfo(np.float64).tiny)
    return float(np.mean(reference.LOSSES[case.loss].rows(outputs, y, floor)))


def problem_of(case: Case) -> Problem:
    """What the reference is to train."""
    return Problem(
        activation=case.activation,
        loss=case.loss,
        optimizer=case.optimizer,
        momentum=MOMENTUM,
        beta_1=BETA_1,
        beta_2=BETA_2,
        epsilon=EPSILON,
    )
