"""How long a stretch of steps is, and how many threads it gets."""

from __future__ import annotations

from fastmlp.kernels.threads import usable_threads

STRETCH_SECONDS = 0.015  # Ctrl-C and other Python threads wait no longer than that
TRIAL_SECONDS = 0.003
RETRY_AFTER = 40  # stretches until the slower number of threads is tried once more


class Pace:
    """Chooses the next stretch from how long the last ones took.

    Parameters
    ----------
    n_threads : int, optional
        Obeyed. Without it, serial and threaded stretches are timed, and the faster ones go on:
        for small steps the threads' meetings cost more than they save, and another program may
        hold the second core. The result has the same bits either way.
    """

    def __init__(self, n_threads: int | None) -> None:
        self.choices = [n_threads] if n_threads else sorted({1, usable_threads()})
        self._step_seconds: dict[int, float] = {}
        self._since_trial = 0

    def next(self) -> tuple[int, int]:
        """Return the next stretch's number of threads and of steps."""
        untried = [n for n in self.choices if n not in self._step_seconds]
        if untried:
            return untried[0], self._steps(untried[0], TRIAL_SECONDS)
        fastest = min(self.choices, key=self._step_seconds.__getitem__)
        if len(self.choices) > 1 and self._since_trial >= RETRY_AFTER:
            other = next(n for n in self.choices if n != fastest)
            return other, self._steps(other, TRIAL_SECONDS)
        return fastest, self._steps(fastest, STRETCH_SECONDS)

    def took(self, n_threads: int, n_steps: int, seconds: float) -> None:
        """Learn from a stretch."""
        is_trial = n_threads not in self._step_seconds or self._since_trial >= RETRY_AFTER
        self._since_trial = 0 if is_trial else self._since_trial + 1
        self._step_seconds[n_threads] = max(seconds / n_steps, 1e-9)

    def _steps(self, n_threads: int, seconds: float) -> int:
        known = self._step_seconds.get(n_threads) or max(self._step_seconds.values(), default=0.0)
        return max(1, int(seconds / known)) if known else 4
