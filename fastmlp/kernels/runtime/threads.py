"""Python threads for compiled work: how many there may be, and how they are started and joined.

The threads live within one call. A pool would hang in forked children and can't be pickled.
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

# What other libraries obey, so that one setting holds for all of them (and for joblib's workers).
ENVIRONMENT = ("FASTMLP_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")

_libc: Any = ctypes.PyDLL(None) if os.name == "posix" else None
_OCTAL = re.compile(r"\\([0-7]{3})")  # how /proc writes a blank in a path
_lock = threading.Lock()
_fits: set[int] = set()


def usable_threads() -> int:
    """Threads that may run at once: by affinity, cgroup quota and the environment's variables."""
    limits = [_cores()]
    if limits[0] > 1:  # the quota stands in files, and is never less than one core
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
    """Cores that a container may use, rounded up; a large number where nothing limits them.

    A group's limit holds for all groups inside of it, so that the narrowest one counts, from this
    process's own group up to the root.
    """
    groups = _text("/proc/self/cgroup")
    limits = (_limit(folder, is_new) for folder, is_new in _cgroups(groups, Path))
    cores = min(limits, default=math.inf)
    return max(1, math.ceil(cores)) if cores < math.inf else os.cpu_count() or 1


def _limit(folder: str, is_new: bool) -> float:
    """Cores that the files of a group of cgroup 2 (or 1) allow; infinity if they set no limit."""
    names = ["cpu.max"] if is_new else ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
    try:
        quota, period = (part for name in names for part in _text(f"{folder}/{name}").split())
        cores = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):  # no such files; "max": no limit
        return math.inf
    return cores if cores > 0 else math.inf


@functools.lru_cache(maxsize=1)  # the mounts don't change, and predicting a row takes no longer
def _cgroups(groups: str, path_type: Callable[[str], Path]) -> list[tuple[str, bool]]:
    """Folders of the groups that limit this process, and whether they are of cgroup 2.

    Parameters
    ----------
    groups : str
        What ``/proc/self/cgroup`` says: lines of ``number:controllers:path``.
    path_type : callable
        `Path`: other files, other mounts.
    """
    paths = {True: "/", False: "/"}  # within the hierarchies of cgroup 2, and 1
    for line in groups.splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers or "cpu" in controllers.split(","):
            paths[not controllers] = path
    mounts: list[tuple[str, str, bool]] = []  # root, folder, whether of cgroup 2
    for line in _text("/proc/self/mountinfo", path_type).splitlines():
        # number parent device root folder options ... - type source options
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
    """The folder of a group and those above it, where a hierarchy's `root` lies at `folder`.

    A path that is not inside of the root is a container's, which sees its own group there.
    """
    parts, above = PurePosixPath(path).parts, PurePosixPath(root).parts
    is_inside = parts[: len(above)] == above and ".." not in parts
    inside = parts[len(above) :] if is_inside else ()
    for depth in range(len(inside), -1, -1):
        yield "/".join([folder.rstrip("/"), *inside[:depth]])


def _text(file: str, path_type: Callable[[str], Path] | None = None) -> str:
    """What a file of the system says; nothing, where there is none."""
    try:
        return (path_type or Path)(file).read_text(errors="replace")
    except OSError:
        return ""


class Helpers:
    """Threads that live for one call each, and are waited for however it ends.

    They are bare threads: ``threading.Thread.start`` waits until a thread runs, which wakes two
    cores in turn and costs a stretch of 10 ms its two last percent.
    """

    def __init__(self) -> None:
        self._at_work: list[_Helper] = []

    def run(self, work: Callable[[int], object], n_threads: int) -> None:
        """Call ``work(thread)`` for thread 0 to n_threads - 1, each in a thread of its own.

        Thread 0 is the caller's. A helper that can't be started is left out, which `work` must
        allow for. Returns, or raises, when all of them have returned; an interrupt waits too.
        """
        try:
            seats = _Seats()
            for number in range(1, n_threads):
                helper = _Helper(work, number, seats)
                try:
                    _thread.start_new_thread(helper.run, ())
                except RuntimeError:  # the system has no thread left
                    break
                # An interrupt just here leaves a helper that is not waited for, and finds no
                # thread 0 to work with.
                self._at_work.append(helper)
            work(0)
        finally:
            self.wait()

    def wait(self) -> None:
        """Return when no helper is at work; an interrupt is raised after that.

        To be called once more before what they write is read: an interrupt may strike between
        any two operations, and so just before the call above.
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
    """A thread's work, a flag that says that it has ended, and a lock to wait for the flag."""

    def __init__(self, work: Callable[[int], object], number: int, seats: _Seats) -> None:
        self.work, self.number, self.seats = work, number, seats
        self.is_done = False
        self.lock = _thread.allocate_lock()
        self.lock.acquire()

    def run(self) -> None:
        try:
            self.seats.take()
            self.work(self.number)
        finally:
            self.is_done = True
            self.lock.release()


class _Seats:
    """Cores for the threads of one call, so that no two of them share one while another is idle.

    Linux often starts a thread on its parent's core, and is slow to move one of two threads that
    look for each other: epochs then take half as long again. So a helper that finds itself on a
    core that is taken leaves it, by its own affinity, which ends with the helper. Elsewhere, and
    where that is not allowed, nothing happens.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = {_core()}

    def take(self) -> None:
        """To be called by each helper."""
        with self._lock, contextlib.suppress(OSError, AttributeError):
            if _core() in self._taken:
                free = os.sched_getaffinity(0) - self._taken
                if free:
                    os.sched_setaffinity(0, free)
            self._taken.add(_core())


def _core() -> int:
    """The core that the calling thread runs on; -1 where the system does not say."""
    return _libc.sched_getcpu() if hasattr(_libc, "sched_getcpu") else -1


class Fit:
    """One training in this process: of several at a time, none uses threads."""

    def __enter__(self) -> Fit:
        with _lock:
            _fits.add(id(self))
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with _lock:
            _fits.discard(id(self))

    @property
    def is_alone(self) -> bool:
        return len(_fits) <= 1


def _forget() -> None:
    """In a forked child, the parent's fits don't run."""
    global _lock
    _lock = threading.Lock()
    _fits.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
