"""How a fit goes about the rows of its shards, for all of its rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.dask.shards import Shard, sum_of_weights
from fastmlp.estimators.validation import split_rows
from fastmlp.training.epochs import Draw

Array = NDArray[Any]
Stream = int | tuple[Any, ...]  # a seed, or the state of a numpy.random.RandomState


class Plan(NamedTuple):
    """All that the rounds of a fit have in common.

    Attributes
    ----------
    estimator : MLPClassifier or MLPRegressor
        Has the settings and the encoding of targets.
    class_weights : ndarray or None
    dtype : numpy.dtype
        Of the network.
    sizes : list of int
        Of its layers, input first.
    draw : callable
        Draws the order of an epoch's rows from the last one.
    splits : list of (int or tuple), or None
        Of each shard, the stream that draws the rows to hold out; None where none are.
    orders : list of (int or tuple)
        Of each shard, the stream that draws the orders of its rows.
    seeds : list of int
        Of each shard, for dropout.
    settings : mapping
        The keywords of the engine's trainer.
    n_rounds : int
        Rounds of an epoch.
    """

    estimator: Any
    class_weights: Array | None
    dtype: np.dtype[Any]
    sizes: Sequence[int]
    draw: Draw
    splits: Sequence[Stream] | None = None
    orders: Sequence[Stream] = ()
    seeds: Sequence[int] = ()
    settings: Mapping[str, Any] = {}
    n_rounds: int = 1

    def arrays(self) -> list[Array]:
        """Return weights, then biases (n_out,), to be filled."""
        inputs, outputs = self.sizes[:-1], self.sizes[1:]
        weights = [np.zeros(shape, self.dtype) for shape in zip(inputs, outputs, strict=True)]
        return [*weights, *(np.zeros(n, self.dtype) for n in outputs)]


class PlannedRows:
    """A shard's rows as a plan has them.

    Attributes
    ----------
    encoded : ndarray
        The targets, as the estimator's `_encode` returns them.
    weights : ndarray of shape (n_rows,), or None
        Of the rows, times those of their classes.
    places, held_out : ndarray of intp
        The numbers of the rows that are trained on, and of the others.
    stream : tuple, or None
        The state that dividing them has left.
    """

    def __init__(self, shard: Shard, plan: Plan, number: int) -> None:
        estimator = plan.estimator
        self.encoded = estimator._encode(shard.y)
        self.weights = estimator._weighted(shard.weights, plan.class_weights, self.encoded)
        self.places, self.held_out = np.arange(len(shard)), np.arange(0)
        self.stream: Stream | None = None
        if plan.splits is not None:
            stream = started(plan.splits[number])
            self._divide(estimator, len(plan.splits), stream)
            self.stream = state_of(stream)

    def _divide(self, estimator: Any, n_shards: int, stream: np.random.RandomState) -> None:
        """Hold rows out as a local fit does; of several shards, some may be too small for it."""
        n_rows = len(self.encoded)
        if n_shards > 1 and n_rows * estimator.validation_fraction < 2:
            return
        before, strata = stream.get_state(), estimator._strata(self.encoded)
        try:
            self.places, self.held_out = split_rows(estimator, n_rows, strata, stream)
        except ValueError:
            if n_shards == 1 or strata is None or estimator.stratify != "auto":
                raise
            stream.set_state(before)
            self.places, self.held_out = split_rows(estimator, n_rows, None, stream)


def rows_of(shard: Shard, plan: Plan, number: int) -> PlannedRows:
    """Return a shard's rows, which are encoded and divided once."""
    rows: PlannedRows | None = shard.laid_out.get("rows")
    if rows is None:
        rows = shard.laid_out["rows"] = PlannedRows(shard, plan, number)
    return rows


class Division(NamedTuple):
    """How many of a shard's rows are trained on, and how much these and the others count."""

    n_rows: int
    weight: float
    weight_held_out: float
    stream: Stream | None


def divided(shard: Shard, plan: Plan, number: int) -> Division:
    """Return how a shard is divided, and where that leaves its stream."""
    rows = rows_of(shard, plan, number)
    weight, held_out = (sum_of_weights(rows.weights, p) for p in (rows.places, rows.held_out))
    return Division(len(rows.places), weight, held_out, rows.stream)


def state_of(stream: np.random.RandomState) -> tuple[Any, ...]:
    """Return where a stream is."""
    state: tuple[Any, ...] = stream.get_state(legacy=True)  # type: ignore[assignment]
    return state


def started(at: Stream) -> np.random.RandomState:
    """Return a stream that goes on from there."""
    stream = np.random.RandomState(at if isinstance(at, int) else 0)
    if not isinstance(at, int):
        stream.set_state(at)
    return stream
