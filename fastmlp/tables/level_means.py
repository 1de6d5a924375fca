"""How a column of words with very many levels becomes inputs: by each level's mean target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.tables.cells import Texts
from fastmlp.tables.numbers import Numbers

Array = NDArray[Any]
MORE_LEVELS = 128  # than that have means
MOST_CLASSES = 10  # with more of them, levels have no means
LEAST_SHARE = 0.02  # of the variance, between levels
N_PARTS = 5  # of rows that are never held out


@dataclass(frozen=True)
class LevelMeans:
    """How far each level's mean target is from that of all rows, encoded as a number.

    Of a regressor one mean; of a classifier the share of each class, of two classes that of the
    second. Levels of one row only, and those that `fit` has not seen, are at 0.

    Attributes
    ----------
    levels : tuple of str
        "" stands for missing values.
    means : tuple of tuple of float
        For each target how far the means of these levels are from that of all rows.
    numbers : tuple of Numbers
        How the means of each target are encoded.
    """

    levels: tuple[str, ...]
    means: tuple[tuple[float, ...], ...]
    numbers: tuple[Numbers, ...]

    @property
    def blocks(self) -> tuple[Numbers, ...]:
        """The encodings that it is made of."""
        return self.numbers

    @property
    def n_outputs(self) -> int:
        """Columns that the words become."""
        return sum(numbers.n_outputs for numbers in self.numbers)

    def names(self, name: str) -> Iterator[str]:
        """Yield the names of these columns."""
        for i, numbers in enumerate(self.numbers):
            yield from numbers.names(f"{name}_mean{i if len(self.numbers) > 1 else ''}")

    def places(self, texts: Texts) -> NDArray[np.intp]:
        """Return the place of each row's level; -1 of those that are not among the levels."""
        place = {word: i for i, word in enumerate(self.levels)}
        known = np.array([place.get(word, -1) for word in [*texts.levels, ""]], np.intp)
        return known[texts.codes]

    def write(self, places: NDArray[np.intp], out: Array) -> None:
        """Write the columns (n_rows, n_outputs) of the levels in these `places`."""
        means = np.array([[*column, 0.0] for column in self.means])
        self.write_means(means.T[places], out)

    def write_means(self, means: NDArray[np.float64], out: Array) -> None:
        """Write the columns (n_rows, n_outputs) of these means (n_rows, n_targets)."""
        first = 0
        for numbers, column in zip(self.numbers, means.T, strict=True):
            last = first + numbers.n_outputs
            numbers.write(column, out[:, first:last])
            first = last


def learn(
    texts: Texts,
    targets: NDArray[np.float64],
    weights: Array | None,
    held_out: Sequence[NDArray[np.intp]],
    n_bins: int,
) -> tuple[LevelMeans, NDArray[np.float32]] | None:
    """Return how to encode such words, and how those of `fit` are: by means without their own.

    A row that knew the mean of its own target would give it away. So a row in a part has the means
    of the rows outside that part (Micci-Barreca, doi:10.1145/507533.507538, cross-fitted as by
    scikit-learn's `TargetEncoder`), less the mean of these: it is high where the part's own is low,
    and would tell the parts apart.

    Parameters
    ----------
    texts : Texts
    targets : ndarray of shape (n_rows, n_targets)
    weights : ndarray of shape (n_rows,), optional
    held_out : sequence of ndarray
        Parts of the rows; the first that a row is in counts. Rows in none of them are dealt to
        parts of their own.
    n_bins : int
        Of each mean.

    Returns
    -------
    (LevelMeans, ndarray of shape (n_rows, n_outputs)) or None
        None where levels don't differ.
    """
    codes = np.where(texts.codes < 0, len(texts.levels), texts.codes)
    n_levels = len(texts.levels) + 1
    weights = _counted(np.ones(len(codes)) if weights is None else weights.astype(np.float64))
    more = _more_rows(codes, targets, weights, n_levels)
    if not np.isfinite(more).any():
        return None
    crossed = np.empty(targets.shape)
    for part in _parts(len(codes), held_out):
        rows = np.ones(len(codes), bool)
        rows[part] = False
        known = _means(codes[rows], targets[rows], weights[rows], n_levels, more)
        crossed[part] = known[codes[part]]
    numbers = [Numbers.learn(column, n_bins, has_gaps=False) for column in crossed.T]
    if all(one is None for one in numbers):
        return None
    means = _means(codes, targets, weights, n_levels, more)
    # Levels of one row have said nothing in `crossed`, and so they do in predictions.
    kept = np.bincount(codes, minlength=n_levels) > 1
    levels = [*texts.levels, ""]
    found = LevelMeans(
        tuple(level for level, is_kept in zip(levels, kept, strict=True) if is_kept),
        tuple(tuple(column.tolist()) for column in means[kept].T),
        tuple(one or Numbers(0.0, 1.0) for one in numbers),  # a class that levels don't differ in
    )
    out = np.empty((len(codes), found.n_outputs), np.float32)
    found.write_means(crossed, out)
    return found, out


def _parts(n_rows: int, held_out: Sequence[NDArray[np.intp]]) -> list[NDArray[np.intp]]:
    """Return parts of which each row is in one."""
    place = np.full(n_rows, -1)
    for i, rows in reversed(list(enumerate(held_out))):
        place[rows] = i
    rest = np.flatnonzero(place < 0)
    place[np.random.RandomState(0).permutation(rest)] = (
        len(held_out) + np.arange(len(rest)) % N_PARTS
    )
    return [np.flatnonzero(place == i) for i in np.unique(place)]


def _counted(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights that are 1 on average, as many rows as have any: their size says nothing."""
    if not weights.any():
        return np.ones(len(weights))
    weights = weights / weights.max()  # so that their sum is finite
    return weights * (np.count_nonzero(weights) / weights.sum())


def _more_rows(
    codes: NDArray[np.intp], targets: NDArray[np.float64], weights: Array, n_levels: int
) -> NDArray[np.float64]:
    """Return by how many more rows, with the mean of all, a level's mean is shrunk: (n_targets,).

    An empirical Bayes estimate, (variance within levels) / (variance between them), both from an
    analysis of variance. It is infinite where less than `LEAST_SHARE` of the variance is between
    levels: that is as much as chance makes of it, and would only be learned by heart.
    """
    total = weights.sum()
    counts = np.bincount(codes, weights, n_levels)[:, np.newaxis]
    n_found = np.count_nonzero(counts)
    own = _means(codes, targets, weights, n_levels, np.zeros(targets.shape[1]))
    prior = (weights[:, np.newaxis] * targets).sum(axis=0) / total
    within = (weights[:, np.newaxis] * (targets - prior - own[codes]) ** 2).sum(axis=0)
    within /= max(total - n_found, 1)
    between = (counts * own**2).sum(axis=0) - (n_found - 1) * within
    between /= max(total - float((counts**2).sum()) / total, 1)
    tells = (between > 0) & (between >= LEAST_SHARE * (between + within))
    return np.where(tells, within / np.where(tells, between, 1), np.inf)


def _means(
    codes: NDArray[np.intp],
    targets: NDArray[np.float64],
    weights: Array,
    n_levels: int,
    more: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return how far each level's mean is from that of all rows, (n_levels, n_targets).

    It is shrunk towards 0 as if a level had so many `more` rows with the mean of all.
    """
    total = weights.sum() or 1.0
    prior = (weights[:, np.newaxis] * targets).sum(axis=0) / total
    counts = np.bincount(codes, weights, n_levels)[:, np.newaxis]
    sums = np.stack([np.bincount(codes, weights * t, n_levels) for t in targets.T], axis=1)
    n_rows = counts + more
    found: NDArray[np.float64] = (sums - counts * prior) / np.where(n_rows > 0, n_rows, 1)
    return found
