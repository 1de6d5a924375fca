"""Whether a run still gets better, and the best weights it has had."""

from __future__ import annotations

import math
from typing import Any


class Stopping:
    """Counts epochs without improvement, by scikit-learn's rules, in the estimator's attributes.

    By the training loss, or with early stopping by the validation score, whose best weights are
    kept.
    """

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator
        self._is_early = estimator.early_stopping
        self._tol, self._patience = estimator.tol, estimator.n_iter_no_change
        self._best: tuple[list[Any], list[Any]] | None = None
        self._last_score = math.nan

    def keep(self) -> None:
        """Keep the weights as the best so far."""
        estimator = self._estimator
        self._best = (
            [w.copy() for w in estimator.coefs_],
            [b.copy() for b in estimator.intercepts_],
        )

    def end_epoch(self, loss: float, score: float) -> bool:
        """Take an epoch's figures; return whether patience has run out."""
        estimator = self._estimator
        if self._is_early:
            best = estimator.best_validation_score_
            is_worse = score < best + self._tol
            if score > best:
                estimator.best_validation_score_ = score
                self.keep()
        else:
            best = estimator.best_loss_
            is_worse = loss > best - self._tol
            if loss < best:
                estimator.best_loss_ = loss
        count = estimator._no_improvement_count + 1 if is_worse else 0
        estimator._no_improvement_count = count
        return bool(count > self._patience)

    @property
    def n_safe(self) -> float:
        """After how many more epochs, at the soonest, patience can run out."""
        return max(1, self._patience - self._estimator._no_improvement_count + 1)

    @property
    def reason(self) -> str:
        """Why patience has run out, in scikit-learn's words."""
        what = "Validation score" if self._is_early else "Training loss"
        return (
            f"{what} did not improve more than tol={self._tol:f} for {self._patience:d} "
            "consecutive epochs."
        )

    def restore(self) -> None:
        """Give the estimator the best weights of the run, if it is one with early stopping."""
        if self._best is not None:
            estimator = self._estimator
            estimator.coefs_, estimator.intercepts_ = self._best
