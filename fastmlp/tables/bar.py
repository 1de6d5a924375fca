"""Shows how far a table's networks have come: a bar, or where there is none a line a network."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from typing import Self

from fastmlp.training.progress import LiveBar, live_bar


class MembersBar:
    """Counts the epochs of all networks.

    Parameters
    ----------
    verbose : bool
        Whether to show anything.
    n_members, n_epochs : int
        Networks, and epochs of each.
    """

    def __init__(self, verbose: bool, n_members: int, n_epochs: int) -> None:
        self._verbose, self._n_members, self._n_epochs = verbose, n_members, n_epochs
        self._first = 0
        self._bar: LiveBar | None = None
        self._scores: dict[int, str] = {}
        self._n_done, self._lock = 0, threading.Lock()

    def __enter__(self) -> Self:
        if self._verbose:
            self._bar = live_bar(self._n_members * self._n_epochs)
            if self._bar is not None:
                self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, first: int, n_epochs: int) -> Callable[[int, int, Mapping[str, float]], None]:
        """Expect so many epochs of each network from the `first` on; return what is to be told."""
        self._first, self._n_epochs = first, n_epochs
        if self._bar is not None:
            self._bar.expect(self._n_done + (self._n_members - first) * n_epochs)
        return self.told

    def told(self, member: int, epoch: int, logs: Mapping[str, float]) -> None:
        """Show that a network, counted from the first of this round, has ended an epoch, from 1."""
        if not self._verbose:
            return
        with self._lock:
            self._n_done += 1
            if not math.isnan(score := logs["val_score"]):  # of an epoch that was not judged
                self._scores[member] = f"validation {score:.4f}"
            figures = [f"network {self._first + member + 1}"]
            if member in self._scores:
                figures.append(self._scores[member])
            if self._bar is not None:
                self._bar.epoch(self._n_done, figures)
            elif epoch == self._n_epochs:
                print(f"{'  '.join(figures)} after {epoch} epochs")
