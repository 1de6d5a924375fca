"""The trainer of a run whose rows lie on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from distributed import Future
from numpy.typing import NDArray

from fastmlp.dask.averages import fill, flattened, together
from fastmlp.dask.cluster import Shards
from fastmlp.dask.plans import Plan, Stream, state_of
from fastmlp.problem import Problem
from fastmlp.reference import OPTIMIZERS

Array = NDArray[Any]
SEEDS = 2**31 - 1


class Mean:
    """What the shards are to go on from, on its way to them once."""

    def __init__(self, shards: Shards, flat: Array, number: int) -> None:
        self._shards, self.flat, self._number = shards, flat, number
        self._futures: list[Future] | None = None

    @property
    def futures(self) -> list[Future]:
        """The same on the cluster, from the first time on that somebody asks."""
        if self._futures is None:
            self._futures = self._shards.put_mean(self.flat, self._number)
        return self._futures


class Rows:
    """The rows of a run, for the estimators: where an engine has its features.

    Attributes
    ----------
    shards : Shards
        Those that are trained on.
    shares : list of float
        How much each of them counts in the mean; they add up to 1.
    plan : Plan
        Without what the trainer adds to it.
    mean : Mean
        The trainer's last one.
    dtype : numpy.dtype
        Of the features.
    """

    mean: Mean

    def __init__(
        self, shards: Shards, shares: Sequence[float], plan: Plan, scale: float,
        random_state: np.random.RandomState,
    ) -> None:  # fmt: skip
        self.shards, self.shares, self.plan, self.scale = shards, shares, plan, scale
        self.random_state = random_state


class ClusterTrainer:
    """`fastmlp.engine.Trainer` as far as a run uses it: an epoch is some rounds.

    A round has each shard take its steps from the mean of the networks before, and makes the mean
    of what they come to: local stochastic gradient descent (Stich, arXiv:1805.09767; McMahan et
    al., arXiv:1602.05629), with the optimisers' states averaged, too. The workers' trainers get the
    same settings as this one, and `row_weights` and targets from where the rows lie.

    Parameters
    ----------
    weights, biases, problem, batch_size, n_threads, seed
        See `fastmlp.reference.Trainer`.
    rows : Rows
    targets, row_weights : None
    """

    def __init__(
        self, weights: Sequence[Array], biases: Sequence[Array], rows: Rows, targets: None, *,
        problem: Problem, seed: int, row_weights: None, **settings: Any,
    ) -> None:  # fmt: skip
        self.outside = weights, biases
        n_states = OPTIMIZERS[problem.optimizer].n_states
        self.states: list[tuple[Array, ...]] = [
            tuple(np.zeros_like(array) for _ in range(n_states)) for array in (*weights, *biases)
        ]
        self.learning_rate: Any = 0.0
        self.n_steps, self.mean_loss, self.penalty = 0, 0.0, 0.0
        self._rows, shards = rows, rows.shards
        plan = rows.plan._replace(
            orders=streams_of(rows.random_state, len(shards)),
            seeds=_seeds(seed, len(shards)),
            settings={"problem": problem, **settings},
        )
        self._n_rounds, self._number = plan.n_rounds, 0
        self._plan = shards.put(plan, "plan")
        self.load()

    def epoch(self, order: Array, between: Callable[[], object] | None = None) -> float:
        """Take the rounds of an epoch; the workers draw the orders."""
        rows, parts = self._rows, []
        rates = rows.scale * self.learning_rate
        for _ in range(self._n_rounds):
            part = rows.shards.round(
                self._plan, rows.mean.futures, self._number, self.n_steps, rates, rows.shares
            )
            self._number += 1
            self._hand_out(part.flat.astype(rows.mean.flat.dtype))
            self.n_steps = part.n_steps
            parts.append(part[1:])
        _, self.mean_loss, self.penalty, _ = together(parts)
        return self.mean_loss

    def load(self) -> None:
        """Go on from the values in the caller's arrays."""
        self._hand_out(flattened(self._arrays()))

    def export(self) -> None:
        """Write the last mean into the caller's arrays."""
        fill(self._arrays(), [self._rows.mean.flat])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def _hand_out(self, flat: Array) -> None:
        self._rows.mean = Mean(self._rows.shards, flat, self._number)

    def _arrays(self) -> list[Array]:
        states = [array for arrays in self.states for array in arrays]
        return [*self.outside[0], *self.outside[1], *states]


def streams_of(random_state: np.random.RandomState, n_shards: int) -> list[Stream]:
    """Return what each shard draws from: a single one where a local fit would go on to draw."""
    if n_shards == 1:
        return [state_of(random_state)]
    return [int(seed) for seed in random_state.randint(SEEDS, size=n_shards)]


def _seeds(seed: int, n_shards: int) -> list[int]:
    """Return the seeds of dropout: different ones, as the same would leave out the same units."""
    if n_shards == 1:
        return [seed]
    return [int(np.random.RandomState([seed, i]).randint(SEEDS)) for i in range(n_shards)]
