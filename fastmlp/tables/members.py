"""The networks of a table: `MLPClassifier` and `MLPRegressor` with the recipe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fastmlp.estimators import MLPClassifier, MLPRegressor
from fastmlp.estimators.base import BaseMLP
from fastmlp.estimators.part import Part
from fastmlp.estimators.validation import Validation
from fastmlp.problem import Problem
from fastmlp.reference import ACTIVATIONS
from fastmlp.tables.decay import Decay
from fastmlp.tables.temperature import lowest_loss
from fastmlp.training.schedules import Schedule

Array = NDArray[Any]
MOST_ROWS = 2048  # that the first weights are drawn by
N_PICKS = 5  # rows that a bias is drawn by


class Fold(NamedTuple):
    """The numbers of the rows that a network is trained on, and of those that it is judged by."""

    train: NDArray[np.intp]
    held_out: NDArray[np.intp]


class Member(BaseMLP):
    """What both kinds of networks do otherwise than their parents.

    `fit` takes all rows; `_fold` says which of them are trained on. The parameters that are kept
    are those of the epoch with the best score of the rows held out. `_turn` is entered before
    anything else, and may plan the epochs.
    """

    _fold: Fold
    _turn: AbstractContextManager[object] = nullcontext()
    _decay: Decay
    _with_penalty = False  # AdamW's decay is no part of the loss, and would dwarf it
    _l2_by_rows = False  # a step's decay is the same for a batch that is not full
    _says_at_max_iter = False  # the schedule ends there

    def _train(self, *arguments: Any, **options: Any) -> Self:
        with self._turn:
            return super()._train(*arguments, **options)

    def _divide(
        self, part: Part, y: Any, held_out: tuple[Any, Any], encoded: Array,
        weights: Array | None, class_weights: Array | None, random_state: np.random.RandomState,
    ) -> tuple[NDArray[np.intp], Validation | None]:  # fmt: skip
        if not hasattr(self, "_fold"):  # trained by hand
            return super()._divide(part, y, held_out, encoded, weights, class_weights, random_state)
        order, rest = self._fold
        self.validation_scores_, self.validation_loss_curve_ = [], []
        x = part.x[rest]
        validation = AtLowRates(
            self, x, y[rest], x, encoded[rest], None if weights is None else weights[rest]
        )
        return order, validation

    @property
    def _plans_epochs(self) -> bool:
        return True

    def _schedule(self, rate: float, n_steps: int) -> Schedule:
        self._decay = Decay(
            self.learning_rate_init, self.alpha, self.dropout, self.max_iter, n_steps
        )
        return self._decay

    def _draw(
        self, sizes: Sequence[int], x: Any, dtype: np.dtype[Any], random_state: Any
    ) -> tuple[list[Array], list[Array]]:
        """Return weights with which each unit's sum has a standard deviation of 1 over the rows.

        A bias is minus the sum in a point that lies randomly among some rows, so that units bend
        where there are data ("he+5", Steinwart, arXiv:1903.11482).
        """
        rows = self._fold.train if hasattr(self, "_fold") else np.arange(len(x))
        activation = ACTIVATIONS[str(self.activation)]
        a = np.ascontiguousarray(x[random_state.permutation(rows)[:MOST_ROWS]], dtype)
        weights, biases = [], []
        for n_in, n_out in pairwise(sizes):
            w = random_state.standard_normal((n_in, n_out)).astype(dtype)
            w /= np.maximum(self._sums(a, w).std(axis=0, dtype=np.float64), 1e-6).astype(dtype)
            sums = self._sums(a, w)
            picks = sums[random_state.randint(len(a), size=(N_PICKS, n_out)), np.arange(n_out)]
            shares = random_state.exponential(size=(N_PICKS, n_out))
            b = -(picks * (shares / shares.sum(axis=0))).sum(axis=0, keepdims=True).astype(dtype)
            weights.append(w)
            biases.append(b)
            a = activation.function(sums + b).astype(dtype)
        return weights, biases

    def _sums(self, a: Array, w: Array) -> Array:
        """Return ``a @ w`` by the engine, whose bits don't depend on the number of threads."""
        zeros = np.zeros((1, w.shape[1]), w.dtype)
        linear = Problem(loss="squared_error")
        return self._engine.predict(self, [w], [zeros], a, None, 1, linear).outputs


class AtLowRates(Validation):
    """Judges a member where that is worth the time; in other epochs the figures are NaN."""

    def figures(self, estimator: Any) -> dict[str, float]:
        """Return what `Validation` has of an epoch, or NaN."""
        if estimator._decay.is_worth_judging:
            return super().figures(estimator)
        return {"val_loss": math.nan, "val_score": math.nan}


class ClassifierMember(Member, MLPClassifier):
    """A network that predicts classes, scored by log-loss after temperature scaling."""

    def _score_outputs(self, outputs: Array, encoded: Array, weights: Array | None) -> float:
        return -lowest_loss(two_columns(outputs), encoded, weights)


class RegressorMember(Member, MLPRegressor):
    """A network that predicts numbers, scored by their squared error.

    Attributes
    ----------
    _range : (float, float)
        What predictions are clipped to: the lowest and highest target.
    """

    _range: tuple[float, float] = (-np.inf, np.inf)

    def _score_outputs(self, outputs: Array, encoded: Array, weights: Array | None) -> float:
        errors = np.clip(outputs, *self._range).astype(np.float64) - encoded
        return -float(np.average(errors[:, 0] ** 2, weights=weights))


def two_columns(outputs: Array) -> Array:
    """Return a network's outputs as a probability for each class: one output is the second's."""
    return outputs if outputs.shape[1] > 1 else np.hstack([1 - outputs, outputs])
