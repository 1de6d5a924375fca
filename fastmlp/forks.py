"""Makes a fork wait while another thread imports this package or compiles a kernel.

A forked child has only the thread that called fork. If another thread held a lock at that moment,
nobody would release it in the child, and the first import or compilation there would hang. The fork
waits for one kernel at most, however many are still to be compiled.
"""

from __future__ import annotations

import contextlib
import importlib
import logging  # noqa: F401 - registers its own lock for forks, which must be taken last
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Protocol

PACKAGE = "fastmlp"
ROUNDS = 3  # attempts to wait for imports; the forking thread's own can't end meanwhile


class CompilerLock(AbstractContextManager[Any], Protocol):
    """The interface of Numba's compiler lock, which a thread may take several times."""

    def is_locked(self) -> bool:
        """Whether the calling thread holds it."""


_gate = threading.RLock()
_compiler_locks: list[CompilerLock] = []
_others: list[AbstractContextManager[Any]] = []
_taken = threading.local()


def hold(compiler_lock: CompilerLock, *others: AbstractContextManager[Any]) -> None:
    """Hold these locks during every fork; a thread takes the others only inside the first."""
    _compiler_locks.append(compiler_lock)
    _others.extend(others)


@contextlib.contextmanager
def one_kernel(compiler_lock: CompilerLock) -> Iterator[None]:
    """Hold the compiler lock, but let a waiting fork go first.

    Without that, a thread that releases the lock and takes it again at once could keep a waiting
    fork out for as long as it compiles kernels.
    """
    if not compiler_lock.is_locked():
        with _gate:  # a fork holds it while waiting for the lock
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
    # A thread that forks while compiling must not wait at the gate: a fork that holds the gate
    # would in turn wait for its compiler lock.
    if not any(lock.is_locked() for lock in _compiler_locks):
        locks.enter_context(_gate)
    for lock in (*_compiler_locks, *_others):
        locks.enter_context(lock)


def _after() -> None:
    taken = _taken.__dict__.pop("locks", None)
    if taken is not None:
        taken.close()


def _imports() -> list[str]:
    """Names of this package's modules that any thread is importing."""
    locks: dict[str, Any] = getattr(sys.modules.get("importlib._bootstrap"), "_module_locks", {})
    return [name for name in list(locks) if name.partition(".")[0] == PACKAGE]


def _wait_for_imports() -> None:
    for name in _imports():
        with contextlib.suppress(Exception):  # a failure is the importing thread's
            importlib.import_module(name)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
