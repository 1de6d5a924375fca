"""Encodes a classifier's labels as targets of the engine, and decodes its outputs."""

from __future__ import annotations

import reprlib
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from fastmlp.checks import warn_user
from fastmlp.words import LONGEST_VALUE, listed, shortened

Array = NDArray[Any]


class LabelEncoding:
    """The classes of a classifier.

    Parameters
    ----------
    y : array-like
        Labels (n_rows,), or an indicator matrix (n_rows, n_classes), dense or sparse.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted. For an indicator matrix, the indices of its columns.
    is_multilabel : bool

    Raises
    ------
    ValueError
        If `y` is not made of labels, or is multioutput.
    """

    def __init__(self, y: Any) -> None:
        # scikit-learn's checks take as long as some epochs, so plain arrays skip them; for others
        # its errors on mixed types are good.
        is_plain = (
            isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind != "O" and y.dtype.isnative
        )
        is_whole = is_plain and len(y) > 0 and y.dtype.kind in "iu"
        with np.errstate(invalid="ignore"):  # of floats beyond all integers, which are refused
            kind = "multiclass" if is_whole else type_of_target(y, input_name="y")
            if kind not in ("binary", "multiclass", "multilabel-indicator"):
                check_classification_targets(y)
        if "multioutput" in kind:
            raise ValueError("Multioutput target data is not supported with label binarization")
        self.is_multilabel = kind.startswith("multilabel")
        self.classes = np.unique(y) if is_plain else unique_labels(y)
        self._indicator = LabelBinarizer().fit(y) if self.is_multilabel else None

    @classmethod
    def of(cls, classes: Array, is_multilabel: bool, is_sparse: bool = False) -> Self:
        """Return the encoding of these classes, which are sorted."""
        if not is_multilabel:
            return cls(classes)
        indicator = np.ones((1, len(classes)), dtype=int)  # only its columns matter
        return cls(csr_array(indicator) if is_sparse else indicator)

    @property
    def is_sparse(self) -> bool:
        """Whether the indicator matrix was sparse: then predictions are."""
        return self._indicator is not None and bool(self._indicator.sparse_input_)

    @property
    def n_outputs(self) -> int:
        """Units of the output layer: one for two classes that exclude each other."""
        n_classes = len(self.classes)
        return n_classes if self.is_multilabel or n_classes > 2 else 1

    @property
    def is_one_of_many(self) -> bool:
        """Whether there are three or more classes that exclude each other."""
        return self.n_outputs > 1 and not self.is_multilabel

    @property
    def loss(self) -> str:
        """The name of the loss that is trained."""
        return "cross_entropy" if self.is_one_of_many else "binary_cross_entropy"

    def check_same(self, y: Any) -> None:
        """Raise unless `y` holds all of the classes, and no others."""
        classes = unique_labels(y)
        if set(classes) != set(self.classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {_some_of(self.classes)}, `y` has {_some_of(classes)}"
            )

    def encode(self, y: Any) -> Array:
        """Return class indices (n_rows,) of intp, or indicators (n_rows, n_classes) of bool."""
        if self._indicator is not None:
            self._check_known(unique_labels(y))
            return self._indicator.transform(y).astype(bool)
        y = np.asarray(y)
        if self._is_dense_range(y):
            return y.astype(np.intp)
        check_classification_targets(y)
        if type_of_target(y).startswith("multilabel"):
            raise ValueError("The object was not fitted with multilabel input.")
        try:
            indices = np.searchsorted(self.classes, y)
        except TypeError:  # strings among numbers
            self._check_known(unique_labels(y))
            raise
        indices[indices == len(self.classes)] = 0
        if not np.all(self.classes[indices] == y):
            self._check_known(unique_labels(y))
        return indices.astype(np.intp, copy=False)

    def _is_dense_range(self, y: Array) -> bool:
        """Whether the classes are 0, 1, 2, ... and all of `y` are whole numbers among them."""
        n, classes = len(self.classes), self.classes
        if classes.dtype.kind not in "iu" or y.dtype.kind not in "iu" or y.ndim != 1:
            return False
        if classes[0] != 0 or classes[-1] != n - 1:
            return False
        return bool(y.min() >= 0 and y.max() < n)

    def _check_known(self, classes: Array) -> None:
        if len(np.setdiff1d(classes, self.classes, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {_some_of(self.classes)}. "
                f"'y' has {_some_of(classes)}."
            )

    def targets(self, encoded: Array, dtype: np.dtype[Any], smoothing: float) -> Array:
        """Return the engine's targets: class indices, or dense targets (n_rows, n_outputs).

        With smoothing s, a target t of k alternatives becomes (1 - s) t + s / k: k is the number
        of classes that exclude each other, else 2 (Szegedy et al., arXiv:1512.00567, section 7).
        """
        if self.is_one_of_many:
            if smoothing == 0:
                return encoded
            n_classes = len(self.classes)
            rows = np.full((len(encoded), n_classes), smoothing / n_classes, dtype)
            rows[np.arange(len(encoded)), encoded] += dtype.type(1 - smoothing)
            return rows
        rows = encoded.reshape(len(encoded), -1).astype(dtype)
        return rows if smoothing == 0 else rows * (1 - smoothing) + smoothing / 2

    def class_weights(self, class_weight: Any, encoded: Array) -> Array:
        """Return the weight of each class, of shape (n_classes,).

        For multi-label targets (2, n_classes): the weight of rows without each label, and of rows
        with it.

        Parameters
        ----------
        class_weight : dict or 'balanced'
        encoded : ndarray
            The targets to balance. A class without any gets 1.
        """
        return self.weights_of_counts(class_weight, self.counts(encoded), len(encoded))

    def counts(self, encoded: Array) -> Array:
        """Return how many rows have each class, or label, of shape (n_classes,)."""
        if self.is_multilabel:
            n_with: Array = encoded.sum(axis=0)
            return n_with
        return np.bincount(encoded, minlength=len(self.classes))

    def weights_of_counts(self, class_weight: Any, counts: Array, n_rows: int) -> Array:
        """Return `class_weights` of targets of which there are so many."""
        n_classes = len(self.classes)
        if class_weight != "balanced":
            given = self._given(class_weight)
            return np.stack([np.ones(n_classes), given]) if self.is_multilabel else given
        if self.is_multilabel:
            counts, n_present = np.stack([n_rows - counts, counts]), 2
            is_present = np.broadcast_to(counts.all(axis=0), counts.shape)
        else:
            n_present, is_present = int(np.count_nonzero(counts)), counts > 0
        weights = np.ones(counts.shape)
        np.divide(n_rows, n_present * counts, out=weights, where=is_present)
        return weights

    def row_weights(self, class_weights: Array, encoded: Array) -> Array:
        """Return each row's weight: its class's, or the product of those of its labels."""
        if not self.is_multilabel:
            return class_weights[encoded]
        return np.prod(np.where(encoded, class_weights[1], class_weights[0]), axis=1)

    def _given(self, class_weight: dict[Any, float]) -> Array:
        known = self.classes.tolist()
        given = [*class_weight.values(), *(class_weight.get(label, 1.0) for label in known)]
        values = np.array([w if isinstance(w, Real) else np.nan for w in given], np.float64)
        weights = values[len(class_weight) :]
        if not (np.isfinite(values).all() and (values >= 0).all() and weights.any()):
            raise ValueError(
                f"class_weight is {reprlib.repr(class_weight)}: give finite weights of 0 or more, "
                "not all 0"
            )
        # A part of the data may lack a class, so only names that may be typing errors are reported.
        unknown = class_weight.keys() - set(known)
        unnamed = set(known) - class_weight.keys()
        if unknown and unnamed:
            warn_user(
                f"class_weight names {_first(unknown)}, which y does not hold, and not "
                f"{_first(unnamed)}, which count 1: are the names those in y?"
            )
        return weights

    def decode(self, outputs: Array) -> Any:
        """Return the labels predicted from the network's outputs (n_rows, n_outputs).

        If `is_one_of_many`, `outputs` are the indices (n_rows,) of the largest outputs instead.
        """
        if self._indicator is not None:
            return self._indicator.inverse_transform(outputs)
        if len(self.classes) == 1:
            return np.repeat(self.classes, len(outputs))
        if self.n_outputs == 1:
            return self.classes[(outputs[:, 0] > 0.5).astype(np.intp)]
        return self.classes[outputs]

    def are_right(self, outputs: Array, encoded: Array) -> Array:
        """Return whether each row's prediction equals its label, as encoded by `encode`."""
        if self.is_multilabel:
            return np.all((outputs > 0.5) == encoded, axis=1)
        if len(self.classes) == 1:
            return np.ones(len(outputs), bool)
        if self.n_outputs == 1:
            return (outputs[:, 0] > 0.5) == encoded
        return outputs.argmax(axis=1) == encoded


def _some_of(classes: Array) -> str:
    """Return classes as in scikit-learn's messages, but shortened."""
    return shortened(str(classes), LONGEST_VALUE)


def _first(labels: set[Any]) -> str:
    """Return the first of some labels for a message."""
    return listed(sorted(map(reprlib.repr, labels)), 3)
