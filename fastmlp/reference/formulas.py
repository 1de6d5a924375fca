"""The network's outputs and gradients, from the entries of the tables.

`losses.mean_gradient` divides by the batch's rows, and the optimiser adds L2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.problem import TUTORIAL, Problem
from fastmlp.reference.activations import ACTIVATIONS
from fastmlp.reference.dropout import drop
from fastmlp.reference.losses import LOSSES, mean_gradient

Array = NDArray[Any]
Masks = Sequence[NDArray[np.bool_]]  # of the hidden layers, from `dropout.keep_mask`


def scale_inputs(x: Any, dtype: np.dtype[Any], input_scale: float | None = None) -> Array:
    """Return input rows in the network's dtype; rows of uint8 are divided by `input_scale`.

    The division is done in `dtype`: for float32 the same bits as ``x / np.float32(input_scale)``.

    Parameters
    ----------
    x : uint8, float32 or float64 ndarray or SciPy CSR of shape (n, n_features)
    dtype : dtype
        float32 or float64.
    input_scale : float, optional
        255 for pixels. Only rows of uint8 are divided.

    Returns
    -------
    ndarray of shape (n, n_features)
        `x` itself if nothing has to be done.
    """
    rows = x if isinstance(x, np.ndarray) else x.toarray()  # SciPy's sparse rows
    scaled = rows.astype(dtype, copy=False)
    if rows.dtype == np.uint8 and input_scale is not None:
        scaled /= dtype.type(input_scale)  # a fresh copy, as no dtype of a network is uint8
    return scaled


def matmul_bias(x: Array, w: Array, b: Array) -> Array:
    """Return ``x @ w + b``, a layer's pre-activations.

    Parameters
    ----------
    x : ndarray of shape (n, n_in)
    w : ndarray of shape (n_in, n_out)
    b : ndarray of shape (1, n_out)
        All of one dtype.

    Returns
    -------
    ndarray of shape (n, n_out)
    """
    return x @ w + b


def forward(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None = None,
    problem: Problem = TUTORIAL,
    masks: Masks | None = None,
) -> list[Array]:
    """Return the activations of every layer, [a1, ..., aL]; the last are the predictions.

    Parameters
    ----------
    weights, biases : sequence of ndarray
        w1..wL of shapes (n_in, n_out) and b1..bL of shapes (1, n_out), all of one dtype, float32
        or float64.
    x, input_scale
        As `scale_inputs` takes them.
    problem : Problem
        Its activations, its loss, and its share of dropout.
    masks : sequence of bool ndarray of shape (n, n_units), optional
        From `keep_mask`, one for each hidden layer. The next layer gets only the activations that
        are kept; those returned are without dropout.

    Returns
    -------
    list of ndarray of shape (n, n_out)
        In the dtype of the weights.
    """
    a = scale_inputs(x, weights[0].dtype, input_scale)
    functions = [ACTIVATIONS[name].function for name in problem.activations(len(weights))]
    functions.append(LOSSES[problem.loss].output)
    activations: list[Array] = []
    for layer, function in enumerate(functions):
        if masks is not None and layer > 0:
            a = drop(a, masks[layer - 1], problem.dropout)
        a = function(matmul_bias(a, weights[layer], biases[layer]))
        activations.append(a)
    return activations


def row_losses(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Array,
    targets: Array,
    activations: Sequence[Array],
    floor: float,
    problem: Problem = TUTORIAL,
    masks: Masks | None = None,
) -> Array:
    """Return each row's loss, (n,), from the activations that `forward` returned.

    Parameters
    ----------
    floor : float
        See `losses.Loss`.
    weights, biases, x, targets, activations, problem, masks
        As `backward` takes them.
    """
    loss = LOSSES[problem.loss]
    if loss.rows_of_logits is None:
        return loss.rows(activations[-1], targets, floor)
    below = [x, *activations][-2]
    if masks:
        below = drop(below, masks[-1], problem.dropout)
    z = matmul_bias(below, weights[-1], biases[-1])
    return loss.rows_of_logits(z, activations[-1], targets)


def backward(
    weights: Sequence[Array],
    x: Array,
    targets: Array,
    activations: Sequence[Array],
    problem: Problem = TUTORIAL,
    *,
    biases: Sequence[Array] = (),
    row_weights: Array | None = None,
    total: float | None = None,
    masks: Masks | None = None,
) -> tuple[list[Array], list[Array]]:
    """Return the gradients of the batch's mean loss: ([dw1, ..., dwL], [db1, ..., dbL]).

    L2 is not included (see `optimizers`).

    Parameters
    ----------
    weights : sequence of ndarray of shape (n_in, n_out)
    x : ndarray of shape (n, n_features)
        Scaled already, in the dtype of the weights.
    targets : ndarray of shape (n,) or (n, n_outputs)
        Labels, or dense targets; see `losses`.
    activations : sequence of ndarray
        From `forward`.
    problem : Problem
    biases : sequence of ndarray of shape (1, n_out)
        Needed if an activation's derivative is a function of z, which is computed again.
    row_weights : ndarray of shape (n,), optional
    total : float, optional
        See `losses.mean_gradient`.
    masks : sequence of ndarray, optional
        As passed to `forward`.

    Returns
    -------
    dw, db : list of ndarray
        Of the shapes and the dtype of `weights` and of the biases.
    """
    hidden = activations[:-1]
    if masks is not None:
        hidden = [drop(a, kept, problem.dropout) for a, kept in zip(hidden, masks, strict=True)]
    inputs = [x, *hidden]
    names = problem.activations(len(weights))
    excess = LOSSES[problem.loss].gradient(activations[-1], targets)
    dz = mean_gradient(excess, row_weights, total)
    dw, db = [], []
    for layer in reversed(range(len(weights))):
        dw.append(inputs[layer].T @ dz)
        db.append(dz.sum(axis=0, keepdims=True))
        if layer > 0:
            below = layer - 1
            da = dz @ weights[layer].T
            if masks is not None:
                da = drop(da, masks[below], problem.dropout)
            activation = ACTIVATIONS[names[below]]
            if activation.of_output:
                dz = da * activation.derivative(activations[below])
            else:
                z = matmul_bias(inputs[below], weights[below], biases[below])
                dz = da * activation.derivative(z)
    return dw[::-1], db[::-1]
