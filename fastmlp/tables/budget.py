"""Divides the time of a fit among the networks of a table."""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np

from fastmlp.tables.clock import Clock
from fastmlp.tables.members import Member

SHARE = 0.95  # of the time left that is planned for


class Budget:
    """Plans as many epochs for each network as there is time for.

    Networks have their turns in order, as many at once as there are threads, and each gets an equal
    share of the time that is left. How long an epoch takes is known from the network that was
    trained last: if the machine gets slower, all of the rest have fewer epochs, and not the last of
    them none.

    Parameters
    ----------
    members : list of Member
        Whose `max_iter` are the most epochs that they may have.
    n_jobs : int
        Members at once.
    clock : Clock
    planned : set of int, optional
        The places of those that go on with the epochs that they had.

    Attributes
    ----------
    clock : Clock
    seconds : float
        How long an epoch takes: next to nothing, as long as that is not known.
    """

    def __init__(
        self, members: Sequence[Member], n_jobs: int, clock: Clock, planned: Container[int] = ()
    ) -> None:
        self.clock, self.seconds = clock, 1e-9
        self._members, self._planned = members, planned
        self._at_once = min(n_jobs, len(members))

    def first(self) -> list[Member]:
        """Return those that are planned first, as many as are trained at once."""
        new = [m for place, m in enumerate(self._members) if place not in self._planned]
        return new[: self._at_once]

    def begin(self, place: int) -> float:
        """Plan the network whose turn it is; return when, by the clock, it has to end."""
        n_rounds = -(-len(self._members) // self._at_once) - place // self._at_once
        share = self.clock.left / n_rounds
        if place not in self._planned:
            member = self._members[place]
            member.max_iter = int(np.clip(SHARE * share / self.seconds, 1, member.max_iter))
        return self.clock.seconds + share
