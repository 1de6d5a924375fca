"""Trains the networks of a table side by side, a thread each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

from numpy.typing import NDArray

from fastmlp.tables.members import Member

Array = NDArray[Any]
Told = Callable[[int, int, Mapping[str, float]], object]


def fit_members(
    members: Sequence[Member],
    x: Array,
    y: Array,
    weights: Array | None,
    n_jobs: int,
    told: Told | None = None,
    deadline: float | None = None,
) -> None:
    """Fit each member on its fold of these rows.

    A member has the bits that it would have alone, whatever `n_jobs` is.

    Parameters
    ----------
    members : list of Member
        Fitted in place.
    x : ndarray of shape (n_rows, n_inputs) of float32
    y : ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,), optional
    n_jobs : int
        Members at once, of a thread each; a single member has as many as its setting says.
    told : callable, optional
        Called as ``told(member, epoch, logs)`` after each epoch, by several threads.
    deadline : float, optional
        The time, as `time.perf_counter` has it, after which members end with the epoch they are at.

    Raises
    ------
    KeyboardInterrupt
        After all members have ended.
    """
    is_stopped = False

    def end_epoch(member: int, epoch: int, logs: Mapping[str, float]) -> bool:
        if told is not None:
            told(member, epoch, logs)
        return is_stopped or (deadline is not None and time.perf_counter() > deadline)

    for place, member in enumerate(members):
        member.callbacks = [lambda epoch, logs, place=place: end_epoch(place, epoch, logs)]
        if len(members) > 1:
            member.n_threads = 1
    try:
        with ThreadPoolExecutor(min(n_jobs, len(members))) as pool:
            runs = [pool.submit(member.fit, x, y, weights) for member in members]
            try:
                left = set(runs)
                while left:  # for a moment each: not everywhere does an interrupt end a wait
                    done, left = wait(left, timeout=0.1, return_when=FIRST_EXCEPTION)
                    if any(run.exception() is not None for run in done):
                        break
            finally:  # an interrupt too: without it, the pool would wait for whole runs
                is_stopped = any(not run.done() for run in runs)
                for run in runs:
                    run.cancel()
            for run in runs:
                if not run.cancelled():
                    run.result()
    finally:
        for member in members:
            member.callbacks = None
