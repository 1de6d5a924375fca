"""What is submitted to a cluster for a fit, under which names, and where it runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import dask
import numpy as np
from distributed import Client, Future
from numpy.typing import NDArray

from fastmlp.dask.averages import Part, added
from fastmlp.dask.clients import as_client
from fastmlp.dask.collections import Block
from fastmlp.dask.facts import Facts, facts_of
from fastmlp.dask.read_blocks import read_shard
from fastmlp.dask.rounds import train_round

Array = NDArray[Any]
MOST_GATHERED = 64  # parts that the client adds up itself
FAN_IN = 16  # parts that a worker adds up, where there are more
PIECE = 2**22  # bytes of a literal: of graphs of 10 MB, Dask warns


class Shards:
    """The shards of a fit: futures, which hold their rows for as long as this lives.

    Attributes
    ----------
    facts : list of Facts
        Of the shards that have rows; the others are left out.
    """

    def __init__(self, client: Client, groups: Sequence[tuple[int, list[Block]]], reader: Any):
        self.client, self._id = client, uuid.uuid4().hex
        shared = self.put(reader, "reader")
        read = dask.delayed(read_shard, pure=False)
        delayed = []
        for number, (first, blocks) in enumerate(groups):
            xs, ys, ws = (list(part) for part in zip(*blocks, strict=True))
            name = f"mlp-rows-{self._id}-{number}"
            delayed.append(read(shared, first, xs, ys, ws, dask_key_name=name))
        futures = client.compute(delayed)
        facts = self._gather(
            [
                client.submit(facts_of, future, key=f"mlp-facts-{self._id}-{i}")
                for i, future in enumerate(futures)
            ]
        )
        self._futures = [f for f, found in zip(futures, facts, strict=True) if found is not None]
        self.facts: list[Facts] = [found for found in facts if found is not None]

    def __len__(self) -> int:
        return len(self._futures)

    def keep(self, places: Sequence[int]) -> None:
        """Keep some of the shards only, in this order."""
        self._futures = [self._futures[i] for i in places]
        self.facts = [self.facts[i] for i in places]

    def put(self, value: Any, name: str) -> Future:
        """Send a value to the cluster, which can send it anew where a worker is lost."""
        client = as_client(self.client)  # a round begins with this: one that is closed may wait
        return client.submit(_itself, value, key=f"mlp-{name}-{self._id}")

    def put_mean(self, flat: Array, number: int) -> list[Future]:
        """Send the mean, in pieces; it is a literal, so that nothing before it is needed."""
        n_pieces = max(1, -(-flat.nbytes // PIECE))
        pieces = np.array_split(flat, n_pieces)
        return [self.put(piece, f"mean-{number}-{i}") for i, piece in enumerate(pieces)]

    def each(self, function: Callable[..., Any], name: str, plan: Future, *args: Any) -> list[Any]:
        """Return ``function(shard, plan, number, *args)`` of each shard, in their order."""
        return self._gather(self._submit(function, name, plan, *args))

    def round(
        self, plan: Future, mean: list[Future], number: int, n_steps: int, rates: float | Array,
        shares: Sequence[float],
    ) -> Part:  # fmt: skip
        """Return what a round makes of all shards, added up, each times its share."""
        parts = self._submit(train_round, f"round-{number}", plan, mean, number, n_steps, rates)
        level = 0
        while len(parts) > MOST_GATHERED:
            parts = self._add(parts, shares, f"sum-{number}-{level}")
            level, shares = level + 1, [1.0] * len(parts)
        return added(self._gather(parts), shares)

    def _add(self, parts: list[Future], shares: Sequence[float], name: str) -> list[Future]:
        groups = [slice(i, i + FAN_IN) for i in range(0, len(parts), FAN_IN)]
        return [
            self.client.submit(added, parts[g], shares[g], key=f"mlp-{name}-{self._id}-{i}")
            for i, g in enumerate(groups)
        ]

    def _submit(
        self, function: Callable[..., Any], name: str, plan: Future, *args: Any
    ) -> list[Future]:
        """Submit a task a shard, to the worker that has it; any other may take it where it is gone.

        So nothing waits for a worker that is lost, and no result depends on where it is computed.
        """
        found = self.client.who_has(self._futures)
        holders = [[*found.get(future.key, ())] for future in self._futures]
        return [
            self.client.submit(
                function, future, plan, i, *args, key=f"mlp-{name}-{self._id}-{i}",
                workers=holders[i] or None, allow_other_workers=bool(holders[i]),
            )
            for i, future in enumerate(self._futures)
        ]  # fmt: skip

    def _gather(self, futures: list[Future]) -> list[Any]:
        found: list[Any] = self.client.gather(futures)
        return found


def _itself(value: Any) -> Any:
    return value
