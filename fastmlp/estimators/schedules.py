"""The learning rate over a run."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOO_SMALL = 1e-6  # at which 'adaptive' gives up


class Schedule:
    """What the learning rate is, epoch by epoch.

    'invscaling' and 'adaptive' act on sgd only, as in scikit-learn; 'cosine' on every stochastic
    solver.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    rate : float
        What 'adaptive' starts with. 'invscaling' goes by the rows that the estimator has seen, and
        all others start with `learning_rate_init`.
    n_steps : int
        Steps of an epoch.

    Attributes
    ----------
    rate : float
        The learning rate now.
    is_level : bool
        Whether it changes by `stall` only.
    """

    def __init__(self, estimator: Any, rate: float, n_steps: int) -> None:
        self.initial = float(estimator.learning_rate_init)
        self._n_steps, self._n_epochs = n_steps, estimator.max_iter
        self._power = estimator.power_t
        name, is_sgd = estimator.learning_rate, estimator.solver == "sgd"
        self._is_inverse = name == "invscaling" and is_sgd
        self._is_adaptive = name == "adaptive" and is_sgd
        self.is_cosine = name == "cosine"
        self.is_level = not self._is_inverse and not self.is_cosine
        self.rate = rate if self._is_adaptive else self.initial
        self.end_epoch(estimator.t_)

    @property
    def left(self) -> float:
        """The rate for the next run to go on with; `initial` where it goes by other things."""
        return self.rate if self._is_adaptive else self.initial

    def of_epoch(self, epoch: int) -> float | NDArray[np.float64]:
        """Return the rate of epoch `epoch` (from 0), or one for each of its steps.

        Cosine: init (1 + cos(pi t / T)) / 2 in step t = 0, 1, ... of T (Loshchilov and Hutter,
        arXiv:1608.03983, without restarts).
        """
        if not self.is_cosine:
            return self.rate
        steps = epoch * self._n_steps + np.arange(self._n_steps)
        rates = 0.5 * self.initial * (1 + np.cos(math.pi / self._n_epochs / self._n_steps * steps))
        self.rate = float(rates[-1])
        return rates

    def end_epoch(self, n_rows_seen: int) -> None:
        """Take notice that an epoch has ended."""
        if self._is_inverse:
            try:
                self.rate = self.initial / (n_rows_seen + 1) ** self._power
            except OverflowError:
                self.rate = 0.0

    def stall(self) -> str | None:
        """Take notice that training does not get better; None to stop, else what was done."""
        if not self._is_adaptive or self.rate <= TOO_SMALL:
            return None
        self.rate /= 5.0
        return f"Setting learning rate to {self.rate:f}"

    @property
    def word_of_stop(self) -> str:
        """What scikit-learn says where `stall` has returned None."""
        return "Learning rate too small. Stopping." if self._is_adaptive else "Stopping."
