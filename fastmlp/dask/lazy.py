"""Predictions and scores of collections, which are collections themselves."""

from __future__ import annotations

import math
import uuid
from typing import Any

import dask
import dask.array as da
import numpy as np
from numpy.typing import NDArray

from fastmlp.dask.collections import blocks_of, lengths_of, partitions_of
from fastmlp.dask.tallies import Tally, added
from fastmlp.estimators.read_input import read_sample_weight

Array = NDArray[Any]


def predicted(model: Any, X: Any, method: str) -> da.Array:
    """Return what a method of a local model gives for each row, as an array of as many chunks.

    The model is one node of the graph, which all chunks share.
    """
    like = empty(model, method)
    shared = _shared(model)
    predict = dask.delayed(_predict, pure=True)
    chunks = [
        da.from_delayed(predict(shared, block, method), (n_rows, *like.shape[1:]), meta=like)
        for block, n_rows in zip(partitions_of(X, "X"), lengths_of(X), strict=True)
    ]
    return da.concatenate(chunks)


def scored(model: Any, X: Any, y: Any, sample_weight: Any) -> da.Array:
    """Return the score as an array without dimensions."""
    shared, tally = _shared(model), dask.delayed(_tally, pure=True)
    tallies = [tally(shared, *block) for block in blocks_of(X, y, sample_weight, ("X", "y"))]
    score = dask.delayed(_score, pure=True)(shared, tallies)
    return da.from_delayed(score, (), meta=np.empty((), np.float64))


def empty(model: Any, method: str) -> Array:
    """Return the predictions of no rows."""
    if method != "predict":
        return np.empty((0, len(model.classes_)), model.coefs_[0].dtype)
    found: Array = model._decoded(np.zeros((1, model.n_outputs_), model.coefs_[0].dtype))
    return found[:0]


def _shared(model: Any) -> Any:
    return dask.delayed(model, name=f"mlp-model-{uuid.uuid4().hex}", traverse=False)


def _predict(model: Any, x: Any, method: str) -> Array:
    found: Array = getattr(model, method)(x) if x.shape[0] else empty(model, method)
    return found


def _tally(model: Any, x: Any, y: Any, weights: Any) -> Tally | None:
    """Return the sums of a partition, checked as `score` checks them."""
    if not x.shape[0]:
        return None
    y = np.asarray(y)
    encoded = model._encode(y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y)
    if len(encoded) != x.shape[0]:
        raise ValueError(f"a partition has {x.shape[0]} rows in X, and {len(encoded)} in y")
    weights = read_sample_weight(weights, x, is_part=True)
    weight = float(len(encoded) if weights is None else weights.sum(dtype=np.float64))
    return Tally(weight, 0.0, model._score_sums(model._outputs(x), encoded, weights))


def _score(model: Any, tallies: list[Tally | None]) -> np.float64:
    weight, _, scores = added(tallies)
    return np.float64(model._score_of(weight, scores) if weight else math.nan)
