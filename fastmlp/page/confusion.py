"""Which class is taken for which, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_CLASSES = 30  # of a matrix, the most frequent ones


class Confusion(NamedTuple):
    """A confusion matrix, or its part for the most frequent classes.

    Attributes
    ----------
    names : list of str
        Of the classes.
    counts : list of list of int
        By true class, then by prediction.
    shares : list of list of float
        The same, as shares of all rows of the true class.
    n_classes : int
        How many there are with those that are left out.
    """

    names: list[str]
    counts: list[list[int]]
    shares: list[list[float]]
    n_classes: int


def confusion_of(true: NDArray[Any], predicted: NDArray[Any], names: Sequence[str]) -> Confusion:
    """Count how often each class is taken for which.

    Parameters
    ----------
    true, predicted : ndarray of shape (n_rows,) of int
        Places in `names`.
    names : sequence of str

    Returns
    -------
    Confusion
        Of more than 30 classes, the 30 with the most rows.
    """
    n = len(names)
    totals = np.bincount(true, minlength=n)
    shown = np.sort(np.argsort(-totals, kind="stable")[:MOST_CLASSES])
    place = np.full(n, -1)
    place[shown] = np.arange(len(shown))
    both = (place[true] >= 0) & (place[predicted] >= 0)
    counts = np.zeros((len(shown), len(shown)), np.int64)
    np.add.at(counts, (place[true[both]], place[predicted[both]]), 1)
    shares = counts / np.maximum(totals[shown], 1)[:, np.newaxis]
    return Confusion([names[i] for i in shown.tolist()], counts.tolist(), shares.tolist(), n)
