"""How rate, weight decay and dropout change over the training of a table's network."""

from __future__ import annotations

import math

import numpy as np

from fastmlp.engine import Trainer
from fastmlp.training.schedules import CosLog

HIGH = 0.75  # of the highest rate


def flat_then_falling(share: float) -> float:
    """Return 1 in the first half of a run, then a cosine's fall to 0: "flat_cos" of RealMLP."""
    return 0.5 * (1 + math.cos(math.pi * (max(1.0, 2 * share) - 1)))


class Decay(CosLog):
    """The rate goes through four cycles; weight decay and dropout fall to 0 in the second half.

    Parameters
    ----------
    initial : float
        The highest rate.
    strength, dropout : float
        Weight decay and dropout in the first half.
    n_epochs, n_steps : int
        Epochs of the run, and steps of an epoch.
    """

    def __init__(
        self, initial: float, strength: float, dropout: float, n_epochs: int, n_steps: int
    ) -> None:
        super().__init__(initial, n_epochs, n_steps)
        self._strength, self._dropout, self._epoch = strength, dropout, 0

    @property
    def is_worth_judging(self) -> bool:
        """Whether the parameters after this epoch may be the best: the rate is not at its height.

        While it is high they change too much to be any good, which saves a third of the epochs'
        judgements. The first epoch and the last are judged in any case.
        """
        last = float(np.atleast_1d(self.of_epoch(self._epoch))[-1])
        return self._epoch in (0, self._n_epochs - 1) or last <= HIGH * self.initial

    def set(self, trainer: Trainer, epoch: int) -> None:
        super().set(trainer, epoch)
        self._epoch = epoch
        share = flat_then_falling(epoch / self._n_epochs)
        trainer.lambda_reg = self._strength * share
        trainer.dropout = self._dropout * share
