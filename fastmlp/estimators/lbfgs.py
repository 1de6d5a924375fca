"""A run of L-BFGS: SciPy's optimiser on the engine's loss and gradient."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fastmlp.checks import warn_user
from fastmlp.engine import Trainer
from fastmlp.estimators.callbacks import EstimatorCallbacks
from fastmlp.estimators.hyperparameters import as_float, problem_of
from fastmlp.estimators.stochastic import NOT_FINITE
from fastmlp.estimators.trainers import Rows
from fastmlp.parameters import Parameters
from fastmlp.training.progress import Progress
from fastmlp.training.run import DivergedError, Run
from fastmlp.training.schedules import Schedule
from fastmlp.training.state import RunState

Array = NDArray[Any]
CHUNK = 128  # rows whose gradient is taken together: their activations stay in the caches


class Objective:
    """Loss and gradient of all rows, as functions of all parameters in one vector.

    scikit-learn's: the weighted mean of the rows' losses, plus half of alpha times the sum of the
    squared weights, divided by the sum of the rows' weights.
    """

    def __init__(self, estimator: Any, rows: Rows) -> None:
        self.parameters = Parameters(estimator.coefs_, estimator.intercepts_)
        self._arrays, dtype = self.parameters.arrays, self.parameters.dtype
        n_layers, n_rows = len(estimator.coefs_), len(rows.order)
        self._n_weights = sum(w.size for w in estimator.coefs_)
        # Where the trainer reads parameters, and leaves the gradient: vectors, and views of them.
        n_parameters = sum(a.size for a in self._arrays)
        self._point, self._sums = np.empty(n_parameters, dtype), np.empty(n_parameters, dtype)
        point, sums = (
            [view.reshape(1, -1) if view.ndim == 1 else view for view in self._views(vector)]
            for vector in (self._point, self._sums)
        )
        weights = rows.weights
        self._total = float(n_rows if weights is None else weights[rows.order].sum())
        self._alpha = as_float(estimator, "alpha")
        self.trainer: Trainer = estimator._engine.Trainer(
            point[:n_layers],
            point[n_layers:],
            rows.features,
            rows.targets,
            problem=problem_of(estimator, estimator._loss_name()),
            batch_size=min(CHUNK, n_rows),
            n_threads=estimator.n_threads,
            row_weights=rows.weights,
            floor=float(np.finfo(dtype).eps),
            total=self._total,
        )
        self.trainer.states = [(view,) for view in sums]
        self._order = rows.order

    def vector(self) -> NDArray[np.float64]:
        """Return the estimator's parameters."""
        return np.concatenate([a.ravel() for a in self._arrays]).astype(np.float64)

    def assign(self, vector: Array) -> None:
        """Write a vector into the estimator's parameters, in place."""
        for array, view in zip(self._arrays, self._views(vector), strict=True):
            array[...] = view

    def _views(self, vector: Array) -> list[Array]:
        """Return the parts of a vector that are an array of parameters each."""
        ends = np.cumsum([a.size for a in self._arrays])[:-1]
        parts = np.split(vector, ends)
        return [part.reshape(a.shape) for part, a in zip(parts, self._arrays, strict=True)]

    def __call__(self, vector: Array) -> tuple[float, NDArray[np.float64]]:
        """Return the loss and its gradient."""
        trainer = self.trainer
        self._point[:] = vector
        trainer.restart()
        if trainer.n_steps == 0:
            trainer.epoch(self._order)
        else:
            trainer.repeat()
        trainer.export_states()
        gradient = self._sums.astype(np.float64)
        strength = self._alpha / self._total
        w = vector[: self._n_weights]
        gradient[: self._n_weights] += strength * w
        return trainer.mean_loss + 0.5 * strength * float(w @ w), gradient


class _Iterations:
    """The run's epochs: SciPy's iterations, of which each is told when it has ended."""

    def __init__(self, objective: Objective, run: Run) -> None:
        self._objective, self._run = objective, run
        self.best = objective.vector()
        self._last = time.perf_counter()

    def __call__(self, intermediate_result: Any) -> None:
        """Take notice of an iteration's end; raise StopIteration if it is the last one."""
        run, now = self._run, time.perf_counter()
        self.best = intermediate_result.x.copy()
        if run.is_watched:
            self._objective.assign(self.best)
        run.count_epoch(float(intermediate_result.fun), n_rows=0)
        run.end_epoch({"loss": float(intermediate_result.fun), "seconds": now - self._last})
        if run.has_ended:
            raise StopIteration
        run.begin_epoch()
        self._last = time.perf_counter()


def fit_lbfgs(
    estimator: Any, rows: Rows, callbacks: EstimatorCallbacks, progress: Progress
) -> None:
    """Train the estimator's `coefs_` and `intercepts_`, in place."""
    objective = Objective(estimator, rows)
    state = RunState(
        objective.parameters, Schedule(math.nan), estimator.history_, rows.order, None,
        n_rows_seen=estimator.t_,
    )  # fmt: skip
    with objective.trainer, progress:
        run = estimator._begin_run(state, rows.validation, callbacks, progress)
        iterations = _Iterations(objective, run)
        run.begin_epoch()
        limits = {"maxfun": estimator.max_fun, "maxiter": estimator.max_iter}
        try:
            result = scipy.optimize.minimize(
                objective, iterations.best, method="L-BFGS-B", jac=True, callback=iterations,
                options={**limits, "gtol": estimator.tol},
            )  # fmt: skip
        except KeyboardInterrupt:
            objective.assign(iterations.best)
            warn_user("Training interrupted by user.")
            return
        except DivergedError:
            raise _not_finite(state) from None
        finally:
            estimator._show(state)
    objective.assign(result.x)
    state.loss, state.epoch = float(result.fun), min(result.nit, estimator.max_iter)
    estimator._show(state)
    if not math.isfinite(state.loss):
        raise _not_finite(state)
    if result.status != 0 and not run.has_ended:
        _warn(estimator, result)


def _not_finite(state: RunState) -> ValueError:
    return ValueError(
        f"{NOT_FINITE} After iteration {state.epoch} (epoch) the loss was {state.loss}: scale the "
        "data (StandardScaler)."
    )


def _warn(estimator: Any, result: Any) -> None:
    """Warn as scikit-learn does of a run that has not converged."""
    text = (
        f"lbfgs failed to converge after {estimator.n_iter_} iteration(s) "
        f"(status={result.status}):\n{result.message}\n"
    )
    if estimator.n_iter_ == estimator.max_iter:
        text += (
            "\nIncrease the number of iterations to improve the convergence "
            f"(max_iter={estimator.max_iter})."
        )
    text += (
        "\nYou might also want to scale the data as shown in:\n"
        "    https://scikit-learn.org/stable/modules/preprocessing.html"
    )
    warn_user(text, ConvergenceWarning)
