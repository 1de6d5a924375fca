"""A run of a stochastic solver: epochs of mini-batches, in scikit-learn's order of events."""

from __future__ import annotations

import math
import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fastmlp.checks import generators, warn_user
from fastmlp.engine import Trainer
from fastmlp.estimators.callbacks import Hooks
from fastmlp.estimators.epoch_blocks import Epochs
from fastmlp.estimators.hyperparameters import as_float, problem_of
from fastmlp.estimators.progress import progress_of
from fastmlp.estimators.schedules import TOO_SMALL, Schedule
from fastmlp.estimators.stopping import Stopping
from fastmlp.estimators.trainers import Rows, batch_of, keep, trainer_of

Array = NDArray[Any]
NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


class OptimizerState(NamedTuple):
    """What the next step has to know of those before.

    `rate` is `initial_rate`, the setting then, but where 'adaptive' has let it fall. No optimiser,
    ``""``, has left anything else.
    """

    optimizer: str
    arrays: list[tuple[Array, ...]]
    n_steps: int
    rate: float
    initial_rate: float
    seed: int


def batch_size_of(estimator: Any, n_rows: int) -> int:
    """Return the setting `batch_size` as a number of rows that there are."""
    if isinstance(estimator.batch_size, str):
        return min(200, n_rows)
    if estimator.batch_size > n_rows:
        warn_user(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
        )
    return min(int(estimator.batch_size), n_rows)


def fit_stochastic(
    estimator: Any, rows: Rows, hooks: Hooks, random_state: np.random.RandomState, is_partial: bool
) -> None:
    """Train the estimator's `coefs_` and `intercepts_`, in place, for an epoch or until it ends.

    Raises
    ------
    ValueError
        If weights or loss stop being finite, without early stopping.
    """
    batch_size = batch_size_of(estimator, len(rows.order))
    problem = problem_of(estimator, estimator._loss_name())
    state = _state_before(estimator, is_partial)
    rate = _rate_before(estimator, state, is_partial)
    if state is not None and not _go_together(state.optimizer, problem.optimizer):
        state = None
    seed = state.seed if state else 0
    if problem.dropout > 0 and not seed:
        seed = int(random_state.randint(1, 2**31))
        if not 1 <= seed < 2**31:
            generators.refuse(random_state, "randint")
    n_steps = -(-len(rows.order) // batch_size)
    schedule = Schedule(estimator, rate, n_steps)
    n_epochs = 1 if is_partial else estimator.max_iter
    settings = estimator, rows, problem, batch_size, seed
    batch = batch_of(*settings) if is_partial else None
    trainer = batch.trainer if batch else trainer_of(*settings)
    if state is not None and _shapes(state.arrays) != _shapes(trainer.states):
        state = None  # weights of other shapes have been assigned
    with trainer, progress_of(estimator) as progress:
        if state is not None:
            for kept, array in zip(state.arrays, trainer.states, strict=True):
                for source, target in zip(kept, array, strict=True):
                    target[...] = source
            trainer.n_steps = state.n_steps
        if state is not None or batch is not None:
            trainer.load()
        is_whole = True
        run = _Run(estimator, rows, hooks, random_state, trainer, schedule, progress)
        try:
            run.epochs(n_epochs)
            if not is_partial and not run.has_ended:
                warn_user(
                    f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and "
                    "the optimization hasn't converged yet.",
                    ConvergenceWarning,
                )
        except KeyboardInterrupt:
            is_whole = False
            run.settle()
            warn_user("Training interrupted by user.")
        finally:
            trainer.export()
    estimator._optimizer_state = OptimizerState(
        problem.optimizer, trainer.states, trainer.n_steps, schedule.left, schedule.initial, seed
    )
    run.stopping.restore()
    if batch is not None and is_whole:
        keep(estimator, batch)


def _state_before(estimator: Any, is_partial: bool) -> OptimizerState | None:
    """Return what the last call has left, if there is something and this one goes on from it."""
    if not (is_partial or estimator.warm_start):
        return None
    state: OptimizerState | None = getattr(estimator, "_optimizer_state", None)
    return state


def _rate_before(estimator: Any, state: OptimizerState | None, is_partial: bool) -> float:
    """Return the rate that 'adaptive' goes on with: the last one, unless it was set anew.

    A warm start of a run that has ended because its rate had run out begins with a new rate.
    """
    initial = as_float(estimator, "learning_rate_init")
    if state is None or state.initial_rate != initial:
        return initial
    return state.rate if is_partial or state.rate > TOO_SMALL else initial


def _go_together(one: str, other: str) -> bool:
    """Whether an optimiser can go on from what another has left; both velocities are the same."""
    return one == other or {one, other} == {"momentum", "nesterov"}


def _shapes(states: list[tuple[Array, ...]]) -> list[list[tuple[int, ...]]]:
    return [[a.shape for a in arrays] for arrays in states]


class _Run:
    """The epochs of one call of fit."""

    def __init__(
        self, estimator: Any, rows: Rows, hooks: Hooks, random_state: Any, trainer: Trainer,
        schedule: Schedule, progress: Any,
    ) -> None:  # fmt: skip
        self.estimator, self.rows, self.hooks = estimator, rows, hooks
        self.random_state, self.trainer = random_state, trainer
        self.schedule, self.progress = schedule, progress
        self.stopping = Stopping(estimator)
        if estimator.early_stopping:
            self.stopping.keep()
        self.has_ended = False
        self._ahead: Epochs | None = None

    def epochs(self, n_epochs: int) -> None:
        """Run up to `n_epochs` epochs; `has_ended` tells whether one of them was found the last."""
        estimator, trainer, schedule, hooks = (
            self.estimator, self.trainer, self.schedule, self.hooks
        )  # fmt: skip
        max_seconds = estimator.max_seconds or math.inf
        validation, n_rows = self.rows.validation, len(self.rows.order)
        history, curve = estimator.history_, estimator.loss_curve_
        is_watched = validation is not None or not hooks.is_empty
        runs_ahead = (
            not (is_watched or estimator.verbose or estimator.max_seconds)
            and schedule.is_level
            and n_epochs > 1
        )
        ahead = self._ahead = Epochs(
            trainer, self.rows.order, estimator.shuffle, self.random_state, n_epochs, runs_ahead
        )
        estimator.n_iter_ = 0
        if validation is not None and estimator.max_seconds:
            validation.prepare(estimator)
        start = time.perf_counter()
        for epoch in range(n_epochs):
            if not hooks.is_empty:
                hooks.begin_epoch()
            trainer.learning_rate = schedule.of_epoch(epoch)
            loss, seconds = ahead.next(self.stopping.n_safe)
            estimator.n_iter_ = epoch + 1
            estimator.loss_ = loss
            estimator.t_ += n_rows
            curve.append(loss)
            if is_watched:
                trainer.export()
            logs = {"loss": loss, "seconds": seconds}
            score = math.nan
            if validation is not None:
                val_loss, score = validation.look(estimator)
                estimator.validation_loss_curve_.append(val_loss)
                estimator.validation_scores_.append(score)
                logs["val_loss"], logs["val_score"] = val_loss, score
            history.append(logs)
            self.progress.epoch(epoch + 1, logs)
            if not math.isfinite(loss):
                ahead.settle()
                self._diverged(epoch + 1)
                break
            is_stalled = self.stopping.end_epoch(loss, score)
            if is_stalled:
                ahead.settle()
            schedule.end_epoch(estimator.t_)
            if not hooks.is_empty:
                logs["rows_per_second"] = n_rows / seconds
                if hooks.end_epoch(epoch + 1, logs):
                    self._end("A callback has asked to stop. Stopping.")
                    break
            if is_stalled and self._stall():
                break
            if time.perf_counter() - start > max_seconds:
                self._end(f"max_seconds={estimator.max_seconds} have passed. Stopping.")
                break

    def settle(self) -> None:
        """Leave the trainer at the end of the epoch that was looked at last."""
        if self._ahead is not None:
            self._ahead.settle()

    def _stall(self) -> bool:
        done = self.schedule.stall()
        if done is None:
            self._end(f"{self.stopping.reason} {self.schedule.word_of_stop}")
            return True
        self.progress.say(f"{self.stopping.reason} {done}")
        self.estimator._no_improvement_count = 0
        return False

    def _end(self, reason: str) -> None:
        self.has_ended = True
        self.progress.say(reason)

    def _diverged(self, epoch: int) -> None:
        self.has_ended = True
        estimator = self.estimator
        cause = (
            f"In epoch {epoch} the loss was {estimator.loss_}: scale the data (StandardScaler), or "
            f"give a smaller learning_rate_init than {estimator.learning_rate_init:g}."
        )
        if not estimator.early_stopping:
            raise ValueError(f"{NOT_FINITE} {cause}")
        warn_user(
            f"The training has diverged, and the best weights before are kept. {cause}",
            ConvergenceWarning,
        )
