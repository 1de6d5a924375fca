"""A fork waits while another thread imports the engine, or compiles for it: one kernel at most.

The child has only the thread that has forked. A lock that another thread held is never released in
it, and the first import or compilation there would wait for ever.
"""

from __future__ import annotations

import contextlib
import importlib
import logging  # noqa: F401 - which holds its lock around a fork too, and that one has to come last
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Protocol

PACKAGE = "fastmlp"
ROUNDS = 3  # of waiting for imports, of which the forking thread's own don't end meanwhile


class CompilerLock(AbstractContextManager[Any], Protocol):
    """What Numba's is: one that a thread may take several times."""

    def is_locked(self) -> bool:
        """Whether the calling thread holds it."""


_gate = threading.RLock()
_compiler_locks: list[CompilerLock] = []
_others: list[AbstractContextManager[Any]] = []
_taken = threading.local()


def hold(compiler_lock: CompilerLock, *others: AbstractContextManager[Any]) -> None:
    """Have locks held around every fork; the others are taken by those who hold the first one."""
    _compiler_locks.append(compiler_lock)
    _others.extend(others)


@contextlib.contextmanager
def one_kernel(compiler_lock: CompilerLock) -> Iterator[None]:
    """Hold the compiler lock, but let a fork that waits go first.

    A thread that gives back a lock and asks for it again may get it, whoever else is waiting.
    """
    if not compiler_lock.is_locked():
        with _gate:  # which a fork holds while it waits for the lock
            pass
    with compiler_lock:
        yield


def _before() -> None:
    with ExitStack() as locks:
        for _ in range(ROUNDS):
            _wait_for_imports()
            _take(locks)
            if not _imports():
                break
            locks.close()  # an import may need them
        _taken.locks = locks.pop_all()


def _take(locks: ExitStack) -> None:
    # A thread that forks while it compiles must not wait at the gate for one that waits for it.
    if not any(lock.is_locked() for lock in _compiler_locks):
        locks.enter_context(_gate)
    for lock in (*_compiler_locks, *_others):
        locks.enter_context(lock)


def _after() -> None:
    taken = _taken.__dict__.pop("locks", None)
    if taken is not None:
        taken.close()


def _imports() -> list[str]:
    """Names of this package's modules that are being imported, by whichever thread."""
    locks: dict[str, Any] = getattr(sys.modules.get("importlib._bootstrap"), "_module_locks", {})
    return [name for name in list(locks) if name.partition(".")[0] == PACKAGE]


def _wait_for_imports() -> None:
    for name in _imports():
        with contextlib.suppress(Exception):  # it is the other thread's, as its failure is
            importlib.import_module(name)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
