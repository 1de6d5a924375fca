"""Tables with one row per step of an epoch: its rows, its scalars, and its loss.

Learning rates, bias corrections, L2 strengths and sums of row weights may differ from step to step.
Python computes them for all steps of an epoch at once, vectorised, so that kernels only look them
up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.kernels.codegen.buffers import aligned
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.memory_plan import Plan
from fastmlp.problem import Problem
from fastmlp.reference import OPTIMIZERS
from fastmlp.reference.dropout import WORD, of_step

Array = NDArray[Any]


class StepTable:
    """The tables of the steps of one epoch or several, filled before the steps run.

    Parameters
    ----------
    plan : Plan
        The tables' addresses are written to its records.
    problem : Problem
    batch_size : int
    row_weights : ndarray of shape (n_rows,), optional
    l2_by_rows : bool
    seed : int
    total : float, optional
        See `fastmlp.reference.Trainer`.

    Attributes
    ----------
    n_steps : int
        Steps in the tables.
    dropout : float
        Share of the hidden units that steps leave out; see `set_dropout`.
    n_taken : int
        Steps among them that are taken: those of batches whose rows have weight.
    """

    def __init__(
        self,
        plan: Plan,
        problem: Problem,
        batch_size: int,
        row_weights: Array | None,
        l2_by_rows: bool,
        seed: int,
        total: float | None = None,
    ) -> None:
        self._plan, self._problem = plan, problem
        self._batch_size, self._row_weights = batch_size, row_weights
        self._l2_by_rows, self._seed, self._total = l2_by_rows, seed, total
        self.n_steps = 0
        self.set_dropout(problem.dropout)
        plan.works["steps_row"] = at.STEP.size
        plan.works["scalars_row"] = at.N_SCALARS
        self._shape = 0, 0
        self._make_room(1)

    def set_dropout(self, share: float) -> None:
        """Have the next steps leave out this share of the hidden units."""
        self.dropout = share
        self._plan.works["dropout_threshold"] = int(share * WORD)
        self._plan.put("dropout_scale", np.full(1, 1 / (1 - share), self._plan.dtype))

    def _make_room(self, n_steps: int) -> None:
        plan = self._plan
        self._steps = plan.put("steps", at.STEP.rows(n_steps))
        self._scalars = plan.put("scalars", aligned((n_steps, at.N_SCALARS), plan.dtype))
        self._losses = plan.put("losses", aligned(n_steps, plan.dtype))

    def fill(
        self,
        orders: NDArray[np.int64],
        rate: float | NDArray[np.float64],
        lambda_reg: float,
        n_before: int,
    ) -> None:
        """Fill the tables for epochs over the rows in `orders`, after `n_before` steps.

        Each row of `orders` is an epoch. If there is more than one, `rate` is a scalar.
        """
        if orders.shape != self._shape:
            self._divide(*orders.shape)
        n_steps = self.n_steps
        if self._row_weights is not None:
            weights = self._row_weights[orders].astype(np.float64)
            self._sums = np.add.reduceat(weights, self._starts, axis=1)
            self._is_taken = self._sums > 0
        is_taken = self._is_taken
        self.n_taken = int(np.count_nonzero(is_taken))
        # Counts of steps taken, from 1, as Adam's bias corrections need them; skipped steps don't
        # count. At least 1, since the correction of step 0 would divide by 0.
        step_counts = np.maximum(n_before + np.cumsum(is_taken), 1)
        sums = np.where(is_taken, self._sums, 1.0).ravel()
        l2 = lambda_reg / sums if self._l2_by_rows else np.full(n_steps, lambda_reg)
        table = self._scalars[:n_steps]
        table[:, at.SHARE] = 1 / (self._total or sums)
        table[:, at.PENALTY] = l2 * self._rows.ravel()
        # Called with arrays instead of scalars, these return one element per step.
        scalars: Any = OPTIMIZERS[self._problem.optimizer].scalars
        for first, strength in ((at.FOR_WEIGHTS, l2), (at.FOR_BIASES, 0.0)):
            columns = scalars(self._problem, rate, strength, step_counts)
            for column, values in enumerate(columns, first):
                table[:, column] = values
        steps = self._steps[:n_steps]
        steps["is_empty"] = ~is_taken.ravel()
        if self._problem.dropout > 0:
            steps["dropout_key"] = of_step(self._seed, step_counts)

    def _divide(self, n_epochs: int, n_ordered: int) -> None:
        """Divide epochs of `n_ordered` rows into steps, all of which are taken."""
        self._shape = n_epochs, n_ordered
        self._starts = starts = np.arange(0, n_ordered, self._batch_size)
        shape = n_epochs, len(starts)
        self.n_steps = n_epochs * len(starts)
        if self.n_steps > len(self._steps):
            self._make_room(self.n_steps)
        self._rows = np.empty(shape)
        self._rows[:] = np.minimum(n_ordered - starts, self._batch_size)
        self._sums, self._is_taken = self._rows, np.ones(shape, bool)
        steps = self._steps[: self.n_steps].reshape(shape)
        steps["first_row"] = np.add.outer(np.arange(n_epochs) * n_ordered, starts)
        steps["n_rows"] = self._rows
        steps["epoch"] = np.arange(n_epochs)[:, np.newaxis]

    def n_rows(self) -> NDArray[np.float64]:
        """Rows of each epoch in batches that have weight."""
        return np.where(self._is_taken, self._rows, 0.0).sum(axis=1)

    def mean_losses(self) -> NDArray[np.float64]:
        """Mean loss of each epoch; NaN if none of its batches has weight."""
        losses = np.where(self._is_taken, self._losses_of_steps(), 0.0)
        n_rows = self.n_rows()
        with np.errstate(over="ignore", invalid="ignore"):  # the loss shows that a run has diverged
            if self._total is None:
                losses *= self._rows / np.where(self._is_taken, self._sums, 1.0)
            means = losses.sum(axis=1) / (self._total or np.maximum(n_rows, 1))
        return np.where(n_rows > 0, means, np.nan)

    def last_losses(self) -> NDArray[np.float64]:
        """The mean loss of each epoch's last batch that has weight; NaN if there is none."""
        is_taken = self._is_taken
        last = is_taken.shape[1] - 1 - is_taken[:, ::-1].argmax(axis=1)
        rows = np.arange(len(is_taken))
        losses, sums = self._losses_of_steps()[rows, last], self._sums[rows, last]
        has_weight = is_taken[rows, last]
        means: NDArray[np.float64] = losses / (self._total or np.where(has_weight, sums, 1.0))
        return np.where(has_weight, means, np.nan)

    def losses_of(self, n_steps: int) -> Array:
        """A view of the sums of losses of the first steps."""
        return self._losses[:n_steps]

    def _losses_of_steps(self) -> NDArray[np.float64]:
        return self._losses[: self.n_steps].astype(np.float64).reshape(self._rows.shape)
