"""Reads the partitions of a shard, on a worker, by the rules of the estimators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse, vstack
from sklearn.utils.multiclass import unique_labels

from fastmlp.dask.shards import Shard
from fastmlp.estimators import read_input

Array = NDArray[Any]
WORDS = "OUS"  # NumPy's letters for text and objects


def read_shard(reader: Any, first: int, xs: list[Any], ys: list[Any], ws: list[Any]) -> Shard:
    """Return the rows of consecutive partitions as one shard.

    Parameters
    ----------
    reader : MLPClassifier or MLPRegressor
        Has the settings by which rows are read, and the columns, where these are known.
    first : int
        The number of the first partition.
    xs, ys, ws : list
        The partitions: arrays, frames or sparse matrices; or None for weights.

    Raises
    ------
    ValueError, TypeError
        As `fit`, with the partition's number.
    """
    reader = copy(reader)  # which learns the columns of the first one
    parts = []
    for number, (x, y, w) in enumerate(zip(xs, ys, ws, strict=True), first):
        with _naming(number):
            found = _read(reader, x, y, w)
        if found is not None:
            parts.append(found)
    if not parts:
        return Shard(None, None, None, None)
    x_parts, y_parts, w_parts = zip(*parts, strict=True)
    weights = None if w_parts[0] is None else joined(w_parts)
    names = getattr(reader, "feature_names_in_", None)
    return Shard(
        joined(x_parts), joined_targets(y_parts), weights, None if names is None else tuple(names)
    )


def joined(parts: Any) -> Any:
    """Return arrays or matrices one below the other; a single one is not copied."""
    if len(parts) == 1:
        return parts[0]
    return vstack(parts, format="csr") if issparse(parts[0]) else np.concatenate(parts)


def joined_targets(parts: Any) -> Any:
    """Return labels or numbers of several partitions, or shards, as one array.

    Raises
    ------
    ValueError
        If some are words and others numbers, of which NumPy would make words.
    """
    if len({part.dtype.kind in WORDS for part in parts}) > 1:
        unique_labels(*parts)
    return joined(parts)


@contextmanager
def _naming(number: int) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"partition {number}: {error}") from None


def _read(reader: Any, x: Any, y: Any, weights: Any) -> tuple[Any, Any, Array | None] | None:
    """Return a partition's rows, checked; None of an empty one."""
    n_rows = [part.shape[0] for part in (x, y, weights) if part is not None]
    if len(set(n_rows)) > 1:
        raise ValueError(f"X, y and sample_weight have {n_rows} rows: give as many of each")
    if issparse(y):
        raise TypeError("y is sparse: give dense targets")
    if n_rows[0] == 0:
        return None
    if y.ndim == 2 and y.shape[1] == 1:
        y = np.asarray(y).ravel()
    x, y, _ = read_input.read_rows(
        reader, x, y, not hasattr(reader, "n_features_in_"), **reader._y_rules
    )
    return x, y, read_input.read_sample_weight(weights, x, is_part=True)
