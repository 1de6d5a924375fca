"""Starts and joins Python threads for compiled work, and limits how many there may be.

Threads exist for one call only: a pool would hang in forked children and can't be pickled.
"""

from __future__ import annotations

import _thread
import contextlib
import ctypes
import functools
import math
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

# Variables that other libraries obey too, so that one setting holds for all (joblib sets some).
ENVIRONMENT = ("FASTMLP_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")

_libc: Any = ctypes.PyDLL(None) if os.name == "posix" else None
_OCTAL = re.compile(r"\\([0-7]{3})")  # how /proc escapes a space in a path
_lock = threading.Lock()
_fits: dict[int, int] = {}  # the thread of each training


def usable_threads() -> int:
    """Threads that may run at once, by CPU affinity, cgroup quota and environment variables."""
    limits = [_cores()]
    if limits[0] > 1:  # reading the quota takes time, and it is never less than one core
        limits.append(_quota())
    for name in ENVIRONMENT:
        text = os.environ.get(name, "").split(",")[0].strip()
        if text.isdecimal() and int(text) > 0:
            limits.append(int(text))
    return min(limits)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota() -> int:
    """Cores that the cgroup quota allows, rounded up; all cores if there is no quota.

    A group's limit holds for all groups inside it, so the lowest one counts, from this process's
    own group up to the root.
    """
    groups = _text("/proc/self/cgroup")
    limits = (_limit(folder, is_new) for folder, is_new in _cgroups(groups, Path))
    cores = min(limits, default=math.inf)
    return max(1, math.ceil(cores)) if cores < math.inf else os.cpu_count() or 1


def _limit(folder: str, is_new: bool) -> float:
    """Cores that a group of cgroup 2 (or 1) allows, by its files; infinity without a limit."""
    names = ["cpu.max"] if is_new else ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
    try:
        quota, period = (part for name in names for part in _text(f"{folder}/{name}").split())
        cores = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):  # no such files; "max": no limit
        return math.inf
    return cores if cores > 0 else math.inf


@functools.lru_cache(maxsize=1)  # reading mounts takes as long as predicting a row
def _cgroups(groups: str, path_type: Callable[[str], Path]) -> list[tuple[str, bool]]:
    """Return the folders of the groups that limit this process, and which are of cgroup 2.

    Parameters
    ----------
    groups : str
        The contents of ``/proc/self/cgroup``: lines of ``id:controllers:path``.
    path_type : callable
        `Path`. It is part of this function's cache key, so that tests can replace the files.
    """
    paths = {True: "/", False: "/"}  # within the hierarchies of cgroup 2, and 1
    for line in groups.splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers or "cpu" in controllers.split(","):
            paths[not controllers] = path
    mounts: list[tuple[str, str, bool]] = []  # root, folder, whether of cgroup 2
    for line in _text("/proc/self/mountinfo", path_type).splitlines():
        # id parent device root folder options ... - type source options
        left, _, right = (part.split() for part in line.partition(" - "))
        is_new = right[:1] == ["cgroup2"]
        is_old = right[:1] == ["cgroup"] and "cpu" in right[-1].split(",")
        if len(left) > 4 and (is_new or is_old):
            root, folder = (_OCTAL.sub(lambda code: chr(int(code[1], 8)), p) for p in left[3:5])
            mounts.append((root, folder, is_new))
    for folder, is_new in (("/sys/fs/cgroup", True), ("/sys/fs/cgroup/cpu", False)):
        if is_new not in [found for _, _, found in mounts]:
            mounts.append(("/", folder, is_new))
    return [
        (group, is_new)
        for root, folder, is_new in mounts
        for group in _ancestors(root, folder, paths[is_new])
    ]


def _ancestors(root: str, folder: str, path: str) -> Iterator[str]:
    """Yield the folders of a group and its ancestors in a hierarchy mounted at `folder`.

    `root` is the group that the mount shows as its top. A path outside of it belongs to a
    container, which sees its own group at the top.
    """
    parts, above = PurePosixPath(path).parts, PurePosixPath(root).parts
    is_inside = parts[: len(above)] == above and ".." not in parts
    inside = parts[len(above) :] if is_inside else ()
    for depth in range(len(inside), -1, -1):
        yield "/".join([folder.rstrip("/"), *inside[:depth]])


def _text(file: str, path_type: Callable[[str], Path] | None = None) -> str:
    """The contents of a system file; "" if it can't be read."""
    try:
        return (path_type or Path)(file).read_text(errors="replace")
    except OSError:
        return ""


class Helpers:
    """Threads that exist for one call, and are joined however it ends.

    They are started by `_thread`: ``threading.Thread.start`` would wait until the thread runs,
    which costs two per cent of a stretch of 10 ms.
    """

    def __init__(self) -> None:
        self._at_work: list[_Helper] = []

    def run(
        self,
        work: Callable[[int], object],
        n_threads: int,
        disband: Callable[[], object] = lambda: None,
    ) -> None:
        """Call ``work(thread)`` for thread 0 to n_threads - 1, each in its own thread.

        Thread 0 is the caller's. If a helper can't be started, it and those after it are missing,
        and `work` must be able to do without them. Returns, or raises, when all have returned; an
        interrupt waits for them too. `disband` is called before that if a thread will not come.
        """
        try:
            seats = _Seats()
            for thread in range(1, n_threads):
                helper = _Helper(work, thread, seats)
                try:
                    _thread.start_new_thread(helper.run, ())
                except RuntimeError:  # the system has no thread left
                    disband()
                    break
                # An interrupt right here leaves a helper that nobody joins; it finds no thread 0 at
                # the gate, and returns.
                self._at_work.append(helper)
            work(0)
        except BaseException:
            disband()
            raise
        finally:
            self.wait()

    def wait(self) -> None:
        """Return when all helpers have returned; an interrupt is raised after that.

        Call it again before reading what helpers write: an interrupt may strike between any two
        operations, and so just before `run` calls it.
        """
        interrupt: BaseException | None = None
        for helper in self._at_work:
            while not helper.is_done:
                try:
                    helper.lock.acquire(timeout=1)
                except KeyboardInterrupt as error:
                    interrupt = error
        self._at_work.clear()
        if interrupt:
            raise interrupt


class _Helper:
    """A thread's work, a flag that is set when it has ended, and a lock to wait for that."""

    def __init__(self, work: Callable[[int], object], thread: int, seats: _Seats) -> None:
        self.work, self.thread, self.seats = work, thread, seats
        self.is_done = False
        self.lock = _thread.allocate_lock()
        self.lock.acquire()

    def run(self) -> None:
        try:
            self.seats.take()
            self.work(self.thread)
        finally:
            self.is_done = True
            self.lock.release()


class _Seats:
    """Assigns cores to the threads of one call, so that no two share one while another is idle.

    Linux often starts a thread on its parent's core, and is slow to move one of two threads that
    spin on that core waiting for each other: epochs then take half as long again. So a helper that
    finds itself on a taken core excludes the taken cores from its own affinity, which ends with
    the helper. On other systems, or where that is not permitted, nothing happens.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = {_core()}

    def take(self) -> None:
        """Take a core; each helper calls this."""
        with self._lock, contextlib.suppress(OSError, AttributeError):
            if _core() in self._taken:
                free = os.sched_getaffinity(0) - self._taken
                if free:
                    os.sched_setaffinity(0, free)
            self._taken.add(_core())


def _core() -> int:
    """The core that the calling thread runs on; -1 if the system does not tell."""
    return _libc.sched_getcpu() if hasattr(_libc, "sched_getcpu") else -1


class Fit:
    """A training in this process: while several threads train, none has helpers.

    It may be entered again while it is entered: for a whole fit, and for a stretch of it. A fit in
    a callback of another one is alone, since the other one waits for it.
    """

    def __init__(self) -> None:
        self._depth = 0

    def __enter__(self) -> Fit:
        self._depth += 1
        with _lock:
            _fits[id(self)] = threading.get_ident()
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            with _lock:
                _fits.pop(id(self), None)

    @property
    def is_alone(self) -> bool:
        """Whether no other thread trains."""
        with _lock:
            return len(set(_fits.values())) <= 1


def _forget() -> None:
    """Drop the parent's trainings, which don't run in a forked child."""
    global _lock
    _lock = threading.Lock()
    _fits.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
