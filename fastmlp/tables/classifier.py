"""TableClassifier."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from fastmlp.estimators.class_names import decode_array, encode_array
from fastmlp.estimators.label_encoding import LabelEncoding
from fastmlp.estimators.scores import ScoreMixin
from fastmlp.json_text import as_number, parse
from fastmlp.tables.base import BaseTable
from fastmlp.tables.docstrings import documented
from fastmlp.tables.level_means import MOST_CLASSES
from fastmlp.tables.members import ClassifierMember, Fold, Member, two_columns
from fastmlp.tables.temperature import RANGE, best_power, joined, tempered
from fastmlp.tables.trees import probabilities

Array = NDArray[Any]


@documented
class TableClassifier(ScoreMixin, ClassifierMixin, BaseTable):
    """Predicts classes from raw tables, with defaults that need no tuning.

    <WHAT>

    Parameters
    ----------
    <PARAMETERS>
    class_weight : dict or 'balanced', default=None
        Weights of classes, as in `MLPClassifier`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    temperature_ : float
        The divisor of the mean of the logarithms of the networks' probabilities.
    <ATTRIBUTES>
    oof_predictions_ : ndarray of shape (n_samples, n_classes)
        Each row's probabilities according to the networks that were not trained on it; NaN if all
        were.
    oof_score_ : float
        Their accuracy. It is optimistic, because these rows chose the epochs.

    Examples
    --------
    >>> import pandas as pd
    >>> from fastmlp import TableClassifier
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> X["cellar"] = pd.Series(["north", "south", None] * 60)
    >>> model = TableClassifier(n_members=2, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTable._parameter_constraints,
        "class_weight": [None, dict, StrOptions({"balanced"})],
    }
    _unseen = ("_labels",)
    _labels: LabelEncoding
    classes_: Array
    temperature_: float

    def __init__(
        self,
        n_members: int = 5,
        trees: bool = False,
        max_seconds: float | None = None,
        categorical_features: Any = "from_dtype",
        n_threads: int | None = None,
        random_state: Any = None,
        verbose: bool | int = False,
        *,
        cv: Any = None,
        class_weight: Any = None,
    ) -> None:
        self.n_members = n_members
        self.trees = trees
        self.max_seconds = max_seconds
        self.categorical_features = categorical_features
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose
        self.cv = cv
        self.class_weight = class_weight

    def predict(self, X: Any) -> Array:
        """Predict classes.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            With the columns of `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The most probable class of each row.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the columns differ from those in `fit`, or hold cells of another kind.
        """
        places = self.predict_proba(X).argmax(axis=1)
        labels: Array = self.classes_[places]
        return labels

    def predict_proba(self, X: Any) -> Array:
        """Predict the probability of each class.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            With the columns of `fit`.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes) of float64
            In the order of `classes_`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the columns differ from those in `fit`, or hold cells of another kind.
        """
        return joined(self._outputs(self._encoded(X)), 1 / self.temperature_)

    def predict_log_proba(self, X: Any) -> Array:
        """Predict the logarithm of each class's probability.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            With the columns of `fit`.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes)
            ``np.log(predict_proba(X))``.
        """
        with np.errstate(divide="ignore"):
            logs: Array = np.log(self.predict_proba(X))
        return logs

    def _learn_targets(self, y: Any) -> Array:
        y = _as_labels(y)
        check_classification_targets(y)
        try:
            self._labels = LabelEncoding(y)
        except TypeError as error:
            raise ValueError(
                f"y holds labels of several types ({error}): give all numbers, or all text"
            ) from error
        if self._labels.is_multilabel:
            raise ValueError("y has several labels a row: fit a TableClassifier for each of them")
        self.classes_ = self._labels.classes
        if len(self.classes_) < 2:
            raise ValueError(f"y holds one class only ({self.classes_[0]!r}): give two or more")
        return self._labels.encode(y)

    def _encode(self, y: Any) -> Array:
        return self._labels.encode(_as_labels(y))

    def _strata(self, targets: Array) -> Array | None:
        return targets

    def _row_weights(self, sample_weight: Any, x: Array, targets: Array) -> Array | None:
        weights = super()._row_weights(sample_weight, x, targets)
        if self.class_weight is None:
            return weights
        by_class = self._labels.class_weights(self.class_weight, targets)[targets]
        return by_class if weights is None else weights * by_class

    def _to_average(self, targets: Array) -> NDArray[np.float64] | None:
        n_classes = len(self.classes_)
        if n_classes > MOST_CLASSES:
            return None
        columns = np.arange(n_classes) if n_classes > 2 else np.array([1])
        return (targets[:, np.newaxis] == columns).astype(np.float64)

    def _member(self) -> Member:
        return ClassifierMember()

    def _read(self, outputs: Array) -> Array:
        return two_columns(outputs)

    def _averaged(self, outputs: Array, trees: Any, plain: Array) -> Array:
        return joined([outputs, probabilities(trees, plain, outputs.shape[1])], 1)

    @property
    def _n_network_outputs(self) -> int:
        return self._labels.n_outputs

    def _complete(self, member: Member) -> None:
        member.classes_ = np.arange(len(self.classes_))

    def _to_file(self) -> tuple[dict[str, Any], dict[str, Array]]:
        fitted = {"temperature": self.temperature_}
        return {"classes": encode_array(self.classes_), "fitted": fitted}, {}

    def _from_file(self, text: dict[str, str], arrays: dict[str, Array]) -> None:
        self._labels = LabelEncoding(decode_array(parse(text["classes"])))
        self.classes_ = self._labels.classes
        self.temperature_ = as_number(parse(text["fitted"])["temperature"])
        # Of what `best_power` finds, with room for rounding.
        is_usual = self.temperature_ * RANGE[1] > 0.5 and self.temperature_ * RANGE[0] < 2
        if len(self.classes_) < 2 or not is_usual:
            raise ValueError("there are too few classes, or the temperature is none")

    def _judge(
        self, x: Array, targets: Array, weights: Array | None, folds: list[Fold], has_folds: bool
    ) -> None:
        oof = self._gather(x, folds, len(self.classes_))
        rows = np.flatnonzero(~np.isnan(oof[:, 0]))
        known = None if weights is None else weights[rows]
        if known is not None and not known.any():
            known = None
        self.temperature_ = 1 / best_power(oof[rows], targets[rows], known)
        if has_folds:
            oof[rows] = tempered(oof[rows], 1 / self.temperature_)
            self.oof_predictions_ = oof
            are_right = oof[rows].argmax(axis=1) == targets[rows]
            self.oof_score_ = float(np.average(are_right, weights=known))


def _as_labels(y: Any) -> Array:
    """Return labels (n_rows,) in a dtype of NumPy's, whatever container they are in."""
    if isinstance(y, pd.Series) and not isinstance(y.dtype, np.dtype):
        y = np.array(y.tolist())
    labels: Array = column_or_1d(y, warn=True)
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        row = int(np.argmin(np.isfinite(labels)))
        raise ValueError(f"y holds {labels[row]} in row {row} (counted from 0): remove such rows")
    return labels
