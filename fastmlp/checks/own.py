"""Makes the copies that an engine owns while it works; each is checked after it was made.

A callback or another thread may change the caller's arrays at any time, so an engine copies all
that it derives addresses from: labels, the structure of sparse rows, the order of rows. A change of
any other value can only change results, so that X, which is large, is read in place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp.checks import sparse


def copied(array: NDArray[Any]) -> NDArray[Any]:
    """Return a C-contiguous copy, without letting go of the interpreter.

    NumPy does, for each array of more than 500 elements, and where another Python thread is busy,
    it takes 5 ms to get it back.
    """
    return np.frombuffer(bytearray(array), array.dtype).reshape(array.shape)


def own_rows(x: Any) -> Any:
    """Return an array, or SciPy's CSR, whose shape and structure nobody else can change.

    Its values are shared with `x`. Raises ValueError if a sparse matrix is inconsistent.
    """
    return x.view(np.ndarray) if isinstance(x, np.ndarray) else sparse.own_structure(x, "x")


def own_targets(
    y: NDArray[Any], are_labels: bool, n_rows: int, n_outputs: int, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Return a copy of labels, (n_rows,) of int64, or of targets, (n_rows, n_outputs) of `dtype`.

    Raises
    ------
    ValueError
        If the shape is another one, or a label is outside 0..n_outputs-1.
    """
    targets = np.array(y, np.int64 if are_labels else dtype, order="C")
    shape = (n_rows,) if are_labels else (n_rows, n_outputs)
    if targets.shape != shape:
        kind = "labels" if are_labels else "targets"
        raise ValueError(f"y has shape {targets.shape}: give {kind} of shape {shape}")
    if are_labels:
        _check_range(targets, n_outputs, "y holds the label", "number the classes from 0")
    return targets


def own_orders(orders: ArrayLike, n_rows: int) -> NDArray[np.int64]:
    """Return a copy of row indices, of any shape.

    Raises
    ------
    ValueError
        If an index is out of range.
    """
    copy = np.array(orders, np.int64, order="C")
    remedy = "give a random_state that permutes the row indices"
    _check_range(copy, n_rows, "the order of the rows holds", remedy)
    return copy


def _check_range(indices: NDArray[np.int64], n: int, what: str, remedy: str) -> None:
    """Raise unless all indices are in 0..n-1."""
    # Negative indices viewed as unsigned are large, so one comparison tests both limits.
    if not indices.size or indices.view(np.uint64).max() < n:
        return
    low, high = int(indices.min()), int(indices.max())
    raise ValueError(f"{what} {low if low < 0 else high}, outside 0..{n - 1}: {remedy}")
