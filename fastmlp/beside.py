"""Values kept beside objects that know nothing of them, and the guard of an object in training."""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

V = TypeVar("V")
S = TypeVar("S")
R = TypeVar("R")
P = ParamSpec("P")


class Beside(Generic[V]):
    """A value for each of some objects, by identity; it goes when the object goes.

    Copies and pickles of the objects know nothing of it. Unlike a `WeakKeyDictionary` it asks
    objects neither for a hash nor whether they are equal. Each method is safe among threads.
    """

    def __init__(self) -> None:
        self._values: dict[int, tuple[weakref.ref[Any], V]] = {}

    def pop(self, owner: object) -> V | None:
        """Return the object's value, which is no longer kept; None if there is none."""
        found = self._values.pop(id(owner), None)
        return found[1] if found is not None and found[0]() is owner else None

    def keep(self, owner: object, value: V) -> None:
        """Keep a value, instead of the one from before."""
        number = id(owner)

        def forget(gone: weakref.ref[Any], values: Any = self._values) -> None:
            found = values.get(number)
            if found is not None and found[0] is gone:  # else it is another object's by now
                values.pop(number, None)

        self._values[number] = (weakref.ref(owner, forget), value)

    def __contains__(self, owner: object) -> bool:
        found = self._values.get(id(owner))
        return found is not None and found[0]() is owner

    def __len__(self) -> int:
        return len(self._values)


_lock = threading.Lock()
_in_training: set[int] = set()


def sole_training(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Keep an object from being trained twice at once, by two threads or its own callback.

    The method raises RuntimeError while it, or another one so guarded, is at work on the object.
    """

    @functools.wraps(method)
    def guarded(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
        number = id(self)  # the caller holds the object, so that no other one gets its number
        with _lock:
            if number in _in_training:
                raise RuntimeError(
                    f"this {type(self).__name__} is being trained, by another thread or by the "
                    "call whose callback this is: wait, or train a copy of it (copy.deepcopy)"
                )
            _in_training.add(number)
        try:
            return method(self, *args, **kwargs)
        finally:
            with _lock:
                _in_training.discard(number)

    return guarded


def _forget() -> None:
    """In a forked child, the parent's trainings don't run."""
    global _lock
    _lock = threading.Lock()
    _in_training.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
