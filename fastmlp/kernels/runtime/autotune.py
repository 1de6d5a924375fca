"""Chooses how many steps a stretch has, and how many threads run it.

A stretch is one call from Python, some milliseconds of steps. There are two choices of threads, one
and several. A trial is a few stretches with the choice that is not in use, to see whether it is
faster.
"""

from __future__ import annotations

import time
from collections import deque

from fastmlp.kernels.runtime.threads import usable_threads

# What Ctrl-C has to wait for, and the longest: after each stretch, a thread waits for the
# interpreter where other Python threads are busy, for 5 ms, and for a core where none is free. Then
# stretches are IDLE times as long as that.
STRETCH_SECONDS, LONGEST_SECONDS, IDLE = 0.025, 0.1, 20
# Steps of the very first stretch, and of the first one with another number of threads: they only
# serve to find out how many steps make a stretch.
FIRST_STEPS = 4
TRIAL = 4  # stretches, the fastest of which counts: an idle core takes some ms to wake up
TOO_SHORT = 0.0005  # seconds of a stretch for a trial of several threads; to start one takes 50 us
TOO_IDLE = 10  # nor, if a tenth of it is waited for the interpreter or a core: several wait longer
# A trial ends after two stretches if it is slower by this factor. With several threads, the first
# ones may be slow because their cores wake up, or ever so slow because there is no free core.
HOPELESS, HOPELESS_TOGETHER = 1.3, 4.0
SHORTEST, LONGEST = 4, 64  # stretches between trials
PATIENCE = 1.25  # an explicit number of threads may be slower than one thread by this factor


# Where it ticks too slowly, as on Windows, a thread counts as working all the time.
_is_fine = time.get_clock_info("thread_time").resolution < 1e-4
_work_time = time.thread_time if _is_fine else time.perf_counter


def now() -> tuple[float, float]:
    """Return the time, and how long the calling thread has worked, for `since`."""
    return time.perf_counter(), _work_time()


def since(start: tuple[float, float]) -> tuple[float, float]:
    """Return the seconds since `now` was called, and how many of them the thread was idle."""
    time_before, work_before = start
    seconds = time.perf_counter() - time_before
    return seconds, seconds - (_work_time() - work_before)


class Pace:
    """Chooses each stretch's number of threads and of steps from the times of earlier ones.

    Both choices are tried, and the faster one is kept: for small steps barriers cost more than
    threads save, and another program may be using the second core. The interval between trials
    doubles each time, unless a trial has changed the choice. Either way the result has the same
    bits.

    Parameters
    ----------
    n_threads : int, optional
        By default as many as may run at once, if they are faster than one. An explicit number is
        used whatever the limits, except while it is slower than one thread by more than PATIENCE.
    most : int
        Number of threads that have work: the default never exceeds it.
    """

    def __init__(self, n_threads: int | None, most: int) -> None:
        threads = n_threads or min(usable_threads(), most)
        self.choices = sorted({1, threads}, reverse=n_threads is not None)
        self._handicap = PATIENCE if n_threads else 1.0
        # Seconds per step of the last stretches; and those that a thread alone has worked for.
        self._recent: dict[int, deque[float]] = {}
        self._worked: dict[int, deque[float]] = {}
        self._stretch = STRETCH_SECONDS
        # The number of threads that was faster; the one in use, which differs during a trial.
        self._preferred = self._current = self.choices[0]
        self._tried: list[float] = []  # seconds per step in the current trial
        self._interval = SHORTEST
        self._left = TRIAL

    def next(self) -> tuple[int, int]:
        """Return the next stretch's number of threads and of steps."""
        if not self._recent:
            return self._current, FIRST_STEPS
        # Not the steps of the fastest choice: without a free core, others take 100 times as long.
        own = self._worked.get(self._current)
        seconds = min(own) if own else min(map(min, self._worked.values()))
        steps = max(1, int(self._stretch / seconds))
        return self._current, steps if own else min(FIRST_STEPS, steps)

    def took(self, n_threads: int, n_steps: int, seconds: float, idle: float = 0.0) -> None:
        """Record how long a stretch of `n_steps` steps took with `n_threads` threads.

        For `idle` seconds of these, the calling thread has not worked.
        """
        recent = self._recent.setdefault(n_threads, deque(maxlen=TRIAL))
        recent.append(max(seconds / n_steps, 1e-9))
        own = seconds - idle if n_threads == 1 else seconds
        worked = self._worked.setdefault(n_threads, deque(maxlen=TRIAL))
        worked.append(max(own / n_steps, 1e-9))
        self._stretch = min(max(STRETCH_SECONDS, IDLE * idle), LONGEST_SECONDS)
        if n_threads == self._current != self._preferred:
            self._tried.append(recent[-1])
        self._left -= 1
        is_hopeless = self._is_hopeless()
        if len(self.choices) == 1 or (self._left > 0 and not is_hopeless):
            return
        if self._current == self._preferred:  # start a trial of the other one
            if self._current == 1 and seconds < max(TOO_SHORT, TOO_IDLE * idle):
                return
            self._current = next(n for n in self.choices if n != self._preferred)
            self._left = TRIAL
            self._tried.clear()
            return
        before = self._preferred
        if not is_hopeless:
            self._preferred = min(self.choices, key=self._cost)
        is_settled = self._preferred == before
        self._interval = min(2 * self._interval, LONGEST) if is_settled else SHORTEST
        self._current, self._left = self._preferred, self._interval

    def _is_hopeless(self) -> bool:
        """Whether the current trial was far too slow twice."""
        if self._current == self._preferred or len(self._tried) < 2:
            return False
        known = min(self._recent.get(self._preferred, [float("inf")]))
        return min(self._tried) > known * (HOPELESS if self._current == 1 else HOPELESS_TOGETHER)

    def _cost(self, n_threads: int) -> float:
        """Seconds per step; those of one thread are multiplied by the handicap."""
        seconds = min(self._recent.get(n_threads, [float("inf")]))
        return seconds * (self._handicap if n_threads == 1 else 1.0)
