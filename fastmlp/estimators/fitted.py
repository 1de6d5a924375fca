"""What a fit leaves in an estimator: attributes that end in an underscore, and a few more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.checkpoints.checkpoint import Checkpoint
from fastmlp.estimators import by_hand, outputs, read_input
from fastmlp.estimators.initial import draw_parameters
from fastmlp.estimators.stochastic import OptimizerState
from fastmlp.estimators.validation import Validation
from fastmlp.history import History
from fastmlp.training.callbacks import Callbacks
from fastmlp.training.progress import Progress
from fastmlp.training.run import Run
from fastmlp.training.state import RunState
from fastmlp.words import shown

Array = NDArray[Any]
UNSEEN = ("_labels", "_no_improvement_count", "_optimizer_state")  # what a fit finds, besides


class Fitted:
    """The attributes that a fit sets, when it begins, after each epoch, and when it ends or fails.

    They are set here only, by methods that a fit calls in this order.
    """

    solver: str
    activation: str | Sequence[str]
    early_stopping: bool
    max_seconds: float | None
    n_threads: int | None
    max_iter: int
    random_state: Any
    verbose: bool | int
    warm_start: bool
    dtype: str

    coefs_: list[Array]
    intercepts_: list[Array]
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    validation_loss_curve_: list[float] | None
    best_validation_score_: float | None
    n_iter_: int
    t_: int
    loss_: float
    history_: History
    _no_improvement_count: int
    _optimizer_state: OptimizerState

    def _found(self) -> dict[str, tuple[Any, int]]:
        """Return all that a fit has found, by name; with lists, how long they are."""
        return {
            name: (value, len(value) if isinstance(value, list) else 0)
            for name, value in vars(self).items()
            if name.endswith("_") or name in UNSEEN
        }

    def _set_back(self, before: dict[str, tuple[Any, int]]) -> None:
        """Give back what there was before a fit that has failed."""
        for name in self._found():
            del self.__dict__[name]
        for name, (value, length) in before.items():
            if isinstance(value, list):
                del value[length:]  # the curves of losses and scores
            setattr(self, name, value)

    def _is_new(self, is_partial: bool) -> bool:
        """Whether a fit begins with new weights."""
        return not hasattr(self, "coefs_") or not (self.warm_start or is_partial)

    def _prepare(
        self, sizes: Sequence[int], x: Any, is_new: bool, random_state: np.random.RandomState
    ) -> None:
        """Set the attributes that a fit begins with; draw weights for a new network."""
        if not is_new:
            weights, biases = outputs.parameters(self)
            known = [weights[0].shape[0], *(w.shape[1] for w in weights)]
            if known != list(sizes):
                raise ValueError(
                    f"the network has layers of {shown(known)}, and these settings and data ask "
                    f"for {shown(list(sizes))}: fit with warm_start=False to begin anew"
                )
            vars(self).update(by_hand.completed(self, known))
        else:
            weights, biases = self._begin_anew(sizes, x, random_state)
        # Arrays that the user has read from the estimator, or assigned to it, never change.
        self.coefs_ = [np.array(w) for w in weights]
        self.intercepts_ = [np.array(b).reshape(-1) for b in biases]
        if self.solver == "lbfgs":
            return
        if is_new or not hasattr(self, "loss_curve_"):
            self.loss_curve_, self._no_improvement_count = [], 0
            self.best_loss_ = self.validation_scores_ = self.best_validation_score_ = None
        if self.early_stopping and self.best_validation_score_ is None:
            self.best_loss_, self.best_validation_score_ = None, -np.inf
        elif not self.early_stopping and self.best_loss_ is None:
            self.best_loss_, self.best_validation_score_ = np.inf, None

    def _begin_anew(
        self, sizes: Sequence[int], x: Any, random_state: np.random.RandomState
    ) -> tuple[list[Array], list[Array]]:
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(sizes)
        self.out_activation_ = by_hand.trained_out_activation(self)
        dtype = read_input.network_dtype(self.dtype, x)
        drawn = self._draw(sizes, x, dtype, random_state)
        self.validation_loss_curve_ = None
        # Of a run of another solver, maybe.
        for name in (
            "_optimizer_state", "loss_curve_", "best_loss_", "validation_scores_",
            "best_validation_score_",
        ):  # fmt: skip
            self.__dict__.pop(name, None)
        return drawn

    def _draw(
        self, sizes: Sequence[int], x: Any, dtype: np.dtype[Any], random_state: Any
    ) -> tuple[list[Array], list[Array]]:
        """Return the first weights and biases of layers of these sizes."""
        return draw_parameters(sizes, self.activation, random_state, dtype)

    def _begin_curves(self) -> None:
        """Set the lists of what rows to validate with will show."""
        if self.__dict__.get("validation_scores_") is None:
            self.validation_scores_ = []
        if self.__dict__.get("validation_loss_curve_") is None:
            self.validation_loss_curve_ = []

    def _validate_epoch(
        self, validation: Validation | None
    ) -> Callable[[], dict[str, float]] | None:
        """Return what judges an epoch by the rows to validate with, if there are any."""
        if validation is None:
            return None

        def validate() -> dict[str, float]:
            figures = validation.figures(self)
            self.validation_loss_curve_.append(figures["val_loss"])  # type: ignore[union-attr]
            self.validation_scores_.append(figures["val_score"])  # type: ignore[union-attr]
            return figures

        if self.max_seconds:
            validation.prepare(self)  # now, so that the time goes to the training
        return validate

    def _begin_run(
        self, state: RunState, validation: Validation | None, callbacks: Callbacks,
        progress: Progress, checkpoint: Checkpoint | None = None,
    ) -> Run:  # fmt: skip
        """Return a run that shows how far it has come by the attributes, from now on."""
        run = Run(
            state,
            validate=self._validate_epoch(validation),
            callbacks=callbacks,
            progress=progress,
            max_seconds=self.max_seconds or math.inf,
            show=lambda: self._show(state),
            checkpoint=checkpoint,
        )
        self._show(state)
        return run

    def _show(self, state: RunState) -> None:
        """Set the attributes that say how far a run has come."""
        self.n_iter_, self.t_ = state.epoch, state.n_rows_seen
        if state.loss is not None:
            self.loss_ = state.loss
        stopping = state.stopping
        if stopping is not None:
            self._no_improvement_count = stopping.n_stalled
            if stopping.monitor == "loss":
                self.best_loss_ = stopping.best
            else:
                self.best_validation_score_ = -stopping.best

    def _keep_best(self, state: RunState) -> None:
        """Go back to the best parameters of a run that has ended, with early stopping."""
        if state.stopping is not None and state.stopping.best_parameters is not None:
            self.coefs_, self.intercepts_ = state.stopping.best_parameters
            self.history_.best_epoch = state.stopping.best_epoch or None
