"""Keeps values beside objects, not in them; keeps an object from being trained twice at once."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

V = TypeVar("V")
S = TypeVar("S")
R = TypeVar("R")
P = ParamSpec("P")


class Beside(Generic[V]):
    """A weak mapping from objects, by identity, to values: a value is dropped with its object.

    Copies and pickles of the objects don't include the value. Unlike a `WeakKeyDictionary` it
    neither hashes objects nor compares them. Each method is thread-safe.
    """

    def __init__(self) -> None:
        self._values: dict[int, tuple[weakref.ref[Any], V]] = {}

    def pop(self, owner: object) -> V | None:
        """Remove and return the object's value; None if there is none."""
        found = self._values.pop(id(owner), None)
        return found[1] if found is not None and found[0]() is owner else None

    def keep(self, owner: object, value: V) -> None:
        """Set the object's value."""
        key = id(owner)

        def forget(gone: weakref.ref[Any], values: Any = self._values) -> None:
            found = values.get(key)
            if found is not None and found[0] is gone:  # else a new object has this id by now
                values.pop(key, None)

        self._values[key] = (weakref.ref(owner, forget), value)

    def __contains__(self, owner: object) -> bool:
        found = self._values.get(id(owner))
        return found is not None and found[0]() is owner

    def __len__(self) -> int:
        return len(self._values)


_lock = threading.Lock()
_in_training: set[int] = set()


@contextlib.contextmanager
def in_training(owner: object) -> Iterator[None]:
    """Keep an object from being trained elsewhere within the block.

    Raises
    ------
    RuntimeError
        If it is being trained, within another such block or a method guarded by `sole_training`.
    """
    key = id(owner)  # the caller holds the object, so no other one can get its id
    with _lock:
        if key in _in_training:
            raise RuntimeError(
                f"this {type(owner).__name__} is being trained, by another thread or by the "
                "call whose callback this is: wait, or train a copy of it (copy.deepcopy)"
            )
        _in_training.add(key)
    try:
        yield
    finally:
        with _lock:
            _in_training.discard(key)


def sole_training(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Guard a method by `in_training`: an object can't be trained twice at once."""

    @functools.wraps(method)
    def guarded(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
        with in_training(self):
            return method(self, *args, **kwargs)

    return guarded


def _forget() -> None:
    """Drop the parent's trainings, which a forked child does not run."""
    global _lock
    _lock = threading.Lock()
    _in_training.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
