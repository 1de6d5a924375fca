"""A run of a stochastic solver: epochs of mini-batches, in scikit-learn's order of events."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fastmlp.checkpoints.checkpoint import Checkpoint
from fastmlp.checks import generators, warn_user
from fastmlp.engine import Trainer
from fastmlp.estimators.callbacks import EstimatorCallbacks
from fastmlp.estimators.hyperparameters import as_float, problem_of
from fastmlp.estimators.trainers import Rows, batch_of, keep, trainer_of
from fastmlp.parameters import Parameters
from fastmlp.training.progress import Progress
from fastmlp.training.run import DivergedError, Run
from fastmlp.training.schedules import TOO_SMALL, Adaptive, Cosine, InverseScaling, Schedule
from fastmlp.training.state import RunState
from fastmlp.training.stopping import Stopping

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
    estimator: Any, rows: Rows, callbacks: EstimatorCallbacks,
    random_state: np.random.RandomState, is_partial: bool, progress: Progress,
    checkpoint: Checkpoint,
) -> OptimizerState:  # fmt: skip
    """Train the estimator's `coefs_` and `intercepts_`, in place, for an epoch or until it ends.

    Returns
    -------
    OptimizerState
        For the next call to go on with.

    Raises
    ------
    ValueError
        If weights or loss stop being finite, without early stopping.
    """
    batch_size = batch_size_of(estimator, len(rows.order))
    problem = problem_of(estimator, estimator._loss_name())
    before = _state_before(estimator, is_partial)
    rate = _rate_before(estimator, before, is_partial)
    if before is not None and not _go_together(before.optimizer, problem.optimizer):
        before = None
    seed = before.seed if before else 0
    if problem.dropout > 0:
        seed = checkpoint.seed(lambda: seed or _seed(random_state))
    settings = estimator, rows, problem, batch_size, seed
    batch = batch_of(*settings) if is_partial else None
    trainer = batch.trainer if batch else trainer_of(*settings)
    if before is not None and _shapes(before.arrays) != _shapes(trainer.states):
        before = None  # weights of other shapes have been assigned
    state = _run_state(estimator, rows, random_state, rate, -(-len(rows.order) // batch_size))
    with trainer, progress:
        if before is not None:
            for kept, arrays in zip(before.arrays, trainer.states, strict=True):
                for source, target in zip(kept, arrays, strict=True):
                    target[...] = source
            trainer.n_steps = before.n_steps
        if before is not None or batch is not None:
            trainer.load()
        run = estimator._begin_run(state, rows.validation, callbacks, progress, checkpoint)
        is_whole = _train(estimator, run, trainer, is_partial)
    estimator._keep_best(state)
    if batch is not None and is_whole:
        keep(estimator, batch)
    schedule = state.schedule
    return OptimizerState(
        problem.optimizer, state.states, state.n_steps, schedule.left, schedule.initial, seed
    )


def _seed(random_state: np.random.RandomState) -> int:
    seed = int(random_state.randint(1, 2**31))
    if not 1 <= seed < 2**31:
        generators.refuse(random_state, "randint")
    return seed


def _train(estimator: Any, run: Run, trainer: Trainer, is_partial: bool) -> bool:
    """Run the epochs, and warn as scikit-learn does; return whether nobody has interrupted them."""
    state, n_epochs = run.state, 1 if is_partial else estimator.max_iter
    try:
        run.train(trainer, n_epochs, estimator._draw_order, tells_last_batch=False)
        if not is_partial and not run.has_ended and estimator._says_at_max_iter:
            warn_user(
                f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and "
                "the optimization hasn't converged yet.",
                ConvergenceWarning,
            )
    except DivergedError:
        cause = (
            f"In epoch {state.epoch} the loss was {state.loss}: scale the data (StandardScaler), "
            f"or give a smaller learning_rate_init than {estimator.learning_rate_init:g}."
        )
        if not estimator.early_stopping:
            raise ValueError(f"{NOT_FINITE} {cause}") from None
        warn_user(
            f"The training has diverged, and the best weights before are kept. {cause}",
            ConvergenceWarning,
        )
    except KeyboardInterrupt:
        warn_user("Training interrupted by user.")
        return False
    finally:
        try:
            state.export(trainer)
        finally:  # what an interrupt in the middle of it can't spare
            estimator._show(state)
    return True


def _run_state(
    estimator: Any, rows: Rows, random_state: np.random.RandomState, rate: float, n_steps: int
) -> RunState:
    """Return the state of a run that is about to begin."""
    parameters = Parameters(estimator.coefs_, estimator.intercepts_)
    is_early = estimator.early_stopping
    stopping = Stopping(
        patience=estimator.n_iter_no_change,
        monitor="val_score" if is_early else "loss",
        tol=estimator.tol,
        keeps=is_early,
        best=-estimator.best_validation_score_ if is_early else estimator.best_loss_,
        best_parameters=parameters.copy() if is_early else None,
        n_stalled=estimator._no_improvement_count,
    )
    curves = {}
    if rows.validation is not None:
        curves = {
            "validation_scores": estimator.validation_scores_,
            "validation_loss_curve": estimator.validation_loss_curve_,
        }
    return RunState(
        parameters, estimator._schedule(rate, n_steps), estimator.history_, rows.order,
        random_state, stopping, n_rows_seen=estimator.t_, loss_curve=estimator.loss_curve_,
        curves=curves,
    )  # fmt: skip


def schedule_of(estimator: Any, rate: float, n_steps: int) -> Schedule:
    """Return the learning rate's schedule; 'adaptive' starts with `rate`.

    'invscaling' and 'adaptive' act on sgd only, as in scikit-learn; 'cosine' on every stochastic
    solver.
    """
    initial, name = float(estimator.learning_rate_init), estimator.learning_rate
    if name == "cosine":
        return Cosine(initial, estimator.max_iter, n_steps)
    if name == "invscaling" and estimator.solver == "sgd":
        return InverseScaling(initial, estimator.power_t, estimator.t_)
    if name == "adaptive" and estimator.solver == "sgd":
        return Adaptive(initial, rate)
    return Schedule(initial)


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
