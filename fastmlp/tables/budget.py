"""Trains the networks of a table for as many epochs as there is time for."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.tables.bar import MembersBar
from fastmlp.tables.fits import fit_members
from fastmlp.tables.members import Fold, Member
from fastmlp.tables.recipe import BATCH

Array = NDArray[Any]
N_EPOCHS = 3  # that are tried, the first of which is not counted
MOST_ROWS = 64 * BATCH  # of each of them
SHARE = 0.95  # of the time left that is planned for


def fit_in_time(
    members: Sequence[Member],
    x: Array,
    y: Array,
    weights: Array | None,
    n_jobs: int,
    bar: MembersBar,
    deadline: float,
) -> None:
    """Fit members until the deadline; `fit_members` describes the other arguments.

    They are fitted in rounds, as many at once as there are threads, each with an equal share of the
    time. How long an epoch takes is tried before the first round, and known from the last one
    before each other: if the machine gets slower, all of the rest have fewer epochs, and not the
    last of them none.
    """
    at_once, most = min(n_jobs, len(members)), members[0].max_iter
    seconds = _seconds_an_epoch(members[:at_once], x, y, weights, n_jobs, deadline)
    for first in range(0, len(members), at_once):
        ones = members[first : first + at_once]
        begin, n_rounds = time.perf_counter(), -(-(len(members) - first) // at_once)
        left = max((deadline - begin) / n_rounds, 0.0)
        n_epochs = int(np.clip(SHARE * left / seconds, 1, most))
        for member in ones:
            member.max_iter = n_epochs
        told = bar.begin(first, n_epochs)
        fit_members(ones, x, y, weights, n_jobs, told, begin + left)
        done = max(member.n_iter_ for member in ones)
        seconds = (time.perf_counter() - begin) / done


def _seconds_an_epoch(
    members: Sequence[Member],
    x: Array,
    y: Array,
    weights: Array | None,
    n_jobs: int,
    deadline: float,
) -> float:
    """Return how long an epoch of these members takes, side by side on some rows of theirs."""
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
        ends[place].append(time.perf_counter())

    fit_members(tried, x, y, weights, n_jobs, told, deadline)
    return max(
        float(np.diff(times).mean()) / share if len(times) > 1 else np.inf
        for times, share in zip(ends, shares, strict=True)
    )
