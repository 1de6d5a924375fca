"""Alternated rounds, and who was fastest."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.peers import session
from benchmarks.peers.field import Field
from benchmarks.peers.run import Target
from benchmarks.peers.sides import FASTMLP, PEERS

PAUSE = 0.03  # seconds between two sides, for the threads of the first to fall asleep


def race(contestants: Mapping[str, Callable[[], float]], n_rounds: int) -> dict[str, list[float]]:
    """What each contestant returns, round by round; each round begins with the next of them."""
    names = list(contestants)
    results: dict[str, list[float]] = {name: [] for name in names}
    for i in range(n_rounds):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            time.sleep(PAUSE)
            results[name].append(contestants[name]())
    return results


def epochs(field: Field, seconds: float) -> dict[str, Callable[[], float]]:
    """Contestants whose round is the best of the epochs that fit in so many seconds."""
    return {
        entry.label: partial(worker.call, session.best_epoch, seconds)
        for entry, worker in field.items()
    }


def fastest_peer(seconds: Mapping[str, list[float]]) -> tuple[str, float]:
    """Name and best time of the fastest side that is not fastmlp."""
    best = {peer.label: min(seconds[peer.label]) for peer in PEERS if peer.label in seconds}
    name = min(best, key=best.__getitem__)
    return name, best[name]


def ratio_target(
    number: int,
    what: str,
    seconds: Mapping[str, list[float]],
    times_faster: float,
    unit: str = "ms",
) -> Target:
    """A row of the table: how many times faster than the fastest peer; the times in the note."""
    peer, theirs = fastest_peer(seconds)
    ours = min(seconds[FASTMLP.label])
    scale = {"ms": 1e3, "us": 1e6}[unit]
    return Target(
        number,
        what,
        f">= {times_faster:.1f} times the fastest peer",
        f"{theirs / ours:.2f} times",
        theirs / ours >= times_faster,
        f"{ours * scale:.1f} {unit}; {peer} {theirs * scale:.1f} {unit}",
    )
