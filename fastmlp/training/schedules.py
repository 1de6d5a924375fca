"""The learning rate over a run."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fastmlp.engine import Trainer

TOO_SMALL = 1e-6  # at which 'adaptive' gives up


class Schedule:
    """A constant rate.

    Parameters
    ----------
    initial : float

    Attributes
    ----------
    rate : float
        The learning rate now. May be assigned between epochs.
    is_level : bool
        Whether it changes by `stall` only.
    """

    is_level = True

    def __init__(self, initial: float) -> None:
        self.initial = self.rate = initial

    @property
    def left(self) -> float:
        """The rate for the next run to go on with."""
        return self.initial

    def of_epoch(self, epoch: int) -> float | NDArray[np.float64]:
        """Return the rate of epoch `epoch` (from 0), or one for each of its steps."""
        return self.rate

    def set(self, trainer: Trainer, epoch: int) -> None:
        """Set what changes from epoch to epoch, before epoch `epoch` (from 0)."""
        trainer.learning_rate = self.of_epoch(epoch)

    def end_epoch(self, n_rows_seen: int) -> None:
        """Take notice that an epoch has ended, and how many rows there have been so far."""

    def stall(self) -> str | None:
        """Take notice that the run gets no better; None to stop, else what was done."""
        return None

    @property
    def last_words(self) -> str:
        """What scikit-learn says where `stall` has returned None."""
        return "Stopping."


class InverseScaling(Schedule):
    """initial / (rows seen + 1)**power, of epoch to epoch: scikit-learn's 'invscaling'."""

    is_level = False

    def __init__(self, initial: float, power: float, n_rows_seen: int) -> None:
        super().__init__(initial)
        self._power = power
        self.end_epoch(n_rows_seen)

    def end_epoch(self, n_rows_seen: int) -> None:
        try:
            self.rate = self.initial / (n_rows_seen + 1) ** self._power
        except OverflowError:
            self.rate = 0.0


class Adaptive(Schedule):
    """A fifth of the rate whenever the run gets no better: scikit-learn's 'adaptive'."""

    def __init__(self, initial: float, rate: float) -> None:
        super().__init__(initial)
        self.rate = rate

    @property
    def left(self) -> float:
        return self.rate

    def stall(self) -> str | None:
        if self.rate <= TOO_SMALL:
            return None
        self.rate /= 5.0
        return f"Setting learning rate to {self.rate:f}"

    @property
    def last_words(self) -> str:
        return "Learning rate too small. Stopping."


class Cosine(Schedule):
    """initial (1 + cos(pi t / T)) / 2 in step t = 0, 1, ... of T.

    Loshchilov and Hutter, arXiv:1608.03983, without restarts.
    """

    is_level = False

    def __init__(self, initial: float, n_epochs: int, n_steps: int) -> None:
        super().__init__(initial)
        self._n_epochs, self._n_steps = n_epochs, n_steps

    def of_epoch(self, epoch: int) -> NDArray[np.float64]:
        steps = epoch * self._n_steps + np.arange(self._n_steps)
        rates: NDArray[np.float64] = 0.5 * self.initial * (1 + np.cos(self._angles(steps)))
        self.rate = float(rates[-1])
        return rates

    def _angles(self, steps: NDArray[np.intp]) -> NDArray[np.float64]:
        per_step: float = math.pi / self._n_epochs / self._n_steps
        return per_step * steps.astype(np.float64)


class CosLog(Cosine):
    """initial (1 - cos(2 pi log2(1 + 15 t / T))) / 2 in step t = 0, 1, ... of T: four cycles.

    Holzmueller et al., arXiv:2407.04491, section 3: "coslog4". Each cycle is about twice as long
    as the one before, and the rate is 0 at its ends.
    """

    def _angles(self, steps: NDArray[np.intp]) -> NDArray[np.float64]:
        shares = steps / (self._n_epochs * self._n_steps)
        angles = np.empty(len(steps))
        angles[:] = math.pi + 2 * math.pi * np.log2(1 + 15 * shares)
        return angles
