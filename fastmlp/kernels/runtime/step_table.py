"""Tables with one row per step of an epoch: its rows, its scalars, and its loss.

Learning rates, bias corrections, L2 strengths and sums of row weights may differ from step to step.
Python computes them for all steps of an epoch, vectorised, so that kernels only look them up: for
AT_ONCE steps at a time, since NumPy lets go of the interpreter for arrays of more, and where
another Python thread is busy, each time it takes 5 ms to get it back.
"""

from __future__ import annotations

from collections.abc import Iterator
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
AT_ONCE = 500


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
        if self._row_weights is not None:
            weights = self._row_weights[orders].astype(np.float64)
            self._sums = np.add.reduceat(weights, self._starts, axis=1)
            self._is_taken = self._sums > 0
        self.n_taken = 0
        rates: Any = rate
        for part in self._parts():
            own = rates[part] if np.ndim(rates) else rates
            self._fill(part, own, lambda_reg, n_before + self.n_taken)

    def _parts(self) -> Iterator[slice]:
        for first in range(0, self.n_steps, AT_ONCE):
            yield slice(first, min(first + AT_ONCE, self.n_steps))

    def _fill(self, part: slice, rate: Any, lambda_reg: float, n_before: int) -> None:
        """Fill some steps' scalars, after `n_before` steps."""
        is_taken = self._is_taken.ravel()[part]
        # Counts of steps taken, from 1, as Adam's bias corrections need them; skipped steps don't
        # count. At least 1, since the correction of step 0 would divide by 0.
        step_counts = np.maximum(n_before + np.cumsum(is_taken), 1)
        self.n_taken += int(np.count_nonzero(is_taken))
        sums = np.where(is_taken, self._sums.ravel()[part], 1.0)
        l2 = lambda_reg / sums if self._l2_by_rows else np.full(len(sums), lambda_reg)
        table = self._scalars[part]
        table[:, at.SHARE] = 1 / (self._total or sums)
        table[:, at.PENALTY] = l2 * self._rows.ravel()[part]
        # Called with arrays instead of scalars, these return one element per step.
        scalars: Any = OPTIMIZERS[self._problem.optimizer].scalars
        for first, strength in ((at.FOR_WEIGHTS, l2), (at.FOR_BIASES, 0.0)):
            columns = scalars(self._problem, rate, strength, step_counts)
            for column, values in enumerate(columns, first):
                table[:, column] = values
        steps = self._steps[part]
        steps["is_empty"] = ~is_taken
        if self._problem.dropout > 0:
            steps["dropout_key"] = of_step(self._seed, step_counts)

    def _divide(self, n_epochs: int, n_ordered: int) -> None:
        """Divide epochs of `n_ordered` rows into steps, all of which are taken."""
        self._shape = n_epochs, n_ordered
        self._starts = np.arange(0, n_ordered, self._batch_size)
        shape = n_epochs, len(self._starts)
        self.n_steps = n_epochs * len(self._starts)
        if self.n_steps > len(self._steps):
            self._make_room(self.n_steps)
        self._rows, self._is_taken = np.empty(shape), np.empty(shape, bool)
        self._sums = self._rows
        for part in self._parts():
            epochs, batches = np.divmod(np.arange(part.start, part.stop), len(self._starts))
            starts, steps = batches * self._batch_size, self._steps[part]
            steps["epoch"], steps["first_row"] = epochs, epochs * n_ordered + starts
            steps["n_rows"] = np.minimum(n_ordered - starts, self._batch_size)
            self._rows.ravel()[part], self._is_taken.ravel()[part] = steps["n_rows"], True

    def n_rows(self) -> NDArray[np.float64]:
        """Rows of each epoch in batches that have weight."""
        if self._row_weights is None:
            n_epochs, n_ordered = self._shape
            return np.full(n_epochs, float(n_ordered))
        return np.where(self._is_taken, self._rows, 0.0).sum(axis=1)

    def mean_losses(self) -> NDArray[np.float64]:
        """Mean loss of each epoch; NaN if none of its batches has weight."""
        losses, n_rows = self._losses_of_steps(), self.n_rows()
        with np.errstate(over="ignore", invalid="ignore"):  # the loss shows that a run has diverged
            if self._row_weights is not None:
                losses = np.where(self._is_taken, losses, 0.0)
                if self._total is None:
                    losses *= self._rows / np.where(self._is_taken, self._sums, 1.0)
            means = losses.sum(axis=1) / (self._total or np.maximum(n_rows, 1))
        return np.where(n_rows > 0, means, np.nan)

    def last_losses(self) -> NDArray[np.float64]:
        """The mean loss of each epoch's last batch that has weight; NaN if there is none."""
        rows, last = np.arange(len(self._rows)), self._rows.shape[1] - 1
        if self._row_weights is not None:
            last = last - self._is_taken[:, ::-1].argmax(axis=1)
        losses, sums = self._losses_of_steps()[rows, last], self._sums[rows, last]
        has_weight = self._is_taken[rows, last]
        means: NDArray[np.float64] = losses / (self._total or np.where(has_weight, sums, 1.0))
        return np.where(has_weight, means, np.nan)

    def losses_of(self, n_steps: int) -> Array:
        """A view of the sums of losses of the first steps."""
        return self._losses[:n_steps]

    def _losses_of_steps(self) -> NDArray[np.float64]:
        losses = np.empty(self._rows.shape)
        for part in self._parts():
            losses.ravel()[part] = self._losses[part]
        return losses
