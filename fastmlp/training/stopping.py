"""Whether a run still gets better, and the best parameters that it has had."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastmlp.parameters import Parameters


@dataclass
class Stopping:
    """Counts the epochs that bring no improvement of a figure.

    Attributes
    ----------
    patience : int
        So many epochs in a row may bring no improvement; one more, and the run has stalled.
    monitor : {'loss', 'val_loss', 'val_score'}
        The figure. Of losses less is better; scores are taken with the opposite sign.
    tol : float or None
        What counts as an improvement: a figure not above ``best - tol``, as scikit-learn has it.
        None: any figure below `best`.
    keeps : bool
        Whether to keep the parameters of the best epoch.
    best : float
        The lowest figure.
    best_epoch : int
        The first epoch that has it; 0 while there is none.
    best_parameters : Parameters or None
        What the parameters were then, if they are kept.
    n_stalled : int
        The last epochs in a row that brought no improvement.
    """

    patience: int
    monitor: str = "loss"
    tol: float | None = None
    keeps: bool = False
    best: float = math.inf
    best_epoch: int = 0
    best_parameters: Parameters | None = None
    n_stalled: int = 0

    def end_epoch(self, epoch: int, logs: Mapping[str, float], parameters: Parameters) -> bool:
        """Take an epoch's figures; return whether the run has stalled."""
        figure = logs[self.monitor]
        if self.monitor == "val_score":
            figure = -figure
        is_lower = figure < self.best
        is_worse = not is_lower if self.tol is None else figure > self.best - self.tol
        if is_lower:
            self.best, self.best_epoch = figure, epoch
            if self.keeps:
                self.best_parameters = parameters.copy()
        self.n_stalled = self.n_stalled + 1 if is_worse else 0
        return self.n_stalled > self.patience

    def state_dict(self) -> dict[str, Any]:
        """Return the figures and the best parameters so far, for `load_state_dict`."""
        best = self.best_parameters
        return {
            "best": self.best,
            "best_epoch": self.best_epoch,
            "n_stalled": self.n_stalled,
            "best_parameters": None if best is None else best._asdict(),
        }

    def load_state_dict(self, kept: Mapping[str, Any], parameters: Parameters) -> None:
        """Go on from another one's figures, about parameters of these shapes and this dtype."""
        self.best, self.best_epoch = float(kept["best"]), int(kept["best_epoch"])
        self.n_stalled = int(kept["n_stalled"])
        best = kept["best_parameters"]
        self.best_parameters = None if best is None else parameters.restored(best)

    @property
    def n_safe(self) -> int:
        """Before this many more epochs the run cannot stall."""
        return max(1, self.patience - self.n_stalled + 1)

    @property
    def reason(self) -> str:
        """Why the run has stalled, in scikit-learn's words."""
        what = "Validation score" if self.monitor == "val_score" else "Training loss"
        return (
            f"{what} did not improve more than tol={self.tol:f} for {self.patience:d} consecutive "
            "epochs."
        )
