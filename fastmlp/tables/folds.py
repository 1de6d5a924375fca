"""Which rows each network is trained on, and which it is judged by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import check_cv
from sklearn.utils.validation import check_consistent_length

from fastmlp.checks import refuse_missing
from fastmlp.tables.members import Fold
from fastmlp.words import shown

Array = NDArray[Any]
HELD_OUT = 5  # of one network: one row in so many
CELLS_AT_ONCE = 2**16  # few enough for their hashes to stay in the caches


def repeated(x: NDArray[np.float32], y: Array) -> NDArray[np.intp]:
    """Return a number for each row, the same for rows that are the same in features and target.

    Where not even half of the rows differ, each has a number of its own: such rows are counts of a
    few cases, not copies.
    """
    random = np.random.RandomState(0)
    factors = np.asarray(random.randint(2**62, size=x.shape[1]), np.uint64) * np.uint64(
        2
    ) + np.uint64(1)
    hashes = np.unique(y, return_inverse=True)[1].ravel().astype(np.uint64)
    hashes *= np.uint64(0x9E3779B97F4A7C15)
    n_at_once = max(1, CELLS_AT_ONCE // x.shape[1])
    for start in range(0, len(x), n_at_once):
        rows = slice(start, start + n_at_once)
        bits = (x[rows] + np.float32(0)).view(np.uint32).astype(np.uint64)  # -0 is 0
        bits += np.uint64(1)
        bits *= factors
        bits ^= bits >> np.uint64(29)
        bits *= np.uint64(0xBF58476D1CE4E5B9)
        bits ^= bits >> np.uint64(32)
        hashes[rows] ^= bits.sum(axis=1, dtype=np.uint64)
    first, numbers = np.unique(hashes, return_inverse=True)
    numbers = numbers.ravel() if 2 * len(first) >= len(x) else np.arange(len(x))
    return numbers.astype(np.intp)


def folds_of(
    cv: Any,
    n_members: int,
    x: Array,
    y: Array,
    weights: Array | None,
    groups: Any,
    strata: Array | None,
    random: Any,
) -> list[Fold]:
    """Return a fold for each member: rows of a group, or the same rows, are in one of them.

    Folds of the user's own, `cv`, are taken as they are.

    Raises
    ------
    ValueError
        If there is one group only, or not one for each row, or `cv` makes no sense.
    """
    if cv is not None:
        found = of_cv(cv, x, y, groups, strata is not None)
        if weights is not None:
            refuse_without_weight(found, weights)
        return found
    if groups is not None:
        check_consistent_length(x, groups)
        groups = np.asarray(refuse_missing(groups, "groups"))
        numbers = np.unique(groups, return_inverse=True)[1].ravel()
        if numbers.max() == 0:
            raise ValueError("groups holds one group only: give two or more, or none")
    else:
        numbers = repeated(x, y)
        if numbers.max() == 0:  # all rows are the same
            numbers = np.arange(len(x))
    n_folds = n_members if n_members > 1 else HELD_OUT
    return deal(n_folds, numbers, strata, weights, groups is not None, random)[:n_members]


def deal(
    n_folds: int,
    numbers: Array,
    strata: Array | None,
    weights: Array | None,
    by_size: bool,
    random: Any,
) -> list[Fold]:
    """Deal rows to folds; rows of one number go to one fold.

    Parameters
    ----------
    n_folds : int
        At most: there are no more than different numbers.
    numbers : ndarray of shape (n_rows,) of intp
    strata : ndarray of shape (n_rows,), optional
        Classes, of which each fold gets an equal share, as near as may be: a class of a single row
        is held out once.
    weights : ndarray of shape (n_rows,), optional
        Rows without weight are dealt apart from the others, so that no fold has none but them, and
        are not trained on.
    by_size : bool
        Whether numbers have very different counts, so that the folds' sizes have to be evened out
        instead of the classes' shares.
    random : RandomState

    Raises
    ------
    ValueError
        If fewer than two rows, or groups of them, have weight.
    """
    if weights is not None and not weights.all():
        rows, rest = np.flatnonzero(weights), np.flatnonzero(weights == 0)
        own = None if strata is None else strata[rows]
        found = deal(n_folds, numbers[rows], own, None, by_size, random)
        if len(found) < 2:
            raise ValueError(
                "sample_weight and class_weight leave fewer than two different rows any weight, to "
                "train on one and judge by another: give more of them more than 0"
            )
        return [
            Fold(rows[fold.train], np.sort(np.r_[rows[fold.held_out], rest[i :: len(found)]]))
            for i, fold in enumerate(found)
        ]
    _, first, numbers, counts = np.unique(
        numbers, return_index=True, return_inverse=True, return_counts=True
    )
    n_folds = min(n_folds, len(first))
    order = random.permutation(len(first))
    fold_of = np.empty(len(first), np.intp)
    if by_size:
        sizes = np.zeros(n_folds, np.int64)
        for number in order[np.argsort(-counts[order], kind="stable")].tolist():
            fold_of[number] = smallest = int(np.argmin(sizes))
            sizes[smallest] += counts[number]
    else:
        if strata is not None:
            order = order[np.argsort(strata[first[order]], kind="stable")]
        fold_of[order] = np.arange(len(order)) % n_folds
    place = fold_of[numbers.ravel()]
    return [Fold(np.flatnonzero(place != i), np.flatnonzero(place == i)) for i in range(n_folds)]


def refuse_without_weight(folds: list[Fold], weights: Array) -> None:
    """Raise a ValueError if no row to train on or to judge by has weight in one of the folds."""
    for place, fold in enumerate(folds):
        for rows, what in ((fold.train, "train on"), (fold.held_out, "judge by")):
            if not weights[rows].any():
                raise ValueError(
                    f"sample_weight and class_weight leave no row to {what} any weight in split "
                    f"{place} of cv: give some of them more than 0, or other splits"
                )


def of_cv(cv: Any, x: Array, y: Array, groups: Any, is_classifier: bool) -> list[Fold]:
    """Return the folds of a splitter of scikit-learn, or those that are given as row numbers.

    Raises
    ------
    ValueError
        If they are empty, or name rows that are not there.
    """
    n_rows, found = len(y), []
    for split in check_cv(cv, y, classifier=is_classifier).split(x, y, groups):
        train, held_out = map(np.asarray, split)
        for rows in (train, held_out):
            if rows.dtype == bool and rows.shape == (n_rows,):
                continue
            if rows.dtype.kind not in "iu" or rows.ndim != 1 or not len(rows):
                raise ValueError(f"cv holds {shown(split)}: give two arrays of row numbers each")
            if rows.min() < 0 or rows.max() >= n_rows:
                raise ValueError(
                    f"cv holds row {rows.max() if rows.max() >= n_rows else rows.min()}, and there "
                    f"are {n_rows}, counted from 0: split the rows that fit is given"
                )
        pair = (
            np.flatnonzero(r) if r.dtype == bool else r.astype(np.intp) for r in (train, held_out)
        )
        found.append(Fold(*pair))
    if not found:
        raise ValueError("cv holds no splits: give a splitter, or at least one pair of row numbers")
    return found
