"""Those who want to hear of each epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

Callback = Callable[[int, Mapping[str, float]], object]


class Callbacks:
    """Functions that are called as ``callback(epoch, logs)`` after each epoch, from 1.

    Attributes
    ----------
    is_empty : bool
        Whether nobody wants to hear of epochs.
    """

    def __init__(self, functions: Iterable[Callback]) -> None:
        self._functions = list(functions)
        self.is_empty = not self._functions

    def begin_epoch(self) -> None:
        """To be called before each epoch."""

    def end_epoch(self, epoch: int, logs: Mapping[str, float]) -> bool:
        """To be called after it, with the parameters exported; return whether one returned True."""
        stops = [function(epoch, logs) for function in self._functions]
        return any(isinstance(stop, bool | np.bool_) and bool(stop) for stop in stops)
