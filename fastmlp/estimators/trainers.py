"""The engine's trainer for a run, laid out once for the many short runs of `partial_fit`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.beside import Beside
from fastmlp.engine import Features, Trainer
from fastmlp.estimators.hyperparameters import as_float
from fastmlp.problem import Problem

Array = NDArray[Any]
MOST_BYTES = 2**22  # of rows, and of weights: with more, a run takes longer than laying out


class Rows(NamedTuple):
    """What a run is trained on.

    `order` has the numbers of those rows that are trained on, in the order of the data.
    """

    features: Features
    targets: Array
    weights: Array | None
    order: NDArray[np.intp]
    validation: Any


class Batch(NamedTuple):
    """A trainer, and the array where it looks for rows."""

    kind: tuple[Any, ...]
    x: Array
    trainer: Trainer


_kept: Beside[Batch] = Beside()  # beside estimators that `partial_fit` has trained


def trainer_of(estimator: Any, rows: Rows, problem: Problem, batch_size: int, seed: int) -> Trainer:
    """Return a trainer of the estimator's `coefs_` and `intercepts_`; `seed` is for dropout."""
    weights = estimator.coefs_
    trainer: Trainer = estimator._new_trainer(
        weights,
        _as_rows(estimator.intercepts_),
        rows.features,
        rows.targets,
        problem=problem,
        batch_size=batch_size,
        lambda_reg=as_float(estimator, "alpha"),
        n_threads=estimator.n_threads,
        row_weights=rows.weights,
        l2_by_rows=estimator._l2_by_rows,
        floor=float(np.finfo(weights[0].dtype).eps),
        seed=seed,
        with_penalty=estimator._with_penalty,
    )
    return trainer


def batch_of(
    estimator: Any, rows: Rows, problem: Problem, batch_size: int, seed: int
) -> Batch | None:
    """Return a trainer that `keep` has kept, of copies of these rows, or a new one to be kept.

    Its `load` is still to be called. None where keeping it would not pay off.

    It is taken out while it is at work: another thread makes one of its own, and after an error
    there is none to go on with.
    """
    x, targets, weights = rows.features.x, rows.targets, estimator.coefs_
    batch = _kept.pop(estimator)
    if (
        not isinstance(x, np.ndarray)
        or rows.weights is not None
        or max(x.nbytes + targets.nbytes, sum(w.nbytes for w in weights)) > MOST_BYTES
    ):
        return None
    engine = estimator._engine
    kind = (
        engine, problem, batch_size, seed, estimator.n_threads, weights[0].dtype,
        *(w.shape for w in weights), x.shape, x.dtype, targets.shape,
    )  # fmt: skip
    if batch is None or batch.kind != kind:
        rows = rows._replace(features=engine.read(x.copy(), n_epochs=1))
        trainer = trainer_of(estimator, rows, problem, batch_size, seed)
        return Batch(kind, rows.features.x, trainer)
    trainer = batch.trainer
    batch.x[...] = x
    trainer.set_targets(targets)
    trainer.outside = weights, _as_rows(estimator.intercepts_)
    trainer.lambda_reg = as_float(estimator, "alpha")
    trainer.n_steps = 0
    # The arrays from before are part of the estimator's state, and of its shallow copies'.
    trainer.states = [tuple(np.zeros_like(a) for a in arrays) for arrays in trainer.states]
    return batch


def keep(estimator: Any, batch: Batch) -> None:
    """Keep a trainer, whose run has ended well, for the estimator's next `partial_fit`."""
    _kept.keep(estimator, batch)


def _as_rows(biases: list[Array]) -> list[Array]:
    return [b.reshape(1, -1) for b in biases]
