"""What a run is at the end of an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.checkpoints import random_streams
from fastmlp.engine import Trainer
from fastmlp.history import History
from fastmlp.parameters import Parameters
from fastmlp.training.fallback import Fallback
from fastmlp.training.schedules import Schedule
from fastmlp.training.stopping import Stopping
from fastmlp.words import shown

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
    curves : dict of list of float
        More lists of the front end's that grow by a figure an epoch.
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
    curves: dict[str, list[float]] = field(default_factory=dict)

    def export(self, trainer: Trainer) -> None:
        """Take parameters, the optimiser's arrays and its steps out of the trainer."""
        trainer.export()
        self.states, self.n_steps = trainer.states, trainer.n_steps

    def state_dict(self, trainer: Trainer) -> dict[str, Any]:
        """Return all that `load_state_dict` needs, as the trainer has it: within an epoch, too.

        The caller's parameters and optimiser's arrays stay as they are.
        """
        outside, states = trainer.outside, trainer.states
        copies = [[np.empty(a.shape, a.dtype) for a in arrays] for arrays in outside]
        trainer.outside = copies[0], copies[1]
        trainer.states = [tuple(map(np.empty_like, arrays)) for arrays in states]
        try:
            trainer.export()
            found = {
                "weights": copies[0], "biases": copies[1], "optimizer": trainer.states,
                "n_steps": trainer.n_steps, "sums": trainer.sums(),
            }  # fmt: skip
        finally:
            trainer.outside, trainer.states = outside, states
        lists = {"loss_curve": self.loss_curve, **self.curves}
        return found | {
            "epoch": self.epoch,
            "n_rows_seen": self.n_rows_seen,
            "loss": self.loss,
            "rate": self.schedule.rate,
            "order": self.order.astype(np.min_scalar_type(self.order.max())),
            "random_state": random_streams.state_of(self.random_state),
            "history": {name: np.array(c, float) for name, c in self.history.columns().items()},
            "curves": {name: np.array(curve, float) for name, curve in lists.items()},
            "stopping": self.stopping.state_dict() if self.stopping else None,
            "fallback": self.fallback.state_dict() if self.fallback else None,
        }

    def load_state_dict(self, kept: Mapping[str, Any], trainer: Trainer) -> None:
        """Go on from where another run was when it returned that.

        Raises
        ------
        ArithmeticError, LookupError, TypeError, ValueError
            If something is missing, or does not fit this run.
        """
        outside = Parameters(*map(list, trainer.outside))
        outside.assign(outside.restored(kept))
        for arrays, values in zip(trainer.states, kept["optimizer"], strict=True):
            for array, value in zip(arrays, values, strict=True):
                if (array.shape, array.dtype) != (value.shape, value.dtype):
                    raise ValueError("the optimiser's arrays are of other shapes")
                array[...] = value
        trainer.n_steps, self.epoch, self.n_rows_seen = map(
            _count, (kept["n_steps"], kept["epoch"], kept["n_rows_seen"])
        )
        trainer.load()
        self.loss = None if kept["loss"] is None else float(kept["loss"])
        self.schedule.rate = float(kept["rate"])
        if not np.array_equal(np.sort(kept["order"]), np.sort(self.order)):
            raise ValueError("the order is one of other rows")
        self.order = kept["order"].astype(np.intp)
        trainer.go_on(kept["sums"], len(self.order))
        random_streams.restore(self.random_state, kept["random_state"])
        self.history.set_columns(kept["history"])
        for name, curve in {"loss_curve": self.loss_curve, **self.curves}.items():
            curve[:] = map(float, kept["curves"][name])
        if self.stopping is not None:
            self.stopping.load_state_dict(kept["stopping"], self.parameters)
        if self.fallback is not None:
            self.fallback.load_state_dict(kept["fallback"])
        self.export(trainer)


def _count(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{shown(value)} is no count")
    return value
