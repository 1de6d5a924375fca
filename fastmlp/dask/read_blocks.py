"""Reads the partitions of a shard, on a worker, by the rules of the estimators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse, vstack

from fastmlp.dask.shards import Shard
from fastmlp.estimators import read_input

Array = NDArray[Any]


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
        return Shard()
    x_parts, y_parts, w_parts, targets = zip(*parts, strict=True)
    weights = None if w_parts[0] is None else _joined(w_parts)
    names = getattr(reader, "feature_names_in_", None)
    together = targets[0].together(targets)  # raises where they don't fit together
    return Shard(
        _joined(x_parts), _joined(y_parts), weights, None if names is None else tuple(names),
        together,
    )  # fmt: skip


def _joined(parts: Any) -> Any:
    """Return arrays or matrices one below the other; a single one is not copied."""
    if len(parts) == 1:
        return parts[0]
    return vstack(parts, format="csr") if issparse(parts[0]) else np.concatenate(parts)


@contextmanager
def _naming(number: int) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"partition {number}: {error}") from None


def _read(reader: Any, x: Any, y: Any, weights: Any) -> tuple[Any, Any, Array | None, Any] | None:
    """Return a partition's rows, checked, and facts of its targets; None of an empty one."""
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
    weights = read_input.read_sample_weight(weights, x, is_part=True)
    return x, y, weights, reader._facts_of_targets(y)
