"""Trains the networks of a table side by side, a thread each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from fastmlp.checkpoints.file import NoFile
from fastmlp.estimators import fit_many
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
    file: NoFile | None = None,
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
    file : NoFile, optional
        What the members are kept in.

    Raises
    ------
    KeyboardInterrupt
        After all members have ended.
    """

    for place, member in enumerate(members):
        member.callbacks = [_Watch(place, told, deadline)]
    try:
        if len(members) == 1:
            members[0].fit(x, y, weights, checkpoint=file)
        else:
            fit_many(members, x, y, sample_weight=weights, n_jobs=n_jobs, checkpoint=file)
    finally:
        for member in members:
            member.callbacks = None
    if not all(hasattr(member, "coefs_") for member in members):
        raise ValueError("a network of the table has failed, as the warning before this says")


class _Watch:
    """A callback that tells of epochs, and ends a run when its time is over.

    A checkpoint has nothing to keep of it.
    """

    def __init__(self, place: int, told: Told | None, deadline: float | None) -> None:
        self._place, self._told, self._deadline = place, told, deadline

    def __call__(self, epoch: int, logs: Mapping[str, float]) -> bool:
        if self._told is not None:
            self._told(self._place, epoch, logs)
        return self._deadline is not None and time.perf_counter() > self._deadline

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, kept: Mapping[str, Any]) -> None:
        pass
