"""Shows how far a table's networks have come: a bar in terminals, a line a network elsewhere."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from typing import Any, Self

from fastmlp.training.progress import TrainingBar


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
        self._bar: Any = None
        self._scores: dict[int, str] = {}
        self._n_done, self._lock = 0, threading.Lock()

    def __enter__(self) -> Self:
        if self._verbose:
            from rich.console import Console

            console = Console()
            if console.is_terminal or console.is_jupyter:
                self._bar = TrainingBar(console, self._n_members * self._n_epochs)
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
                self._scores[member] = f"  validation {score:.4f}"
            figures = f"network {self._first + member + 1}{self._scores.get(member, '')}"
            if self._bar is not None:
                self._bar.epoch(self._n_done, figures)
            elif epoch == self._n_epochs:
                print(f"{figures} after {epoch} epochs")
