"""How long a stretch of steps is, and how many threads it gets."""

from __future__ import annotations

from fastmlp.kernels.threads import usable_threads

STRETCH_SECONDS = 0.015  # Ctrl-C and other Python threads wait no longer than that
FIRST_STEPS = 4  # of a number of threads: they only tell how many steps make a stretch
RETRY_AFTER = 20  # stretches until the slower number of threads is tried once more
PATIENCE = 1.25  # times that an explicit number of threads may be slower than one


class Pace:
    """Chooses the next stretch from how long the last ones took.

    Serial and threaded stretches are timed, and the faster ones go on: for small steps the threads'
    meetings cost more than they save, and another program may hold the second core. The result has
    the same bits either way.

    Parameters
    ----------
    n_threads : int, optional
        By default as many as may run at once, if they are faster than one. An explicit number is
        obeyed whatever the limits, except while it is slower than one thread by a good deal.
    """

    def __init__(self, n_threads: int | None) -> None:
        self.choices = sorted({1, n_threads or usable_threads()}, reverse=n_threads is not None)
        self._handicap = PATIENCE if n_threads else 1.0
        self._step_seconds: dict[int, float] = {}
        self._is_timed: set[int] = set()
        self._since_trial = 0

    def next(self) -> tuple[int, int]:
        """Return the next stretch's number of threads and of steps."""
        for n_threads in self.choices:
            if n_threads not in self._step_seconds:
                return n_threads, FIRST_STEPS
        steps = max(1, int(STRETCH_SECONDS / min(self._step_seconds.values())))
        for n_threads in self.choices:
            if n_threads not in self._is_timed:
                return n_threads, steps
        fastest = min(self.choices, key=self._cost)
        if len(self.choices) > 1 and self._since_trial >= RETRY_AFTER:
            return next(n for n in self.choices if n != fastest), steps
        return fastest, steps

    def took(self, n_threads: int, n_steps: int, seconds: float) -> None:
        """Learn from a stretch."""
        if n_threads in self._step_seconds:
            self._is_timed.add(n_threads)
        self._since_trial = 0 if self._since_trial >= RETRY_AFTER else self._since_trial + 1
        self._step_seconds[n_threads] = max(seconds / n_steps, 1e-9)

    def _cost(self, n_threads: int) -> float:
        return self._step_seconds[n_threads] * (self._handicap if n_threads == 1 else 1.0)
