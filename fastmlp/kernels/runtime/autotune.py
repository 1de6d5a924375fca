"""How long a stretch of steps is, and how many threads it gets.

A stretch is one call from Python: some milliseconds of steps. A trial is some stretches with the
other one of two numbers of threads, to see whether they are faster.
"""

from __future__ import annotations

from collections import deque

from fastmlp.kernels.runtime.threads import usable_threads

STRETCH_SECONDS = 0.015  # Ctrl-C and other Python threads wait no longer than that
# Steps of the first stretch of all, and of the first one with another number of threads: they only
# tell how many steps make a stretch.
FIRST_STEPS = 4
TRIAL = 4  # stretches, of which the fastest counts: a core that was idle takes some ms to wake up
HOPELESS = 1.3  # a trial of one thread ends after two stretches if it is so many times slower
SHORTEST, LONGEST = 4, 64  # stretches from a trial to the next one
PATIENCE = 1.25  # an explicit number of threads may be so many times slower than one thread


class Pace:
    """Chooses each stretch's number of threads and of steps from how long others took.

    Serial and threaded stretches are tried in turn, and the faster ones go on: for small steps the
    threads' meetings cost more than they save, and another program may hold the second core. From
    trial to trial, the time to the next one doubles, unless the trial has changed something. The
    result has the same bits either way.

    Parameters
    ----------
    n_threads : int, optional
        By default as many as may run at once, if they are faster than one. An explicit number is
        obeyed whatever the limits, except while it is slower than one thread by a good deal.
    most : int
        Threads that find work: by default, no more are taken.
    """

    def __init__(self, n_threads: int | None, most: int) -> None:
        threads = n_threads or min(usable_threads(), most)
        self.choices = sorted({1, threads}, reverse=n_threads is not None)
        self._handicap = PATIENCE if n_threads else 1.0
        self._recent: dict[int, deque[float]] = {}  # seconds a step, of the last stretches
        # Of two numbers of threads, the one that was faster; the one that is at work, for a trial.
        self._preferred = self._current = self.choices[0]
        self._tried: list[float] = []  # seconds a step, in the trial that is running
        self._interval = SHORTEST
        self._left = TRIAL

    def next(self) -> tuple[int, int]:
        """Return the next stretch's number of threads and of steps."""
        if not self._recent:
            return self._current, FIRST_STEPS
        steps = max(1, int(STRETCH_SECONDS / min(map(min, self._recent.values()))))
        is_new = self._current not in self._recent
        return self._current, min(FIRST_STEPS, steps) if is_new else steps

    def took(self, n_threads: int, n_steps: int, seconds: float) -> None:
        """Learn from a stretch how long `n_steps` steps took with `n_threads` threads."""
        recent = self._recent.setdefault(n_threads, deque(maxlen=TRIAL))
        recent.append(max(seconds / n_steps, 1e-9))
        if n_threads == self._current != self._preferred:
            self._tried.append(recent[-1])
        self._left -= 1
        is_hopeless = self._is_hopeless()
        if len(self.choices) == 1 or (self._left > 0 and not is_hopeless):
            return
        if self._current == self._preferred:  # try the other number
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
        """Whether a trial of one thread is running that has been far too slow, twice.

        A trial of more threads goes on to its end, as their cores take time to wake up.
        """
        if self._current != 1 or self._preferred == 1 or len(self._tried) < 2:
            return False
        known = min(self._recent.get(self._preferred, [float("inf")]))
        return min(self._tried) > HOPELESS * known

    def _cost(self, n_threads: int) -> float:
        """Seconds a step, a handicap included for one thread where more were asked for."""
        seconds = min(self._recent.get(n_threads, [float("inf")]))
        return seconds * (self._handicap if n_threads == 1 else 1.0)
