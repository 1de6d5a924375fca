"""Those who want to hear of each epoch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fastmlp.checkpoints.checkpoint import CheckpointError
from fastmlp.checkpoints.tree import taken_apart
from fastmlp.words import listed, printable

Callback = Callable[[int, Mapping[str, float]], object]
PAUSE = object()  # what ends a run as True does, but one that its checkpoint can go on from


class Callbacks:
    """Functions that are called as ``callback(epoch, logs)`` after each epoch, from 1.

    Attributes
    ----------
    is_empty : bool
        Whether nobody wants to hear of epochs.
    has_paused : bool
        Whether the last epoch was ended by PAUSE, and not by True.
    """

    def __init__(self, functions: Iterable[Callback]) -> None:
        self._functions = list(functions)
        self.is_empty = not self._functions
        self.has_paused = False

    def begin_epoch(self) -> None:
        """To be called before each epoch."""

    def end_epoch(self, epoch: int, logs: Mapping[str, float]) -> bool:
        """To be called after it, with the parameters exported; return whether to stop."""
        stops = [function(epoch, logs) for function in self._functions]
        is_end = any(isinstance(stop, bool | np.bool_) and bool(stop) for stop in stops)
        self.has_paused = not is_end and any(stop is PAUSE for stop in stops)
        return is_end or self.has_paused

    def state_dict(self) -> list[Any]:
        """Return what those have to keep that can: a state of each, for `load_state_dict`.

        Raises
        ------
        TypeError
            If a state is none that a file can hold.
        """
        states = []
        for function in filter(_can_be_kept, self._functions):
            state = function.state_dict()  # type: ignore[attr-defined]
            try:
                taken_apart({"state": state})
            except TypeError as error:
                raise TypeError(
                    f"the state_dict of the callback {_named(function)} can't be kept: {error}"
                ) from None
            states.append(state)
        return states

    def load_state_dict(self, kept: Sequence[Any], path: str | os.PathLike[str]) -> None:
        """Have them go on from the states that `state_dict` has returned, and a file has kept.

        Raises
        ------
        CheckpointError
            If they are not as many.
        """
        able = [*filter(_can_be_kept, self._functions)]
        if len(able) != len(kept):
            raise CheckpointError(
                f"{path} holds states of {len(kept)} callbacks, and {len(able)} are given "
                "that could go on from them: give the same callbacks, in the same order"
            )
        for function, state in zip(able, kept, strict=True):
            function.load_state_dict(state)  # type: ignore[attr-defined]

    def warn_of_states(self, warn: Callable[[str], object]) -> None:
        """Warn of those whose state can't be kept."""
        others = [_named(f) for f in self._listeners() if not _can_be_kept(f)]
        if others:
            warn(
                f"the checkpoint keeps nothing of the callbacks {listed(others, 3)}: give them "
                "methods state_dict and load_state_dict, if they remember anything"
            )

    def _listeners(self) -> list[Any]:
        """Return all that are told of epochs."""
        return [*self._functions]


def _can_be_kept(function: Any) -> bool:
    return all(
        callable(getattr(function, name, None)) for name in ("state_dict", "load_state_dict")
    )


def _named(function: Any) -> str:
    return printable(getattr(function, "__qualname__", type(function).__qualname__))
