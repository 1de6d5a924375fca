"""Tries how long an epoch of a table's networks takes."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.tables.budget import Budget
from fastmlp.tables.clock import Clock
from fastmlp.tables.fits import fit_members
from fastmlp.tables.members import Fold, Member
from fastmlp.tables.recipe import BATCH

Array = NDArray[Any]
N_EPOCHS = 3  # that are tried, the first of which is not counted
MOST_ROWS = 64 * BATCH  # of each of them


def seconds_an_epoch(
    members: Sequence[Member], x: Array, y: Array, weights: Array | None, n_jobs: int, clock: Clock
) -> float:
    """Return how long an epoch of these members takes, side by side on some rows of theirs.

    Copies are tried, which no checkpoint hears of; `fit_members` describes the arguments.
    """
    ends: list[list[float]] = [[] for _ in members]
    tried, shares = [], []
    for member in members:
        fold = member._fold
        train = fold.train[:MOST_ROWS]
        shares.append(len(train) / len(fold.train))
        held_out = fold.held_out[: max(1, int(len(fold.held_out) * shares[-1]))]
        tried.append(copy.copy(member))
        tried[-1].max_iter = N_EPOCHS
        tried[-1]._fold = Fold(train, held_out)

    def told(place: int, epoch: int, logs: object) -> None:
        ends[place].append(clock.seconds)

    fit_members(tried, x, y, weights, n_jobs, Budget(tried, n_jobs, clock), told)
    return max(
        float(np.diff(times).mean()) / share if len(times) > 1 else np.inf
        for times, share in zip(ends, shares, strict=True)
    )
