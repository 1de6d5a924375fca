"""Losses, each with the output function that belongs to it.

The losses of rows and their conventions are scikit-learn's (``sklearn/neural_network/_base.py``).
In these pairs, the gradient with respect to the logits (the last layer's pre-activations) is p - y,
where p are the predictions, (n, n_outputs) in the network's dtype, float32 or float64, and y the
targets. Targets are dense, of the same shape and dtype. If `Loss.targets` is 'labels', they may be
labels instead, (n,) of intp, which stand for one-hot rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp.reference.activations import C_LOGISTIC, identity, identity_nodes, logistic
from fastmlp.reference.c_code import SOFTMAX, each
from fastmlp.reference.onnx_nodes import Nodes, operator

Array = NDArray[Any]
ROWS_PER_SUM = 4096  # rows whose losses are computed together


def difference(p: Array, targets: Array) -> Array:
    """Return p - y, the gradient of a row's loss with respect to its logits.

    Labels count as one-hot rows.
    """
    excess = p.copy()
    if targets.ndim == 1:
        excess[np.arange(len(targets)), targets] -= 1
    else:
        excess -= targets
    return excess


class Loss(NamedTuple):
    """A loss and its output layer.

    Attributes
    ----------
    output : callable
        ``output(z)``: predictions from logits, (n, n_outputs) both.
    rows : callable
        ``rows(p, targets, floor)``: each row's loss, (n,). `floor` is the lower bound of
        probabilities before the log, so that the loss stays finite when one underflows to 0.
    gradient : callable
        ``gradient(p, targets)``: with respect to the logits, (n, n_outputs), without the rows'
        weights and the division by n.
    rows_of_logits : callable, optional
        ``rows_of_logits(z, p, targets)``: what `rows` returns, if logits give a more exact result
        than predictions.
    targets : {'numbers', 'flags', 'labels'}
        What users pass: numbers from `lowest` on; values from 0 to 1 for each output; or the index
        or name of a class for each row.
    lowest : float
        The smallest valid target.
    out_activation : str, optional
        The name of `output`, as in the estimators' `out_activation_`. Losses with the same name
        have the same function. Without it, `MLPRegressor` does not accept the loss.
    onnx : callable, optional
        Adds the ONNX nodes of `output`; see `onnx_nodes`. Without it, `to_onnx` is not possible.
    about : str
        What users are told about it: its targets and its output function.
    c : str, optional
        C statements that compute `output`; see `c_code`. Without them, `to_c` is not possible.
    """

    output: Callable[[Array], Array]
    rows: Callable[[Array, Array, float], Array]
    gradient: Callable[[Array, Array], Array] = difference
    rows_of_logits: Callable[[Array, Array, Array], Array] | None = None
    targets: Literal["numbers", "flags", "labels"] = "numbers"
    lowest: float = -math.inf
    out_activation: str | None = None
    onnx: Nodes | None = None
    about: str = ""
    c: str | None = None


def softmax(z: ArrayLike) -> Array:
    """Return each row's probabilities, exp(z) / sum(exp(z)), from its logits.

    The row's maximum is subtracted first, so that exp does not overflow; the result is the same.

    Parameters
    ----------
    z : array_like of shape (..., n_classes)

    Returns
    -------
    ndarray of shape (..., n_classes)
        In the dtype of `z`.
    """
    z = np.asarray(z)
    exponentials = np.exp(z - z.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def cross_entropy_rows(p: Array, targets: Array, floor: float) -> Array:
    """Return -log p[label], or -sum(y log p) over a row's dense targets.

    The gradient is p - y only if a row's targets add up to 1.
    """
    if targets.ndim == 1:
        return -np.log(np.maximum(p[np.arange(len(targets)), targets], floor))
    return -(targets * np.log(np.maximum(p, floor))).sum(axis=1)


def binary_cross_entropy_rows(p: Array, targets: Array, floor: float) -> Array:
    """Return -sum(y log p + (1 - y) log(1 - p)) over a row's outputs, with targets in [0, 1].

    One output is binary classification, several are labels that don't exclude each other. `floor`
    is the lower bound of both p and 1 - p.
    """
    inside, outside = np.maximum(p, floor), np.maximum(1 - p, floor)
    return -(targets * np.log(inside) + (1 - targets) * np.log(outside)).sum(axis=1)


def squared_error_rows(p: Array, targets: Array, floor: float) -> Array:
    """Return half the *mean* over a row's outputs of (p - y)^2; `floor` is not used.

    The convention is scikit-learn's, and so is its flaw: p - y is the gradient of half the *sum*,
    n_outputs times this loss. With one output the two are the same.
    """
    return 0.5 * ((p - targets) ** 2).mean(axis=1)


def poisson_rows(p: Array, targets: Array, floor: float) -> Array:
    """Return half the Poisson deviance, sum(y log(y / p) - y + p), with targets from 0 upwards.

    y log(y / p) is 0 where y is 0. `floor` is not used, but the loss stays finite when a prediction
    underflows to 0, which then counts as the smallest number above 0.
    """
    limits = np.finfo(p.dtype)
    z = np.log(np.clip(p, limits.smallest_subnormal, limits.max))
    return poisson_rows_of_logits(z, p, targets)


def poisson_rows_of_logits(z: Array, p: Array, targets: Array) -> Array:
    """Return what `poisson_rows` does, with p = exp(z), exact however far p is from the targets.

    log(p / y) is computed as z - log(y) where p or p / y is not a normal number of the dtype.
    Elsewhere the log of the quotient is more exact, as z and log(y) may be nearly equal.
    """
    limits = np.finfo(p.dtype)
    counts = targets > 0
    y = np.where(counts, targets, 1)
    with np.errstate(over="ignore"):
        ratio = p / y
    is_normal = (p >= limits.tiny) & (ratio >= limits.tiny) & (ratio <= limits.max)
    logs = np.log(np.where(is_normal, ratio, y))
    logs = np.where(is_normal, logs, z - logs)
    return (p - targets - np.where(counts, targets * logs, 0)).sum(axis=1)


LOSSES: dict[str, Loss] = {
    "cross_entropy": Loss(
        softmax,
        cross_entropy_rows,
        targets="labels",
        out_activation="softmax",
        onnx=operator("Softmax", axis=1),
        about="one class a row, by softmax.",
        c=SOFTMAX,
    ),
    "binary_cross_entropy": Loss(
        logistic,
        binary_cross_entropy_rows,
        targets="flags",
        out_activation="logistic",
        onnx=operator("Sigmoid"),
        about="0 or 1 for each output, by the logistic function; several outputs are labels that "
        "don't exclude each other.",
        c=C_LOGISTIC,
    ),
    "squared_error": Loss(
        identity,
        squared_error_rows,
        out_activation="identity",
        onnx=identity_nodes,
        about="numbers. The loss is half the mean over a row's outputs of the squared error, its "
        "gradient that of half their sum, both as in scikit-learn.",
        c="",
    ),
    "poisson": Loss(
        np.exp,
        poisson_rows,
        rows_of_logits=poisson_rows_of_logits,
        lowest=0.0,
        out_activation="exp",
        onnx=operator("Exp"),
        about="counts, from 0 on, by exp; half the Poisson deviance.",
        c=each("expf(z[i])"),
    ),
}


def loss_with_output(name: object) -> str | None:
    """Return the first loss whose output function has this name, None if there is none."""
    for loss, entry in LOSSES.items():  # a generator would take twice the time, in each prediction
        if entry.out_activation == name:
            return loss
    return None


def tiny(dtype: np.dtype[Any]) -> float:
    """Return the dtype's smallest normal number, the losses' floor by default."""
    return np.finfo(dtype).tiny


def mean_loss(loss: Loss, p: Array, targets: Array) -> float:
    """Return the mean of the rows' losses; the floor is the dtype's smallest normal number.

    Rows are processed in blocks, so that memory stays small for any number of them.

    Parameters
    ----------
    loss : Loss
    p : ndarray of shape (n, n_outputs)
        Predictions.
    targets : ndarray of shape (n, n_outputs) or (n,)

    Returns
    -------
    float
    """
    floor, total = tiny(p.dtype), 0.0
    with np.errstate(over="ignore", invalid="ignore"):  # the loss shows bad predictions
        for start in range(0, len(p), ROWS_PER_SUM):
            block = slice(start, start + ROWS_PER_SUM)
            total += float(loss.rows(p[block], targets[block], floor).sum(dtype=np.float64))
    return total / len(p)


def cross_entropy(probabilities: Array, labels: NDArray[np.intp]) -> float:
    """Return the mean over the rows of -log p[label].

    p is clipped from below at the dtype's smallest normal number, so that the loss stays finite
    when a probability underflows to 0.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
    labels : intp ndarray of shape (n,)

    Returns
    -------
    float
    """
    return mean_loss(LOSSES["cross_entropy"], probabilities, labels)


def softmax_cross_entropy_gradient(probabilities: Array, labels: NDArray[np.intp]) -> Array:
    """Return (p - onehot(label)) / n, the mean cross-entropy's gradient with respect to logits.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
    labels : intp ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n, n_classes)
    """
    return mean_gradient(difference(probabilities, labels))


def mean_gradient(
    gradients: Array, row_weights: Array | None = None, total: float | None = None
) -> Array:
    """Return each row's share of the gradient of the batch's mean loss, overwriting `gradients`.

    It is the row's gradient times its weight, divided by the batch's sum of weights; without
    weights, divided by the n rows. The division happens here and nowhere else.

    Parameters
    ----------
    gradients : ndarray of shape (n, n_outputs)
        Of the rows' losses with respect to the logits.
    row_weights : ndarray of shape (n,), optional
    total : float, optional
        The divisor, instead of that.

    Returns
    -------
    ndarray of shape (n, n_outputs)
    """
    if row_weights is None:
        gradients /= total or len(gradients)
    else:
        gradients *= row_weights[:, np.newaxis]
        gradients /= total or row_weights.sum()
    return gradients
