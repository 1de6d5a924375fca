"""What a classifier makes of its targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import column_or_1d

from fastmlp.estimators import by_hand
from fastmlp.estimators.base import BaseMLP
from fastmlp.estimators.label_encoding import LabelEncoding

Array = NDArray[Any]


class ClassTargets(BaseMLP):
    """Classes as the network's targets: their numbers, their weights, their score."""

    class_weight: Any
    label_smoothing: float
    stratify: bool | str
    warm_start: bool
    classes_: Array
    n_outputs_: int

    @property
    def _labels(self) -> LabelEncoding:
        kept: LabelEncoding | None = self.__dict__.get("_labels")
        return kept if kept is not None else by_hand.labels(self)

    @_labels.setter
    def _labels(self, labels: LabelEncoding) -> None:
        self.__dict__["_labels"] = labels

    def _encode_first(self, y: Any, is_partial: bool) -> Array:
        y = _as_column(y)
        if not hasattr(self, "classes_") or not (self.warm_start or is_partial):
            self._labels = LabelEncoding(y)
            self.classes_ = self._labels.classes
        else:
            self._labels = self._labels  # where they were derived
            if self.warm_start:
                self._labels.check_same(y)
        self.n_outputs_ = self._labels.n_outputs
        return self._labels.encode(y)

    def _encode(self, y: Any) -> Array:
        return self._labels.encode(_as_column(y))

    def _targets(self, encoded: Array, dtype: np.dtype[Any]) -> Array:
        return self._labels.targets(encoded, dtype, self.label_smoothing)

    def _loss_name(self) -> str:
        return self._labels.loss

    def _score_outputs(self, outputs: Array, encoded: Array, weights: Array | None) -> float:
        return float(np.average(self._labels.are_right(outputs, encoded), weights=weights))

    def _learn_class_weight(self, encoded: Array, is_partial: bool) -> Array | None:
        if self.class_weight is None:
            return None
        if self.class_weight == "balanced" and is_partial:
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit. In order to use "
                "'balanced' weights, use compute_class_weight('balanced', classes=classes, y=y). "
                "In place of y you can use a large enough sample of the full training set target "
                "to properly estimate the class frequency distributions. Pass the resulting "
                "weights as the class_weight parameter."
            )
        return self._labels.class_weights(self.class_weight, encoded)

    def _by_class(self, class_weights: Array, encoded: Array) -> Array:
        return self._labels.row_weights(class_weights, encoded)

    def _strata(self, encoded: Array) -> Array | None:
        if self.stratify == "auto":
            # scikit-learn's array, as its error message shows what is in it.
            return encoded.astype(bool).reshape(-1, 1) if self.n_outputs_ == 1 else None
        if not self.stratify:
            return None
        return encoded if self._labels.is_multilabel else self._labels.classes[encoded]


def _as_column(y: Any) -> Any:
    if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1 and isinstance(y, np.ndarray):
        return column_or_1d(y, warn=True)
    return y
