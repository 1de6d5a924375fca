"""When a training is to stop, and which of its epochs is the model."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from fastmlp.training.stopping import Stopping

if TYPE_CHECKING:
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
    """

    def __init__(self, network: MLP, n_epochs: int, keep: Keep) -> None:
        self.network, self.n_epochs = network, n_epochs
        self._stopping = Stopping(n_epochs - 1, "val_loss", keeps=keep is Keep.best)
        self.is_over = False

    def __call__(self, epoch: int, logs: Mapping[str, float]) -> bool:
        """Whether the training is to stop after this epoch."""
        self.is_over = self._stopping.end_epoch(epoch, logs, self.network.parameters)
        return self.is_over

    @property
    def kept_epoch(self) -> int:
        """The epoch that the model is of."""
        is_best = self._stopping.best_parameters is not None
        return self._stopping.best_epoch if is_best else len(self.network.history_.loss)

    @property
    def reason(self) -> str:
        """Why it has stopped the training."""
        return (
            f"Stopped: the validation loss has not improved for {self.n_epochs} epochs; "
            f"it was lowest, {self._stopping.best:.4f}, after epoch {self._stopping.best_epoch}."
        )

    def settle(self) -> None:
        """Give the network the weights that are kept."""
        if self._stopping.best_parameters is not None:
            self.network.parameters = self._stopping.best_parameters
