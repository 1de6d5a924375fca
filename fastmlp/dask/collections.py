"""Dask's collections as lists of partitions that belong together."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import dask

from fastmlp.words import shown


class Block(NamedTuple):
    """A partition of each collection: dask.Delayed objects."""

    x: Any
    y: Any
    weights: Any


def blocks_of(X: Any, y: Any, sample_weight: Any, names: tuple[str, str]) -> list[Block]:
    """Return the partitions of collections whose rows are divided in the same way.

    Where lengths are unknown, as those of frames, workers compare them later.

    Raises
    ------
    TypeError
        If one of them is no collection of rows.
    ValueError
        If the columns are divided too, or the rows in different ways.
    """
    xs, ys = partitions_of(X, names[0], n_dimensions=2), partitions_of(y, names[1])
    ws = [None] * len(xs)
    _compare(X, y, names[0], names[1])
    if sample_weight is not None:
        ws = partitions_of(sample_weight, "sample_weight")
        _compare(X, sample_weight, names[0], "sample_weight")
    return [Block(*block) for block in zip(xs, ys, ws, strict=True)]


def groups_of(blocks: list[Block], n_groups: int | None) -> list[tuple[int, list[Block]]]:
    """Return groups of consecutive partitions, each with the number of its first one.

    Raises
    ------
    ValueError
        If there are not as many partitions.
    """
    n_groups = len(blocks) if n_groups is None else n_groups
    if n_groups > len(blocks):
        raise ValueError(
            f"n_shards is {n_groups}, and X has {len(blocks)} partitions: give fewer shards, or "
            "X.repartition or X.rechunk"
        )
    cuts = [len(blocks) * i // n_groups for i in range(n_groups + 1)]
    return [(start, blocks[start:end]) for start, end in pairwise(cuts)]


def is_collection(value: Any) -> bool:
    """Whether something is lazy, and Dask's."""
    return bool(dask.is_dask_collection(value))


def lengths_of(value: Any) -> tuple[float, ...]:
    """Return the rows of each partition, NaN where nobody knows."""
    if hasattr(value, "chunks"):
        return tuple(value.chunks[0])
    return (math.nan,) * int(value.npartitions)


def columns_of(X: Any) -> Any:
    """Return a frame without rows, or None, where columns have no names."""
    return X._meta if hasattr(X, "columns") else None


def partitions_of(value: Any, name: str, n_dimensions: int | None = None) -> list[Any]:
    """Return the partitions of one collection."""
    if not (is_collection(value) and hasattr(value, "to_delayed") and hasattr(value, "ndim")):
        kind = type(value).__name__
        raise TypeError(
            f"{name} is a {kind}, no dask array or frame: give dask.array.from_array({name}), or "
            "fit a class that takes arrays (MLPClassifier, MLPRegressor)"
        )
    if value.ndim == 0 or (n_dimensions is not None and value.ndim != n_dimensions):
        raise ValueError(f"{name} has {value.ndim} dimensions: give a table, a row for each sample")
    if hasattr(value, "numblocks") and any(n != 1 for n in value.numblocks[1:]):
        raise ValueError(
            f"{name} has {value.numblocks[1]} chunks of columns: put the columns of a row "
            f"together, {name}.rechunk({{1: -1}})"
        )
    delayed = value.to_delayed()
    found: list[Any] = delayed.ravel().tolist() if hasattr(delayed, "ravel") else list(delayed)
    return found


def _compare(X: Any, other: Any, name: str, other_name: str) -> None:
    lengths, others = lengths_of(X), lengths_of(other)
    are_alike = len(lengths) == len(others) and all(
        a == b or math.isnan(a) or math.isnan(b) for a, b in zip(lengths, others, strict=True)
    )
    if not are_alike:
        raise ValueError(
            f"{name} has partitions of {shown(list(lengths))} rows, and {other_name} of "
            f"{shown(list(others))}: divide both in the same way ({other_name}.rechunk or "
            "repartition)"
        )
