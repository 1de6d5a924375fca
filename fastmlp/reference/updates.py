"""Updates parameters: an optimiser's step for all layers, from their gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastmlp.problem import TUTORIAL, Problem
from fastmlp.reference.formulas import Array, backward
from fastmlp.reference.optimizers import OPTIMIZERS, States


def optimizer_step(
    weights: Sequence[Array],
    biases: Sequence[Array],
    dw: Sequence[Array],
    db: Sequence[Array],
    states: Sequence[States],
    problem: Problem,
    learning_rate: float,
    lambda_reg: float,
    t: int,
) -> tuple[list[Array], list[Array], list[States]]:
    """Return weights, biases and states after a step of the problem's optimiser.

    L2 acts on weights only: biases take the step with a strength of 0.

    Parameters
    ----------
    weights, biases : sequence of ndarray
        w1..wL of shapes (n_in, n_out) and b1..bL of shapes (1, n_out), all of one dtype, float32
        or float64.
    dw, db : sequence of ndarray
        Gradients from `backward`, all with respect to the parameters before the step.
    states : sequence of tuple of ndarray
        The optimiser's arrays, for each of w1..wL, b1..bL; of the parameter's shape and dtype.
    problem : Problem
        Its optimiser and the optimiser's settings.
    learning_rate, lambda_reg : float
        The rate, and the strength of L2; see `optimizers`.
    t : int
        The step's index, from 1.

    Returns
    -------
    weights, biases : list of ndarray
    states : list of tuple of ndarray
        New arrays, of the shapes and dtypes of those given.
    """
    optimizer = OPTIMIZERS[problem.optimizer]
    n_layers = len(weights)
    steps = []
    for i, (parameter, g) in enumerate(zip([*weights, *biases], [*dw, *db], strict=True)):
        l2 = lambda_reg if i < n_layers else 0.0
        scalars = optimizer.scalars(problem, learning_rate, l2, t)
        steps.append(optimizer.step(parameter, g, states[i], scalars))
    parameters, new_states = map(list, zip(*steps, strict=True))
    return parameters[:n_layers], parameters[n_layers:], new_states


def update(
    weights: Sequence[Array],
    biases: Sequence[Array],
    dw: Sequence[Array],
    db: Sequence[Array],
    learning_rate: float,
    lambda_reg: float,
) -> tuple[list[Array], list[Array]]:
    """Return the parameters after one step of plain gradient descent, in new arrays.

    ``w - learning_rate * (dw + lambda_reg * w)`` for weights, ``b - learning_rate * db`` for
    biases; see `optimizers.sgd`.

    Parameters
    ----------
    weights, biases : sequence of ndarray
        w1..wL of shapes (n_in, n_out) and b1..bL of shapes (1, n_out), all of one dtype, float32
        or float64.
    dw, db : sequence of ndarray
        Gradients, as `backward` returned them.
    learning_rate, lambda_reg : float

    Returns
    -------
    weights, biases : list of ndarray
    """
    stateless: list[States] = [()] * (2 * len(weights))
    new_w, new_b, _ = optimizer_step(
        weights, biases, dw, db, stateless, TUTORIAL, learning_rate, lambda_reg, t=1
    )
    return new_w, new_b


def backward_update(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Array,
    labels: NDArray[np.intp],
    activations: Sequence[Array],
    learning_rate: float,
    lambda_reg: float,
) -> tuple[list[Array], list[Array]]:
    """Return the parameters after the step along this batch's gradients: `backward`, `update`.

    Parameters
    ----------
    weights, biases : sequence of ndarray
        w1..wL of shapes (n_in, n_out) and b1..bL of shapes (1, n_out), all of one dtype, float32
        or float64.
    x : ndarray of shape (n, n_features)
        Scaled already, in the dtype of the weights.
    labels : intp ndarray of shape (n,)
    activations : sequence of ndarray
        What `forward` returned.
    learning_rate, lambda_reg : float

    Returns
    -------
    weights, biases : list of ndarray
    """
    gradients = backward(weights, x, labels, activations)
    return update(weights, biases, *gradients, learning_rate, lambda_reg)
