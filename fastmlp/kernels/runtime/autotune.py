"""Chooses how many steps a stretch has, how many threads run it, and how they share the work.

A stretch is one call from Python, some milliseconds of steps. There are two choices of threads, one
and several, and perhaps two ways in which several share the first layer. A trial is a few stretches
with each of the choices that are not in use, to see which one is fastest; if one thread is in use,
with one of the others.
"""

from __future__ import annotations

import time
from collections import deque
from typing import NamedTuple

from fastmlp.kernels.runtime.threads import usable_threads

# What Ctrl-C has to wait for, and the longest: after each stretch, a thread waits for the
# interpreter where other Python threads are busy, for 5 ms, and for a core where none is free. Then
# stretches are IDLE times as long as that, but not those of a trial, as several wait far longer.
STRETCH_SECONDS, LONGEST_SECONDS, IDLE = 0.025, 0.1, 20
# Steps of the very first stretch, and of the first one with another number of threads: they only
# serve to find out how many steps make a stretch.
FIRST_STEPS = 4
TRIAL = 4  # stretches, the fastest of which counts: an idle core takes some ms to wake up
TOO_SHORT = 0.0005  # seconds of a stretch for a trial of several threads; to start one takes 50 us
TOO_IDLE = 10  # nor, if a tenth of it is waited for the interpreter or a core: several wait longer
# A choice has only two stretches of a trial if it is slower by this factor. Where one thread has
# been at work, the first ones of several may be slow because their cores wake up (this is no excuse
# where the one thread had to wait), or ever so slow because there is no free core.
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


class Choice(NamedTuple):
    """How a stretch is run: by how many threads, and whether they divide layer 1's inputs."""

    n_threads: int
    by_inputs: bool = False


class Pace:
    """Chooses each stretch's threads and its number of steps from the times of earlier ones.

    All choices are tried, and the fastest one is kept: for small steps barriers cost more than
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
    most_by_inputs : int
        The same if threads divide the first layer's inputs; 1 if they can't.

    Attributes
    ----------
    choices : list of Choice
    preferred : Choice
        The fastest of them, so far.
    """

    def __init__(self, n_threads: int | None, most: int, most_by_inputs: int = 1) -> None:
        threads = n_threads or min(usable_threads(), most)
        several = [Choice(threads)] if threads > 1 else []
        several += [Choice(threads, by_inputs=True)] if 1 < threads <= most_by_inputs else []
        self.choices = [*several, Choice(1)] if n_threads else [Choice(1), *several]
        self._handicap = PATIENCE if n_threads else 1.0
        # Seconds per step of the last stretches; and those that a thread alone has worked for.
        self._recent: dict[Choice, deque[float]] = {}
        self._worked: dict[Choice, deque[float]] = {}
        self._stretch = STRETCH_SECONDS
        # The choice in use differs from the preferred one during a trial, with those yet to try.
        self.preferred = self._current = self.choices[0]
        self._to_try: list[Choice] = []
        self._tried: list[float] = []  # seconds per step of the choice on trial
        self._hopeful: list[Choice] = []
        self._n_tried = 0  # trials of several threads, which take the ways to share in turn
        self._interval = SHORTEST
        self._left = TRIAL

    def next(self) -> tuple[Choice, int]:
        """Return how the next stretch is run, and its number of steps."""
        if not self._recent:
            return self._current, FIRST_STEPS
        # Not the steps of the fastest choice: without a free core, others take 100 times as long.
        own = self._worked.get(self._current)
        seconds = min(own) if own else min(map(min, self._worked.values()))
        is_trial = self._current != self.preferred
        steps = max(1, int((STRETCH_SECONDS if is_trial else self._stretch) / seconds))
        return self._current, steps if own else min(FIRST_STEPS, steps)

    def took(self, choice: Choice, n_steps: int, seconds: float, idle: float = 0.0) -> None:
        """Record how long a stretch of `n_steps` steps took with a choice.

        For `idle` seconds of these, the calling thread has not worked.
        """
        recent = self._recent.setdefault(choice, deque(maxlen=TRIAL))
        recent.append(max(seconds / n_steps, 1e-9))
        own = seconds - idle if choice.n_threads == 1 else seconds
        worked = self._worked.setdefault(choice, deque(maxlen=TRIAL))
        worked.append(max(own / n_steps, 1e-9))
        is_trial = self._current != self.preferred
        if not is_trial:
            self._stretch = min(max(STRETCH_SECONDS, IDLE * idle), LONGEST_SECONDS)
        if is_trial and choice == self._current:
            self._tried.append(recent[-1])
        self._left -= 1
        is_hopeless = is_trial and self._is_hopeless()
        if len(self.choices) == 1 or (self._left > 0 and not is_hopeless):
            return
        if is_trial:
            self._hopeful += [] if is_hopeless else [self._current]
        elif self._current.n_threads == 1 and seconds < max(TOO_SHORT, TOO_IDLE * idle):
            return
        else:
            self._hopeful = [self.preferred]
            self._to_try = [other for other in self.choices if other != self.preferred]
            if self.preferred.n_threads == 1:  # where threads lose, no trial is longer for two ways
                self._to_try = [self._to_try[self._n_tried % len(self._to_try)]]
                self._n_tried += 1
        self._tried.clear()
        if self._to_try:
            self._current, self._left = self._to_try.pop(0), TRIAL
            return
        before = self.preferred
        self.preferred = min(self._hopeful, key=self._cost)
        is_settled = self.preferred == before
        self._interval = min(2 * self._interval, LONGEST) if is_settled else SHORTEST
        self._current, self._left = self.preferred, self._interval

    def _is_hopeless(self) -> bool:
        """Whether the choice on trial was far too slow twice."""
        if len(self._tried) < 2:
            return False
        known = min(self._recent.get(self.preferred, [float("inf")]))
        is_patient = self.preferred.n_threads == 1 and self._stretch == STRETCH_SECONDS
        factor = HOPELESS_TOGETHER if is_patient else HOPELESS
        return min(self._tried) > known * factor

    def _cost(self, choice: Choice) -> float:
        """Seconds per step; those of one thread are multiplied by the handicap."""
        seconds = min(self._recent.get(choice, [float("inf")]))
        return seconds * (self._handicap if choice.n_threads == 1 else 1.0)
