"""How many epochs there is time for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.tables.fits import fit_members
from fastmlp.tables.members import Fold, Member
from fastmlp.tables.recipe import BATCH

Array = NDArray[Any]
N_EPOCHS = 3  # that are tried, the first of which is not counted
MOST_ROWS = 64 * BATCH  # of each of them
SHARE = 0.9  # of the time left that is planned for: what is tried is never quite what is to come


def epochs_in_time(
    make: Callable[[], Member],
    folds: Sequence[Fold],
    x: Array,
    y: Array,
    weights: Array | None,
    n_jobs: int,
    most: int,
    deadline: float,
) -> int:
    """Return how many epochs each network can be trained for until the deadline, at most `most`.

    As many networks as will run at once are trained on some rows for a moment.
    """
    at_once = min(n_jobs, len(folds))
    ends: list[list[float]] = [[] for _ in range(at_once)]
    members, shares = [], []
    for fold in folds[:at_once]:
        train = fold.train[:MOST_ROWS]
        shares.append(len(train) / len(fold.train))
        held_out = fold.held_out[: max(1, int(len(fold.held_out) * shares[-1]))]
        member = make()
        member.set_params(max_iter=N_EPOCHS)
        member._fold = Fold(train, held_out)
        members.append(member)

    def told(place: int, epoch: int, logs: object) -> None:
        ends[place].append(time.perf_counter())

    fit_members(members, x, y, weights, n_jobs, told, deadline)
    seconds = (
        max(
            float(np.diff(times).mean()) / share
            for times, share in zip(ends, shares, strict=True)
            if len(times) > 1
        )
        if all(len(times) > 1 for times in ends)
        else np.inf
    )
    rounds = -(-len(folds) // at_once)
    left = SHARE * (deadline - time.perf_counter())
    return int(np.clip(left / (rounds * seconds), 1, most))
