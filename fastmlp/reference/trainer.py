"""Epochs of training in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks import is_finite
from fastmlp.checks.own import own_orders, own_rows, own_targets
from fastmlp.engine import Features
from fastmlp.problem import TUTORIAL, Problem
from fastmlp.reference.dropout import keep_mask
from fastmlp.reference.formulas import Array, Masks, backward, forward, row_losses, scale_inputs
from fastmlp.reference.losses import tiny
from fastmlp.reference.optimizers import OPTIMIZERS, States
from fastmlp.reference.updates import optimizer_step


class Trainer:
    """Epochs of mini-batches over one set of rows; `fastmlp.kernels.Trainer` in plain NumPy.

    Parameters
    ----------
    weights, biases : list of ndarray
        w1..wL of shapes (n_in, n_out) and b1..bL of shapes (1, n_out), all of one dtype.
        `load` reads them and `export` writes them; nothing else touches them.
    x : ndarray or SciPy CSR of shape (n_rows, n_features), or Features
        Its values are read in place. The structure of CSR is copied.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Labels of intp, or dense targets in the network's dtype; see `losses`. They are copied.
    problem : Problem
        Activations, loss, optimiser and their settings.
    batch_size : int
        Rows per step; an epoch's last step takes those that are left.
    learning_rate : float or ndarray of shape (n_steps,)
        See `optimizers`; one for all steps, or one for each step of an epoch. May be assigned
        between epochs.
    lambda_reg : float
        See `optimizers`.
    input_scale : float, optional
        See `scale_inputs`.
    n_threads : int, optional
        Not used; the kernels need it. NumPy's BLAS has its own threads.
    row_weights : ndarray of shape (n_rows,), optional
        Weights of the rows, 0 or more. A batch's mean loss is its weighted mean. Batches whose
        weights add up to 0 are skipped.
    l2_by_rows : bool
        Divide `lambda_reg` by the batch's sum of weights (without weights, its number of rows), as
        scikit-learn does with alpha.
    floor : float, optional
        See `losses.Loss`; by default the dtype's smallest normal number.
    seed : int
        Of dropout; see `dropout.keep_mask`.
    with_penalty : bool
        Compute `penalty`.
    total : float, optional
        The divisor of each batch's sums of gradients and losses, instead of its own sum of weights;
        `mean_loss` is then the sum of the batches' losses. With the optimiser "gradient" and the
        sum of all rows' weights, an epoch computes loss and gradient of all rows.

    Attributes
    ----------
    parameters : (weights, biases, states)
        The trainer's own copies. For the other attributes, see `fastmlp.engine.Trainer`.
    """

    outside: tuple[Sequence[Array], Sequence[Array]]
    parameters: tuple[list[Array], list[Array], list[States]]

    def __init__(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        x: Any,
        y: Array,
        *,
        problem: Problem = TUTORIAL,
        batch_size: int = 64,
        learning_rate: float | NDArray[np.float64] = 0.01,
        lambda_reg: float = 0.001,
        input_scale: float | None = None,
        n_threads: int | None = None,
        row_weights: Array | None = None,
        l2_by_rows: bool = False,
        floor: float | None = None,
        seed: int = 0,
        with_penalty: bool = False,
        total: float | None = None,
    ) -> None:
        self.outside = weights, biases
        self.x = own_rows(x.x if isinstance(x, Features) else x)
        dtype = weights[0].dtype
        self._has_labels = y.ndim == 1
        self.set_targets(y)
        self.problem = problem
        self.batch_size = batch_size
        self.learning_rate: Any = learning_rate  # one, or one for each step
        self.lambda_reg = lambda_reg
        self.input_scale = input_scale
        self.row_weights = None if row_weights is None else row_weights.astype(dtype)
        self.l2_by_rows = l2_by_rows
        self.floor = tiny(dtype) if floor is None else floor
        self.seed = seed
        self.with_penalty = with_penalty
        self.total = total
        self.n_steps = 0
        self.mean_loss = self.penalty = 0.0
        n_states = OPTIMIZERS[problem.optimizer].n_states
        self.states: list[States] = [
            tuple(np.zeros_like(parameter) for _ in range(n_states))
            for parameter in (*weights, *biases)
        ]
        self.load()

    @property
    def dropout(self) -> float:
        """Share of the hidden units that a step leaves out."""
        return self.problem.dropout

    @dropout.setter
    def dropout(self, share: float) -> None:
        self.problem = replace(self.problem, dropout=share)

    def set_targets(self, y: Array) -> None:
        """Continue with a copy of these targets.

        Parameters
        ----------
        y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
            Of the same kind as before: labels, or dense.
        """
        weights, _ = self.outside
        n_rows, n_outputs = self.x.shape[0], weights[-1].shape[1]
        self.y = own_targets(y, self._has_labels, n_rows, n_outputs, weights[-1].dtype)

    def epoch(self, order: NDArray[np.intp], between: Callable[[], object] | None = None) -> float:
        """Take a step for each batch of rows in `order`; return the last batch's loss before it.

        Parameters
        ----------
        order : intp ndarray of shape (n_ordered,)
            Indices of rows of X, in the order in which they are trained on.
        between : callable, optional
            Not called.

        Returns
        -------
        float
            The mean loss, without L2, of the last batch that has weight; NaN if there is none.

        Raises
        ------
        ValueError
            If an index is out of range. No step has been taken then.
        """
        order = own_orders(order, self.x.shape[0])
        self._last = order, np.array(self.learning_rate), self.lambda_reg, self.n_steps
        loss, self.mean_loss, self.penalty = self._take(order)
        return loss

    def sums(self) -> dict[str, Any]:
        """Return nothing: nobody can ask within an epoch."""
        return {}

    def go_on(self, sums: Mapping[str, Any], n_ordered: int) -> None:
        """Do nothing.

        Parameters
        ----------
        sums : dict
            Empty.
        n_ordered : int
        """

    def repeat(self) -> None:
        """Take the steps of the last call of `epoch` again, with the same scalars."""
        settings = self.learning_rate, self.lambda_reg, self.n_steps
        order, self.learning_rate, self.lambda_reg, self.n_steps = self._last
        try:
            _, self.mean_loss, _ = self._take(order)
        finally:
            self.learning_rate, self.lambda_reg, self.n_steps = settings

    def _take(self, order: NDArray[np.int64]) -> tuple[float, float, float]:
        """Take an epoch's steps; return the last batch's loss, the mean loss and the penalty."""
        loss, total, penalty, n_rows = float("nan"), 0.0, 0.0, 0
        with np.errstate(over="ignore", invalid="ignore"):  # the loss shows that a run has diverged
            for batch, start in enumerate(range(0, len(order), self.batch_size)):
                rows = order[start : start + self.batch_size]
                weight = float(
                    len(rows) if self.row_weights is None else self.row_weights[rows].sum()
                )
                if weight > 0:
                    strength = self.lambda_reg / weight if self.l2_by_rows else self.lambda_reg
                    if self.with_penalty:
                        squares = sum(float((w * w).sum()) for w in self.parameters[0])
                        penalty += 0.5 * strength * squares * len(rows)
                    rate = float(np.take(self.learning_rate, batch, mode="clip"))
                    loss = self._step(rows, weight, rate, strength)
                    total += loss if self.total else loss * len(rows)
                    n_rows += len(rows)
        mean_loss = total / (1 if self.total else n_rows) if n_rows else float("nan")
        return loss, mean_loss, penalty / max(n_rows, 1)

    def _step(self, rows: NDArray[np.intp], weight: float, rate: float, strength: float) -> float:
        """Take the step of a batch, whose weights add up to `weight`; return its loss before it."""
        problem, step, rates = self.problem, self.n_steps + 1, (rate, strength)
        weights, biases, states = self.parameters
        x, targets = scale_inputs(self.x[rows], weights[0].dtype, self.input_scale), self.y[rows]
        row_weights = None if self.row_weights is None else self.row_weights[rows]
        masks = self._masks(step, len(rows)) if problem.dropout > 0 else None
        activations = forward(weights, biases, x, None, problem, masks)
        losses = row_losses(weights, biases, x, targets, activations, self.floor, problem, masks)
        dw, db = backward(
            weights, x, targets, activations, problem,
            biases=biases, row_weights=row_weights, total=self.total, masks=masks,
        )  # fmt: skip
        # A single assignment, so that an interrupt leaves a whole step or none.
        self.parameters = optimizer_step(weights, biases, dw, db, states, problem, *rates, step)
        self.n_steps = step
        loss = losses.sum() if row_weights is None else row_weights @ losses
        return float(loss / (self.total or weight))

    def epochs(self, orders: NDArray[np.intp]) -> tuple[Array, Array, Array]:
        """Take some epochs.

        Parameters
        ----------
        orders : ndarray of shape (n_epochs, n_ordered)
            The order of each epoch's rows. With several epochs, `learning_rate` is a single float.

        Returns
        -------
        losses, penalties, last_losses : ndarray of shape (n_epochs,)
            `mean_loss` and `penalty` of each of them, and the last batch's loss.
        """
        own = own_orders(orders, self.x.shape[0])
        last_losses, losses, penalties = np.array([self._take(order) for order in own]).T
        return losses, penalties, last_losses

    def mark(self) -> None:
        """Remember parameters, states and the number of steps, for `go_back`."""
        self._marked = self.n_steps, self.parameters

    def go_back(self) -> None:
        """Continue from where `mark` was called."""
        self.n_steps, self.parameters = self._marked

    def is_finite(self) -> bool:
        """Return whether all parameters are finite."""
        return all(map(is_finite, [*self.parameters[0], *self.parameters[1]]))

    def _masks(self, step: int, n_rows: int) -> Masks:
        """Return masks of the activations that a step keeps, one for each hidden layer."""
        sizes, share = [b.shape[1] for b in self.parameters[1][:-1]], self.problem.dropout
        return [keep_mask(self.seed, step, i, n_rows, n, share) for i, n in enumerate(sizes, 1)]

    def load(self) -> None:
        """Continue from the values in the caller's arrays, `outside` and `states`."""
        self._copy(np.copy)

    def restart(self) -> None:
        """Continue from the parameters in the caller's arrays, and from states of 0."""
        self._copy(np.zeros_like)

    def _copy(self, of_state: Callable[[Array], Array]) -> None:
        weights, biases = self.outside
        self.parameters = (
            [w.copy() for w in weights],
            [b.copy() for b in biases],
            [tuple(of_state(state) for state in states) for states in self.states],
        )

    def export(self) -> None:
        """Write the parameters and the states into the caller's arrays."""
        weights, biases, _ = self.parameters
        outside = [*self.outside[0], *self.outside[1]]
        for array, values in zip(outside, [*weights, *biases], strict=True):
            array[...] = values
        self.export_states()

    def export_states(self) -> None:
        """Write the states into the caller's arrays."""
        _, _, states = self.parameters
        for array, values in zip(chain(*self.states), chain(*states), strict=True):
            array[...] = values

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def __enter__(self) -> Trainer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
