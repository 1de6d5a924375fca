"""The one training loop, and what is known after each epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks.generators import permuted
from fastmlp.engine import Trainer
from fastmlp.network.divergence import DivergenceError, Kept
from fastmlp.network.targets import Targets
from fastmlp.reference.losses import LOSSES, mean_loss

Array = NDArray[Any]
Logs = dict[str, float]


def run_epochs(
    trainer: Trainer, parameters: Sequence[Array], n_rows: int, n_epochs: int, stream: Any
) -> Iterator[Logs]:
    """Train epoch by epoch, the rows in an order drawn anew for each.

    Parameters
    ----------
    trainer : Trainer
    parameters : sequence of ndarray
        What it exports to.
    n_rows, n_epochs : int
    stream : numpy.random.RandomState, or numpy.random
        Orders are drawn from it.

    Yields
    ------
    dict of str to float
        After each epoch, with the parameters exported: loss, mean_loss, seconds, rows_per_second.

    Raises
    ------
    ValueError
        If a random_state of a class of the user's own draws no order of the rows.
    DivergenceError
        When the loss or a parameter is not finite; the parameters are those of the epoch before.
    KeyboardInterrupt
        On Ctrl-C; the parameters are those of the last whole step, or of the last epoch if those
        are not finite.
    """
    kept = Kept(parameters)
    order = np.arange(n_rows)
    for epoch in range(1, n_epochs + 1):
        start = time.perf_counter()
        order = order[permuted(stream, n_rows)]
        try:
            loss = trainer.epoch(order)
            trainer.export()
        except BaseException:  # an interrupt, maybe in the middle of that export
            trainer.export()
            kept.update()
            raise
        seconds = time.perf_counter() - start
        if not kept.update(loss):
            raise DivergenceError(epoch, loss, trainer.learning_rate)
        yield {
            "loss": loss,
            "mean_loss": trainer.mean_loss,
            "seconds": seconds,
            "rows_per_second": n_rows / seconds,
        }


class Validation:
    """Rows that are not trained on, and their targets.

    Parameters
    ----------
    features, truth : array
        As they have been checked.
    targets : Targets
    outputs_of : callable
        Returns the network's outputs for features, as its weights are by then.
    """

    def __init__(
        self, features: Any, truth: Array, targets: Targets, outputs_of: Callable[[Any], Array]
    ) -> None:
        self.features, self._truth = features, truth
        self._targets, self._outputs_of = targets, outputs_of

    def figures(self) -> Logs:
        """Return val_loss, and where there are probabilities val_accuracy."""
        outputs = self._outputs_of(self.features)
        figures = {"val_loss": mean_loss(LOSSES[self._targets.loss], outputs, self._truth)}
        if self._targets.has_probabilities:
            figures["val_accuracy"] = self._targets.score(outputs, self._truth)
        return figures


def line_of(epoch: int, logs: Mapping[str, float]) -> str:
    """Return the line that the tutorial prints after an epoch."""
    line = f"Epoch {epoch}, Loss: {logs['loss']}"
    if "val_accuracy" in logs:
        line += f", Validation Accuracy: {logs['val_accuracy'] * 100:.2f}%"
    elif "val_loss" in logs:
        line += f", Validation Loss: {logs['val_loss']}"
    return line
