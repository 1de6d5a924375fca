"""What a run is at the end of an epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.engine import Trainer
from fastmlp.history import History
from fastmlp.parameters import Parameters
from fastmlp.training.fallback import Fallback
from fastmlp.training.schedules import Schedule
from fastmlp.training.stopping import Stopping

Array = NDArray[Any]


@dataclass
class RunState:
    """All that the next epoch depends on, and what there is to tell of those before.

    Attributes
    ----------
    parameters : Parameters
        The front end's arrays, as they were last exported.
    schedule : Schedule
    history : History
    order : ndarray of shape (n_rows,)
        The last epoch's rows, in the order in which they were trained on; the next order is drawn
        from it.
    random_state : numpy.random.RandomState, or numpy.random
        Draws the orders.
    stopping : Stopping, optional
        Without it, no run stalls.
    fallback : Fallback, optional
        Without it, parameters are not looked at after an epoch, only the loss.
    states : list of tuple of ndarray
        The optimiser's arrays, as they were last exported.
    n_steps : int
        Steps that the optimiser had taken then.
    epoch : int
        Epochs that have ended in this run.
    n_rows_seen : int
        Rows trained on so far, in the runs before this one, too.
    loss : float or None
        Of the last epoch; None before there is one.
    loss_curve : list of float
        The loss of each epoch, in the runs before this one, too.
    """

    parameters: Parameters
    schedule: Schedule
    history: History
    order: NDArray[np.intp]
    random_state: Any
    stopping: Stopping | None = None
    fallback: Fallback | None = None
    states: list[tuple[Array, ...]] = field(default_factory=list)
    n_steps: int = 0
    epoch: int = 0
    n_rows_seen: int = 0
    loss: float | None = None
    loss_curve: list[float] = field(default_factory=list)

    def export(self, trainer: Trainer) -> None:
        """Take parameters, the optimiser's arrays and its steps out of the trainer."""
        trainer.export()
        self.states, self.n_steps = trainer.states, trainer.n_steps
