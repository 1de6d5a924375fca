"""Python threads for compiled work: how many there may be, and how they are started and joined.

The threads live within one call. A pool would hang in forked children and can't be pickled.
"""

from __future__ import annotations

import _thread
import math
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

# What other libraries obey, so that one setting holds for all of them (and for joblib's workers).
ENVIRONMENT = ("FASTMLP_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")

_lock = threading.Lock()
_fits: set[int] = set()


def usable_threads() -> int:
    """Threads that may run at once: by affinity, cgroup quota and the environment's variables."""
    limits = [_cores(), _quota()]
    for name in ENVIRONMENT:
        text = os.environ.get(name, "").split(",")[0].strip()
        if text.isdigit() and int(text) > 0:
            limits.append(int(text))
    return min(limits)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota() -> int:
    """Cores that a container may use, rounded up; a large number where nothing limits them."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()  # cgroup 2
    except (OSError, ValueError):
        try:
            folder = Path("/sys/fs/cgroup/cpu")  # cgroup 1
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        except OSError:
            return os.cpu_count() or 1
    try:
        cores = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):  # "max": no limit
        return os.cpu_count() or 1
    return max(1, math.ceil(cores)) if cores > 0 else os.cpu_count() or 1


def run_together(work: Callable[[int], object], n_threads: int) -> None:
    """Call ``work(thread)`` for thread 0 to n_threads - 1, each in a thread of its own.

    Thread 0 is the caller's. A helper that can't be started is left out, which `work` must allow
    for. Returns, or raises, when all of them have returned.

    The helpers are bare threads: ``threading.Thread.start`` waits until a thread runs, which wakes
    two cores in turn and costs a stretch of 10 ms its two last percent.
    """
    at_work: list[Any] = []

    def help_out(number: int, done: Any) -> None:
        try:
            work(number)
        finally:
            done.release()

    try:
        for number in range(1, n_threads):
            done = _thread.allocate_lock()
            done.acquire()
            try:
                _thread.start_new_thread(help_out, (number, done))
            except RuntimeError:  # the system has no thread left
                break
            at_work.append(done)
        work(0)
    finally:
        for done in at_work:
            done.acquire()


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
