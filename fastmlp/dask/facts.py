"""What the client has to know of each shard's rows, and what it makes of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import unique_labels

from fastmlp.checks import warn_user
from fastmlp.dask.shards import Shard, sum_of_weights

Array = NDArray[Any]
WORDS = "OUS"  # NumPy's letters for text and objects
MOST_APART = 0.3  # of the shares of classes, as total variation
MOST_DEVIATIONS = 0.5  # between means of targets


class Facts(NamedTuple):
    """Of a shard, or of its part that is trained on.

    Attributes
    ----------
    n_rows, n_columns : int
    weight : float
        The sum of the rows' weights.
    dtype : numpy.dtype
        Of the features.
    names : tuple of str, or None
    targets : ClassFacts or NumberFacts
    """

    n_rows: int
    n_columns: int
    weight: float
    dtype: np.dtype[Any]
    names: tuple[str, ...] | None
    targets: Any


class ClassFacts(NamedTuple):
    """The classes of some rows, sorted, and how many rows have each."""

    classes: Array
    counts: Array
    is_multilabel: bool

    @classmethod
    def together(cls, parts: Sequence[ClassFacts]) -> ClassFacts:
        """Return the classes of all rows.

        Raises
        ------
        ValueError
            If some are words and others numbers, of which NumPy would make words, or some rows
            have several labels, and others one, or labels out of more.
        """
        if len({part.classes.dtype.kind in WORDS for part in parts}) > 1:
            unique_labels(*(part.classes for part in parts))
        kinds = {(part.is_multilabel, part.is_multilabel and len(part.classes)) for part in parts}
        if len(kinds) > 1:
            raise ValueError("some partitions of y have more columns than others: give as many")
        classes = np.unique(np.concatenate([part.classes for part in parts]))
        counts = sum(part.counts_of(classes) for part in parts)
        return cls(classes, np.asarray(counts), parts[0].is_multilabel)

    def counts_of(self, classes: Array) -> Array:
        """Return how many rows have each of these classes, which are sorted."""
        counts = np.zeros(len(classes), np.int64)
        counts[np.searchsorted(classes, self.classes)] = self.counts
        return counts


class NumberFacts(NamedTuple):
    """The sums over some rows of each output, and of its square."""

    sums: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def together(cls, parts: Sequence[NumberFacts]) -> NumberFacts:
        """Return the sums over all rows.

        Raises
        ------
        ValueError
            If some have other outputs than others.
        """
        if len({part.sums.shape for part in parts}) > 1:
            raise ValueError("some partitions of y have more columns than others: give as many")
        sums, squares = (np.sum(found, axis=0) for found in zip(*parts, strict=True))
        return cls(sums, squares)


def facts_of(shard: Shard) -> Facts | None:
    """Return what there is to know of a shard; None of one without rows."""
    if not len(shard):
        return None
    x, weights = shard.x, shard.weights
    weight = sum_of_weights(weights, np.arange(len(shard)))
    return Facts(len(shard), x.shape[1], weight, x.dtype, shard.names, shard.targets)


def dtype_of(facts: Sequence[Facts]) -> np.dtype[Any]:
    """Return the features' dtype, as that of the shards put together."""
    return np.result_type(*(shard.dtype for shard in facts))


def check_columns(facts: Sequence[Facts], name: str) -> None:
    """Raise ValueError unless all shards have the same columns."""
    for number, shard in enumerate(facts):
        if (shard.n_columns, shard.names) != (facts[0].n_columns, facts[0].names):
            raise ValueError(
                f"{name}: the first shard has {facts[0].n_columns} columns, and shard {number} "
                f"{shard.n_columns}, or others: give the same in the same order"
            )


def warn_of_classes(facts: Sequence[Facts], classes: Array) -> None:
    """Warn where a shard has other shares of the classes than all rows, beyond chance."""
    n_rows = np.array([shard.n_rows for shard in facts])
    counts = np.array([shard.targets.counts_of(classes) for shard in facts])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    common = counts.sum(axis=0) / max(counts.sum(), 1)
    apart = 0.5 * np.abs(shares - common).sum(axis=1)
    # A sample of n rows has, on average, a total variation of at most this.
    by_chance = 0.5 * np.sqrt(len(classes) / n_rows)
    _warn(apart - by_chance, MOST_APART, "shares of classes", f"a total variation of {MOST_APART}")


def warn_of_means(facts: Sequence[Facts]) -> None:
    """Warn where the mean target of a shard is far from that of all rows, beyond chance."""
    n_rows = np.array([[shard.n_rows] for shard in facts], float)
    sums = np.array([shard.targets.sums for shard in facts])
    mean = sums.sum(axis=0) / n_rows.sum()
    square = np.sum([shard.targets.squares for shard in facts], axis=0) / n_rows.sum()
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    apart = np.abs(sums / n_rows - mean) - deviation * 2 / np.sqrt(n_rows)
    worst = np.divide(apart, deviation, out=np.zeros_like(apart), where=deviation > 0)
    _warn(worst.max(axis=1), MOST_DEVIATIONS, "a mean target", "half a standard deviation")


def _warn(apart: Array, most: float, what: str, how_far: str) -> None:
    far = np.flatnonzero(apart > most)
    if len(far):
        warn_user(
            f"{len(far)} of {len(apart)} shards, the first of them shard {far[0]}, have {what} "
            f"more than {how_far} from that of all rows, and the mean of networks that were "
            "trained on different things is worse than each: shuffle the rows before "
            "(DataFrame.shuffle, dask.array.shuffle)"
        )
