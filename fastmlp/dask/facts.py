"""What the client has to know of each shard's rows, and what it makes of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks import warn_user
from fastmlp.dask.shards import Shard, sum_of_weights

Array = NDArray[Any]
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
    targets : Any
        What the estimator's `_facts_of_targets` has found.
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


class NumberFacts(NamedTuple):
    """The sums over some rows of each output, and of its square."""

    sums: NDArray[np.float64]
    squares: NDArray[np.float64]


def facts_of(shard: Shard, reader: Any) -> Facts | None:
    """Return what there is to know of a shard; None of one without rows."""
    if not len(shard):
        return None
    x, weights = shard.x, shard.weights
    weight = sum_of_weights(weights, np.arange(len(shard)))
    targets = reader._facts_of_targets(shard.y)
    return Facts(len(shard), x.shape[1], weight, x.dtype, shard.names, targets)


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
    counts = np.zeros((len(facts), len(classes)))
    for row, shard in zip(counts, facts, strict=True):
        row[np.searchsorted(classes, shard.targets.classes)] = shard.targets.counts
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
    square = sum(shard.targets.squares for shard in facts) / n_rows.sum()
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
