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
from fastmlp.estimators.callbacks import Hooks
from fastmlp.estimators.hyperparameters import as_float, problem_of
from fastmlp.estimators.progress import progress_of
from fastmlp.estimators.stochastic import NOT_FINITE
from fastmlp.estimators.trainers import Rows

Array = NDArray[Any]
CHUNK = 128  # rows whose gradient is taken together: their activations stay in the caches


class Objective:
    """Loss and gradient of all rows, as functions of all parameters in one vector.

    scikit-learn's: the weighted mean of the rows' losses, plus half of alpha times the sum of the
    squared weights, divided by the sum of the rows' weights.
    """

    def __init__(self, estimator: Any, rows: Rows) -> None:
        self._parameters = [*estimator.coefs_, *estimator.intercepts_]
        dtype = self._parameters[0].dtype
        n_layers, n_rows = len(estimator.coefs_), len(rows.order)
        self._n_weights = sum(w.size for w in estimator.coefs_)
        # Where the trainer reads parameters, and leaves the gradient: vectors, and views of them.
        n_parameters = sum(a.size for a in self._parameters)
        self._point, self._sums = np.empty(n_parameters, dtype), np.empty(n_parameters, dtype)
        point, sums = (
            [view.reshape(1, -1) if view.ndim == 1 else view for view in self._views(vector)]
            for vector in (self._point, self._sums)
        )
        self._total = float(n_rows if rows.weights is None else rows.weights.sum())
        self._alpha = as_float(estimator, "alpha")
        self._trainer: Trainer = estimator._engine.Trainer(
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
        self._trainer.states = [(view,) for view in sums]
        self._order = rows.order

    def vector(self) -> NDArray[np.float64]:
        """Return the estimator's parameters."""
        return np.concatenate([a.ravel() for a in self._parameters]).astype(np.float64)

    def assign(self, vector: Array) -> None:
        """Write a vector into the estimator's parameters, in place."""
        for array, view in zip(self._parameters, self._views(vector), strict=True):
            array[...] = view

    def _views(self, vector: Array) -> list[Array]:
        """Return the parts of a vector that are an array of parameters each."""
        ends = np.cumsum([a.size for a in self._parameters])[:-1]
        parts = np.split(vector, ends)
        return [part.reshape(a.shape) for part, a in zip(parts, self._parameters, strict=True)]

    def __call__(self, vector: Array) -> tuple[float, NDArray[np.float64]]:
        """Return the loss and its gradient."""
        trainer = self._trainer
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


def fit_lbfgs(estimator: Any, rows: Rows, hooks: Hooks) -> None:
    """Train the estimator's `coefs_` and `intercepts_`, in place."""
    objective = Objective(estimator, rows)
    estimator.n_iter_ = 0
    history, validation = estimator.history_, rows.validation
    max_seconds = estimator.max_seconds or math.inf
    ending = ""
    start = last = time.perf_counter()
    best = objective.vector()
    with progress_of(estimator) as progress:

        def end_iteration(intermediate_result: Any) -> None:
            nonlocal ending, last, best
            estimator.n_iter_ += 1
            best = intermediate_result.x.copy()
            estimator.loss_ = float(intermediate_result.fun)
            now = time.perf_counter()
            logs = {"loss": estimator.loss_, "seconds": now - last}
            if validation is not None or not hooks.is_empty:
                objective.assign(best)
            if validation is not None:
                logs["val_loss"], logs["val_score"] = validation.look(estimator)
                estimator.validation_loss_curve_.append(logs["val_loss"])
                estimator.validation_scores_.append(logs["val_score"])
            history.append(logs)
            progress.epoch(estimator.n_iter_, logs)
            if not hooks.is_empty:
                logs["rows_per_second"] = len(rows.order) / logs["seconds"]
                if hooks.end_epoch(estimator.n_iter_, logs):
                    ending = "A callback has asked to stop. Stopping."
                hooks.begin_epoch()
            if time.perf_counter() - start > max_seconds:
                ending = f"max_seconds={estimator.max_seconds} have passed. Stopping."
            last = time.perf_counter()
            if ending:
                progress.say(ending)
                raise StopIteration

        if not hooks.is_empty:
            hooks.begin_epoch()
        try:
            result = scipy.optimize.minimize(
                objective,
                best,
                method="L-BFGS-B",
                jac=True,
                callback=end_iteration,
                options={
                    "maxfun": estimator.max_fun,
                    "maxiter": estimator.max_iter,
                    "gtol": estimator.tol,
                },
            )
        except KeyboardInterrupt:
            objective.assign(best)
            warn_user("Training interrupted by user.")
            return
    estimator.loss_ = float(result.fun)
    objective.assign(result.x)
    estimator.n_iter_ = min(result.nit, estimator.max_iter)
    if not math.isfinite(estimator.loss_):
        raise ValueError(
            f"{NOT_FINITE} After iteration {estimator.n_iter_} (epoch) the loss was "
            f"{estimator.loss_}: scale the data (StandardScaler)."
        )
    if result.status != 0 and not ending:
        _warn(estimator, result)


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
