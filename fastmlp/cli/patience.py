"""When a training is to stop, and which of its epochs is the model."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from fastmlp.training.stopping import Stopping

if TYPE_CHECKING:
    from fastmlp import MLP


class Keep(StrEnum):
    """Which epoch's weights are the model."""

    best = "best"
    last = "last"


def keep_of(keep: Keep | None, patience: int | None) -> Keep:
    """Return which epoch is kept where the options leave that open."""
    return keep or (Keep.last if patience is None else Keep.best)


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

    def __call__(self, epoch: int, logs: Mapping[str, float]) -> bool:
        """Whether the training is to stop after this epoch."""
        return self._stopping.end_epoch(epoch, logs, self.network.parameters)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint is to keep, for `load_state_dict`."""
        return self._stopping.state_dict()

    def load_state_dict(self, kept: Mapping[str, Any]) -> None:
        """Go on from what another one has kept, of a network of the same shape."""
        self._stopping.load_state_dict(kept, self.network.parameters)

    @property
    def is_over(self) -> bool:
        """Whether it has stopped the training."""
        return self._stopping.n_stalled > self._stopping.patience

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
            self.network.history_.best_epoch = self._stopping.best_epoch
