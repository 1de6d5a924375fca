"""Finds missing targets: None, NaN, NaT, masked cells, and pandas' NA."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks.containers import is_sparse, refuse_masked

NAMES = ("NoneType", "NAType", "NaTType", "MaskedConstant")  # types whose values are all missing


def refuse_missing(y: Any, name: str, are_rows: bool = True) -> Any:
    """Raise ValueError if a target is missing, naming its row; nothing else is checked.

    Call it before NumPy converts NaN to text: ``np.array(["a", nan])`` holds the word "nan".

    Parameters
    ----------
    y : array_like
    name : str
        The argument's name, for error messages.
    are_rows : bool
        Whether each value of `y` belongs to a row of features.

    Returns
    -------
    array_like
        `y`; a list or tuple is returned as an array, so that it is converted once, unless its
        dtype would be object.
    """
    if y is None or is_sparse(y):
        return y
    refuse_masked(y, name)
    try:
        values = array = np.asarray(y)
        if values.dtype.kind in "UST" and not isinstance(y, np.ndarray):
            values = np.array(y, object)
    except (TypeError, ValueError):
        return y
    if values.ndim == 0:
        return y
    are_missing = _are_missing(values)
    if are_missing is not None and are_missing.any():
        place = tuple(np.argwhere(are_missing)[0])
        remedy = f"remove such rows, which pd.isna({name}) finds" if are_rows else "leave it out"
        raise ValueError(
            f"{name} holds a missing value in {'row' if are_rows else 'place'} {place[0]} "
            f"(counted from 0), {values[place]}: {remedy}"
        )
    return array if isinstance(y, list | tuple) and array.dtype.kind != "O" else y


def _are_missing(values: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Whether each value is missing; None if none can be."""
    if values.dtype.kind in "fc":
        return np.isnan(values)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind == "T":
        values = values.astype(object)
    if values.dtype.kind != "O" or not any(map(_may_be_missing, {*map(type, values.flat)})):
        return None  # without looking at each cell, which is slow
    cells = [_may_be_missing(type(cell)) and _is_missing(cell) for cell in values.flat]
    return np.array(cells, bool).reshape(values.shape)


def _may_be_missing(kind: type) -> bool:
    have_nan = (float, complex, np.inexact, np.datetime64, np.timedelta64)
    return kind.__name__ in NAMES or issubclass(kind, have_nan)


def _is_missing(cell: Any) -> bool:
    return type(cell).__name__ in NAMES or bool(cell != cell)
