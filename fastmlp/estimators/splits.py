"""The row numbers of parts, as the user gives them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.words import shown

Numbers = NDArray[np.intp]


def as_splits(splits: Any, n_parts: int, n_rows: int) -> list[Numbers | None]:
    """Return the row numbers of each part, as ``X[rows]`` takes them; None for all rows.

    Parameters
    ----------
    splits : iterable of array-like, or None
        Row numbers, negative ones counted from the end, or a Boolean for each row.
    n_parts : int
        How many parts there have to be.
    n_rows : int

    Returns
    -------
    list of ndarray of intp, or None
        Copies, in 0..n_rows-1.

    Raises
    ------
    TypeError
        If something else than row numbers is given.
    ValueError
        If there are more or fewer parts, a part is empty, or a number is out of range.
    """
    if splits is None:
        return [None] * n_parts
    if not isinstance(splits, Iterable):
        raise TypeError(f"splits is {shown(splits)}: give an array of row numbers per estimator")
    found = list(splits)
    if len(found) != n_parts:
        raise ValueError(
            f"splits has {len(found)} parts for {n_parts} estimators: give an array of row numbers "
            "per estimator, or None for all rows"
        )
    return [_as_numbers(part, f"splits[{i}]", n_rows) for i, part in enumerate(found)]


def _as_numbers(part: Any, name: str, n_rows: int) -> Numbers | None:
    if part is None:
        return None
    try:
        given = np.asarray(part)
    except (TypeError, ValueError):  # a ragged sequence
        given = np.asarray(None)
    if given.ndim != 1:
        raise ValueError(
            f"{name} is {shown(part)}: give a one-dimensional array of row numbers, as the first "
            "of each pair that a splitter's split returns"
        )
    if given.dtype.kind == "b":
        if len(given) != n_rows:
            raise ValueError(f"{name} has {len(given)} Booleans for {n_rows} rows: give one each")
        given = np.flatnonzero(given)
    if not len(given):
        raise ValueError(f"{name} holds no row: give at least one")
    if given.dtype.kind not in "iu":
        raise TypeError(f"{name} holds {given.dtype} values: give whole row numbers, or Booleans")
    low, high = int(given.min()), int(given.max())
    if low < -n_rows or high >= n_rows:
        wrong = low if low < -n_rows else high
        raise ValueError(f"{name} holds row {wrong}, and X has {n_rows} rows: count them from 0")
    numbers = given.astype(np.intp)
    numbers[numbers < 0] += n_rows
    return numbers
