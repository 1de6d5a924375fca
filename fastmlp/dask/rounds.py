"""What a worker does: pure functions of a shard, the plan, the mean and a number.

A round's result depends on nothing else, so that Dask may run it on any worker, and again. What a
shard has laid out only saves time: the order of an epoch's rows is drawn anew from the seed where
the trainer before is gone, and weights, optimiser states and steps always come with the mean.
"""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from typing import Any

import numpy as np
from distributed import get_worker
from numpy.typing import NDArray

from fastmlp.dask.averages import Part, fill, flattened
from fastmlp.dask.plans import Plan, rows_of, started
from fastmlp.dask.shards import Shard
from fastmlp.dask.tallies import Tally
from fastmlp.estimators.outputs import outputs_of
from fastmlp.estimators.validation import losses_of

Array = NDArray[Any]


def train_round(
    shard: Shard, plan: Plan, number: int, mean: list[Array], round_number: int, n_steps: int,
    rates: float | Array,
) -> Part:  # fmt: skip
    """Return what a shard makes of the mean of the last round.

    Parameters
    ----------
    shard : Shard
    plan : Plan
    number : int
        The shard's.
    mean : list of ndarray
        Weights and the optimiser's states, flat, in pieces.
    round_number : int
        From 0.
    n_steps : int
        Steps that the optimiser has taken.
    rates : float or ndarray
        The learning rate, or those over the epoch.
    """
    # Taken out while it is at work, so that a second task of this shard has one of its own.
    course = shard.laid_out.pop("course", None) or _Course(shard, plan, number)
    part: Part = course.take(mean, round_number, n_steps, rates)
    shard.laid_out["course"] = course
    return part


def judge(
    shard: Shard, plan: Plan, number: int, mean: list[Array], is_held_out: bool
) -> Tally | None:
    """Return the sums of losses and scores of a shard's rows, or of those held out."""
    rows = rows_of(shard, plan, number)
    estimator = copy(plan.estimator)
    estimator.n_threads = _n_threads(estimator.n_threads)
    arrays = plan.arrays()
    fill(arrays, mean)
    n_layers = len(plan.sizes) - 1
    estimator.coefs_, estimator.intercepts_ = arrays[:n_layers], arrays[n_layers:]
    places = rows.held_out if is_held_out else rows.places
    if not len(places):
        return None
    x, encoded = shard.x, rows.encoded
    weights = rows.weights
    if is_held_out:
        x, encoded = x[places], encoded[places]
        weights = None if weights is None else weights[places]
    outputs = outputs_of(estimator, x)
    weight = float(len(encoded) if weights is None else weights.sum(dtype=np.float64))
    if not np.isfinite(outputs).all():
        return Tally(weight, np.nan, None)
    with np.errstate(over="ignore", invalid="ignore"):
        losses = losses_of(estimator, outputs, estimator._targets(encoded, plan.dtype))
        loss = float((losses if weights is None else losses * weights).sum())
        return Tally(weight, loss, estimator._score_sums(outputs, encoded, weights))


class _Course:
    """A shard's trainer, and how far its orders have got."""

    def __init__(self, shard: Shard, plan: Plan, number: int) -> None:
        rows, estimator = rows_of(shard, plan, number), plan.estimator
        engine, weights = estimator._engine, rows.weights
        self._arrays = plan.arrays()
        n_layers = len(plan.sizes) - 1
        outside = self._arrays[:n_layers], [b.reshape(1, -1) for b in self._arrays[n_layers:]]
        settings = dict(plan.settings)
        self._batch_size = settings["batch_size"] = min(settings["batch_size"], len(rows.places))
        settings["n_threads"] = _n_threads(settings["n_threads"])
        self.trainer = engine.Trainer(
            *outside, engine.read(shard.x, estimator.max_iter),
            estimator._targets(rows.encoded, plan.dtype), row_weights=weights,
            seed=plan.seeds[number], **settings,
        )  # fmt: skip
        self._arrays += [array for states in self.trainer.states for array in states]
        self._weights, self._n_rounds = weights, plan.n_rounds
        self._draw, self._first, self._seed = plan.draw, rows.places, plan.orders[number]
        self._stream, self._order, self._n_drawn = self._beginning()

    def take(
        self, mean: list[Array], round_number: int, n_steps: int, rates: float | Array
    ) -> Part:
        """Take a round."""
        trainer = self.trainer
        epoch, place = divmod(round_number, self._n_rounds)
        steps = self._steps_of(place)
        order = self._order_of(epoch)[
            steps.start * self._batch_size : steps.stop * self._batch_size
        ]
        if not len(order):
            return Part(np.concatenate(mean), n_steps, 0.0, 0.0, 0)
        fill(self._arrays, mean)
        trainer.n_steps = n_steps
        trainer.learning_rate = self._rates(rates, steps)
        with trainer:
            trainer.load()
            trainer.epoch(order)
            trainer.export()
        found = flattened(self._arrays), trainer.n_steps
        if self._weights is not None and not self._weights[order].any():
            return Part(*found, 0.0, 0.0, 0)  # its loss is a mean of nothing
        return Part(*found, trainer.mean_loss, trainer.penalty, len(order))

    def _steps_of(self, place: int) -> range:
        """Return the steps of the epoch that are those of its round `place`."""
        n_steps, n = -(-len(self._first) // self._batch_size), self._n_rounds
        return range(n_steps * place // n, n_steps * (place + 1) // n)

    def _rates(self, rates: float | Array, steps: range) -> float | Array:
        """Return the rates of steps, by how far through the epoch they are."""
        if not isinstance(rates, np.ndarray):
            return rates
        n_steps = -(-len(self._first) // self._batch_size)
        return rates[np.arange(steps.start, steps.stop) * len(rates) // n_steps]

    def _order_of(self, epoch: int) -> NDArray[np.intp]:
        """Return the order of an epoch, from 0: the draws before it are repeated if need be."""
        if self._n_drawn > epoch + 1:
            self._stream, self._order, self._n_drawn = self._beginning()
        while self._n_drawn <= epoch:
            self._order = self._draw(self._stream, self._order)
            self._n_drawn += 1
        return self._order

    def _beginning(self) -> tuple[np.random.RandomState, NDArray[np.intp], int]:
        return started(self._seed), self._first, 0


def _n_threads(asked: int | None) -> int | None:
    """Return how many threads a task may use: no more than its worker has."""
    with suppress(ValueError):  # none, where a test calls this
        n_threads = get_worker().state.nthreads
        return n_threads if asked is None else min(asked, n_threads)
    return asked
