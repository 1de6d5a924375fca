"""Trains the networks of a table side by side, a thread each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from fastmlp.checkpoints.file import NoFile
from fastmlp.estimators import fit_many
from fastmlp.tables.budget import Budget
from fastmlp.tables.members import Member

Array = NDArray[Any]
Told = Callable[[int, int, Mapping[str, float]], object]


def fit_members(
    members: Sequence[Member],
    x: Array,
    y: Array,
    weights: Array | None,
    n_jobs: int,
    budget: Budget,
    told: Told,
    file: NoFile | None = None,
) -> None:
    """Fit each member on its fold of these rows.

    A member has the bits that it would have alone with as many epochs, whatever `n_jobs` is.

    Parameters
    ----------
    members : list of Member
        Fitted in place.
    x : ndarray of shape (n_rows, n_inputs) of float32
    y : ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,), optional
    n_jobs : int
        Members at once, of a thread each; a single member has as many as its setting says.
    budget : Budget
        Of these members. A member whose time is over ends with the epoch that it is at.
    told : callable
        Called as ``told(place, epoch, logs)`` after each epoch, by several threads.
    file : NoFile, optional
        What the members are kept in.

    Raises
    ------
    KeyboardInterrupt
        After all members have ended.
    """
    for place, member in enumerate(members):
        turn = _Turn(place, budget, told)
        member.callbacks, member._turn = [turn], turn
    try:
        if len(members) == 1:
            members[0].fit(x, y, weights, checkpoint=file)
        else:
            fit_many(members, x, y, sample_weight=weights, n_jobs=n_jobs, checkpoint=file)
    finally:
        for member in members:
            member.callbacks = None
            del member._turn
    if not all(hasattr(member, "coefs_") for member in members):
        raise ValueError("a network of the table has failed, as the warning before this says")


class _Turn:
    """What a member is trained in: begun by a plan, and ended when its time is over.

    As its callback, it tells of epochs, and has a checkpoint keep the time.
    """

    def __init__(self, place: int, budget: Budget, told: Told) -> None:
        self._place, self._budget, self._told = place, budget, told
        self._n_epochs = 0

    def __enter__(self) -> None:
        self._begin = self._budget.clock.seconds
        self._end = self._budget.begin(self._place)

    def __exit__(self, *error: object) -> None:
        if self._n_epochs:
            taken = self._budget.clock.seconds - self._begin
            self._budget.seconds = taken / self._n_epochs

    def __call__(self, epoch: int, logs: Mapping[str, float]) -> bool:
        self._n_epochs += 1
        self._told(self._place, epoch, logs)
        return self._budget.clock.seconds > self._end

    def state_dict(self) -> dict[str, float]:
        return {"seconds": self._budget.clock.seconds}

    def load_state_dict(self, kept: Mapping[str, Any]) -> None:
        pass  # all members' clock has gone on already
