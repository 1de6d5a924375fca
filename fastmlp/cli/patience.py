"""When a training is to stop, and which of its epochs is the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from fastmlp import MLP


class Keep(StrEnum):
    """Which epoch's weights are the model."""

    best = "best"
    last = "last"


class Patience:
    """A callback that stops a training whose validation loss improves no more.

    Parameters
    ----------
    network : MLP
        What is being trained.
    n_epochs : int
        Epochs in a row that may bring no loss below the lowest one before.
    keep : Keep
        Whether the weights of the epoch with the lowest loss are to be had back.

    Attributes
    ----------
    best : float
        The lowest validation loss.
    best_epoch : int
        The first epoch that has it, from 1; 0 while none has a number for it.
    """

    def __init__(self, network: MLP, n_epochs: int, keep: Keep) -> None:
        self.network, self.n_epochs, self.keep = network, n_epochs, keep
        self.best, self.best_epoch = math.inf, 0
        self.is_over = False
        self._parameters: dict[str, np.ndarray] = {}

    def __call__(self, epoch: int, logs: Mapping[str, float]) -> bool:
        """Whether the training is to stop after this epoch."""
        if logs["val_loss"] < self.best:
            self.best, self.best_epoch = logs["val_loss"], epoch
            if self.keep is Keep.best:
                n_layers = len(self.network.weights)
                names = [f"{kind}{layer + 1}" for kind in "wb" for layer in range(n_layers)]
                self._parameters = {name: getattr(self.network, name).copy() for name in names}
        self.is_over = epoch - self.best_epoch >= self.n_epochs
        return self.is_over

    @property
    def kept_epoch(self) -> int:
        """The epoch that the model is of."""
        is_best = self.keep is Keep.best and self.best_epoch
        return self.best_epoch if is_best else len(self.network.history_.loss)

    @property
    def reason(self) -> str:
        """Why it has stopped the training."""
        return (
            f"Stopped: the validation loss has not improved for {self.n_epochs} epochs; "
            f"it was lowest, {self.best:.4f}, after epoch {self.best_epoch}."
        )

    def settle(self) -> None:
        """Give the network the weights that are kept."""
        for name, values in self._parameters.items():
            setattr(self.network, name, values)
