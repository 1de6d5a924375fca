"""Rows that a run is judged by, but not trained on."""

from __future__ import annotations

import inspect
import math
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split

from fastmlp.checks import generators
from fastmlp.estimators.hyperparameters import LONGEST_MESSAGE
from fastmlp.estimators.outputs import outputs_of
from fastmlp.reference import LOSSES
from fastmlp.words import shortened, shown

Array = NDArray[Any]


class Validation:
    """Rows with their targets, and how good a network is at them.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    X, y : array-like
        As the user has given them: what a scorer gets.
    x : ndarray or SciPy CSR
        The same features, checked.
    encoded : ndarray
        The same targets, as the estimator's `_encode` returns them.
    weights : ndarray of shape (n_rows,), optional
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, x: Any, encoded: Array, weights: Array | None
    ) -> None:
        self._given = X, y
        if weights is not None and not weights.any():
            raise ValueError(
                "the rows to validate with have no weight, by sample_weight and class_weight: give "
                "some of them more than 0, or other rows (X_val and y_val)"
            )
        encoded = encoded.copy()  # a callback may change the user's
        self._x, self._encoded, self._weights = x, encoded, weights
        dtype = estimator.coefs_[0].dtype
        self._targets = estimator._targets(encoded, dtype)
        self._monitor = estimator.monitor
        self._scorer = scorer_of(estimator)

    @property
    def rows(self) -> tuple[Any, Array, Array | None]:
        """Features, encoded targets and weights."""
        return self._x, self._encoded, self._weights

    def prepare(self, estimator: Any) -> None:
        """Compile what predicts, as `figures` does."""
        outputs_of(estimator, self._x)

    def figures(self, estimator: Any) -> dict[str, float]:
        """Return val_loss, the mean loss without L2, and val_score, of which more is better.

        Where an output is not finite, both are NaN.
        """
        outputs = outputs_of(estimator, self._x)
        if not np.isfinite(outputs).all():
            return {"val_loss": math.nan, "val_score": math.nan}
        with np.errstate(over="ignore", invalid="ignore"):  # a run that diverges shows in its loss
            rows = losses_of(estimator, outputs, self._targets)
            loss = float(np.average(rows, weights=self._weights))
            if self._monitor is None:
                score = estimator._score_outputs(outputs, self._encoded, self._weights)
            elif self._scorer is None:
                score = -loss
            else:
                score = self._ask(estimator)
        if math.isnan(score) and math.isfinite(loss) and estimator.early_stopping:
            raise ValueError(
                "the score of the rows to validate with is NaN, and early stopping has nothing to "
                "go by: give more rows (X_val and y_val, validation_fraction), or another monitor"
            )
        return {"val_loss": loss, "val_score": score}

    def _ask(self, estimator: Any) -> float:
        weights = {}
        takes_weights = "sample_weight" in inspect.signature(self._scorer).parameters
        if self._weights is not None and takes_weights:
            weights["sample_weight"] = self._weights
        score = self._scorer(estimator, *self._given, **weights)
        if not isinstance(score, Real):
            raise TypeError(f"monitor gives {shown(score)}: give a scorer that returns a number")
        return float(score)


def losses_of(estimator: Any, outputs: Array, targets: Array) -> NDArray[np.float64]:
    """Return each row's loss, without L2, for targets as the engine takes them."""
    floor = np.finfo(estimator.coefs_[0].dtype).eps
    rows: Array = LOSSES[estimator._loss_name()].rows(outputs, targets, floor)
    return rows.astype(np.float64)


def scorer_of(estimator: Any) -> Any:
    """Return the scorer that the setting `monitor` names or is; None where it needs none."""
    if estimator.monitor in (None, "loss"):
        return None
    try:
        return check_scoring(estimator, scoring=estimator.monitor)
    except ValueError as error:
        raise ValueError(shortened(str(error), LONGEST_MESSAGE)) from None


def split_rows(
    estimator: Any, n_rows: int, strata: Array | None, random_state: np.random.RandomState
) -> tuple[Array, Array]:
    """Return the numbers of the rows to train on and of those held out, as scikit-learn's split.

    Raises
    ------
    ValueError
        If a class or the held out part is too small.
    """
    try:
        train, held_out = train_test_split(
            np.arange(n_rows),
            random_state=random_state,
            test_size=estimator.validation_fraction,
            stratify=strata,
        )
    except IndexError:
        generators.refuse(random_state, "permutation")
    except ValueError as error:
        if strata is None:
            raise
        raise ValueError(
            f"{str(error).rstrip('.')}. Give stratify=False, or validation rows of your own: "
            "X_val and y_val."
        ) from error
    if not generators.is_trusted(random_state) and not np.array_equal(
        np.sort(np.concatenate([train, held_out])), np.arange(n_rows)
    ):
        generators.refuse(random_state, "permutation")
    if len(held_out) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' "
            "or the size of your dataset."
        )
    return train, held_out
