"""What the targets of a loss look like, what is predicted, and how good predictions are.

`reference.losses` has the formulas, and says of each loss whether it is about labels, flags (yes
and no), or numbers. Here stands what a user means by those.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp import checks
from fastmlp.reference import LOSSES
from fastmlp.words import shown

Array = NDArray[Any]
LABELLED = next(name for name, loss in LOSSES.items() if loss.targets == "labels")


class Targets(ABC):
    """The targets of one loss for a network with so many outputs.

    Attributes
    ----------
    has_probabilities : bool
        Whether outputs are probabilities, so that there is an accuracy.
    class_names : tuple of str or None
    """

    has_probabilities = True
    class_names: tuple[str, ...] | None = None

    def __init__(self, loss: str, n_outputs: int, class_names: Iterable[str] | None) -> None:
        self.loss, self.n_outputs = loss, n_outputs
        self.set_class_names(class_names)

    def set_class_names(self, class_names: Iterable[str] | None) -> None:
        """Refuse names where there are no classes."""
        if class_names is not None:
            raise ValueError(
                f"class_names is {shown(class_names)}: leave them out, as loss {self.loss!r} "
                f"knows no classes, or make the network with loss={LABELLED!r}"
            )

    @abstractmethod
    def check(self, y: ArrayLike, n_rows: int, dtype: np.dtype[Any], name: str) -> Array:
        """Return `y` as an engine wants it, or raise an error that names it."""

    @abstractmethod
    def decide(self, outputs: Array) -> Array:
        """Return what is predicted, from the network's outputs, (n_rows, n_outputs)."""

    @abstractmethod
    def score(self, outputs: Array, targets: Array) -> float:
        """Return how good the outputs are, from what `check` returned; 1 at best."""

    def untrained(self, targets: Array) -> tuple[int, ...]:
        """Return the classes of which there is no row."""
        return ()


class Labels(Targets):
    """One class a row, as a whole number or a word."""

    def set_class_names(self, class_names: Iterable[str] | None) -> None:
        self.class_names = checks.as_class_names(class_names, self.n_outputs)

    def check(self, y: ArrayLike, n_rows: int, dtype: np.dtype[Any], name: str) -> Array:
        return checks.as_labels(y, n_rows, self.n_outputs, name, self.class_names)

    def decide(self, outputs: Array) -> Array:
        return outputs.argmax(axis=1)

    def score(self, outputs: Array, targets: Array) -> float:
        return float(np.mean(self.decide(outputs) == targets))

    def untrained(self, targets: Array) -> tuple[int, ...]:
        counts = np.bincount(targets, minlength=self.n_outputs)
        return tuple(np.flatnonzero(counts == 0).tolist())


class Flags(Targets):
    """0 or 1 for each output, or a number between: the probability of 1."""

    def check(self, y: ArrayLike, n_rows: int, dtype: np.dtype[Any], name: str) -> Array:
        return checks.as_targets(y, n_rows, self.n_outputs, dtype, name, (0.0, 1.0))

    def decide(self, outputs: Array) -> Array:
        return _squeezed((outputs > 0.5).astype(np.intp))

    def score(self, outputs: Array, targets: Array) -> float:
        return float(np.mean(((outputs > 0.5) == (targets > 0.5)).all(axis=1)))


class Numbers(Targets):
    """A number for each output, from the loss's lowest one on."""

    has_probabilities = False

    def check(self, y: ArrayLike, n_rows: int, dtype: np.dtype[Any], name: str) -> Array:
        limits = LOSSES[self.loss].lowest, math.inf
        return checks.as_targets(y, n_rows, self.n_outputs, dtype, name, limits)

    def decide(self, outputs: Array) -> Array:
        return _squeezed(outputs)

    def score(self, outputs: Array, targets: Array) -> float:
        """R^2, 1 - residuals' squares / squares around the mean, averaged over the outputs.

        As scikit-learn's ``r2_score`` has it, an output whose targets are all alike counts 1 if it
        is met exactly, else 0.
        """
        truth = targets.astype(np.float64)
        left = ((truth - outputs) ** 2).sum(axis=0)
        spread = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
        alike = spread == 0
        shares = np.divide(left, spread, out=(left > 0).astype(np.float64), where=~alike)
        return float(np.mean(1 - shares))


KINDS: dict[str, type[Targets]] = {"labels": Labels, "flags": Flags, "numbers": Numbers}
"""By what `reference.Loss.targets` says."""


def targets_of(loss: str, n_outputs: int, class_names: Iterable[str] | None = None) -> Targets:
    """Return the targets of a loss, with the names of its classes, if it has any."""
    return KINDS[LOSSES[loss].targets](loss, n_outputs, class_names)


def _squeezed(predictions: Array) -> Array:
    """A number a row where there is one output."""
    return predictions[:, 0] if predictions.shape[1] == 1 else predictions
