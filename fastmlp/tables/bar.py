"""Shows how far a table's networks have come: a bar, or where there is none a line a network."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from typing import Self

from fastmlp.tables.members import Member
from fastmlp.training.progress import LiveBar, live_bar


class MembersBar:
    """Counts the epochs of all networks.

    Parameters
    ----------
    verbose : bool
        Whether to show anything.
    members : list of Member
        Their `max_iter` are the epochs that are expected; of those that have not begun, as many as
        of the one that was told of last.
    """

    def __init__(self, verbose: bool, members: Sequence[Member]) -> None:
        self._verbose, self._members = verbose, members
        self._bar: LiveBar | None = None
        self._scores: dict[int, str] = {}
        self._epochs: dict[int, int] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        if self._verbose:
            self._bar = live_bar(sum(member.max_iter for member in self._members))
            if self._bar is not None:
                self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def told(self, place: int, epoch: int, logs: Mapping[str, float]) -> None:
        """Show that a network has ended an epoch, from 1."""
        if not self._verbose:
            return
        with self._lock:
            self._epochs[place] = epoch
            if not math.isnan(score := logs["val_score"]):  # of an epoch that was not judged
                self._scores[place] = f"validation {score:.4f}"
            figures = [f"network {place + 1}"]
            if place in self._scores:
                figures.append(self._scores[place])
            last = self._members[place].max_iter
            if self._bar is not None:
                n_waiting = len(self._members) - len(self._epochs)
                begun = sum(self._members[i].max_iter for i in self._epochs)
                self._bar.expect(begun + n_waiting * last)
                self._bar.epoch(sum(self._epochs.values()), figures)
            elif epoch == last:
                print(f"{'  '.join(figures)} after {epoch} epochs")
