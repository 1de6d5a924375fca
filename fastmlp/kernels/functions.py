"""The reference's functions, compiled, each to be called alone on ordinary arrays.

Training does not use them: it packs its arrays once, and runs whole stretches of steps. These
functions pack theirs at every call, to show, test and time one kernel by itself. Each computes the
function of the same name in :mod:`fastmlp.reference`, which has the formula.

An argument `one` is 1 in the arrays' dtype. Nothing is multiplied by it: functions get addresses,
which are plain integers, and the type of `one` is the type of the elements there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp import checks
from fastmlp.kernels.codegen.buffers import aligned, rounded_up, row_stride
from fastmlp.kernels.codegen.cache import compiled
from fastmlp.kernels.codegen.numba_types import View
from fastmlp.kernels.codegen.simd import SUM_LANES, Lanes
from fastmlp.kernels.codegen.vector_op import vector_op
from fastmlp.kernels.entries.losses import LOSSES
from fastmlp.kernels.inference import predict_proba
from fastmlp.kernels.stages.loss_head import emit_predictions
from fastmlp.kernels.trainer import Trainer
from fastmlp.problem import Problem

Array = NDArray[Any]


def matmul_bias(x: ArrayLike, w: ArrayLike, b: ArrayLike) -> Array:
    """Return ``x @ w + b``, by register tiles.

    Parameters
    ----------
    x, w, b : array_like of shapes (n, n_in), (n_in, n_out) and (1, n_out)
        float32 or float64; if the dtypes differ, the wider one is used.

    Returns
    -------
    ndarray of shape (n, n_out)

    Raises
    ------
    TypeError, ValueError
        If an array is not numeric, or its shape does not fit.
    """
    weights = checks.as_shaped(w, (None, None), "w")
    if weights.shape[1] == 0:
        raise ValueError("w has no columns: give one at least")
    bias = checks.as_shaped(b, (1, weights.shape[1]), "b")
    rows = checks.as_shaped(x, (None, len(weights)), "x")
    dtype = np.result_type(rows, weights, bias)
    weights, bias, rows = (a.astype(dtype, copy=False) for a in (weights, bias, rows))
    if rows.size == 0:
        return np.repeat(bias, len(rows), axis=0)
    problem = Problem(loss="squared_error")  # its output function is the identity
    return predict_proba([weights], [bias], np.ascontiguousarray(rows), None, 1, problem)


def relu(z: ArrayLike) -> Array:
    """Return max(z, 0) of each element, NaN for NaN; `z` of any shape, float32 or float64."""
    values = _floats(z, "z")
    packed = aligned((1, row_stride(values.size, values.itemsize)), values.dtype)
    packed[0, : values.size] = values.ravel()
    _relu(packed.ctypes.data, packed.size, values.dtype.type(1))
    return packed[0, : values.size].reshape(values.shape)


def softmax(logits: ArrayLike) -> Array:
    """Return each row's probabilities, (n, n_classes), in one pass over padded classes."""
    values = checks.as_shaped(logits, (None, None), "logits")
    n_rows, n_classes = values.shape
    if n_classes == 0:
        raise ValueError("logits has no columns: give one class at least")
    packed = aligned(
        (n_rows, row_stride(rounded_up(n_classes, SUM_LANES), values.itemsize)), values.dtype
    )
    packed[:, :n_classes] = values
    one = values.dtype.type(1)
    _softmax(packed.ctypes.data, packed.shape[1], n_rows, n_classes, one)
    return packed[:, :n_classes].copy()


def cross_entropy(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Return the mean over the rows of -log p[label], p clipped at the dtype's tiny.

    Parameters
    ----------
    probabilities : array_like of shape (n, n_classes)
    labels : array_like of shape (n,)
        Integers in 0..n_classes-1.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, or a label is not in 0..n_classes-1.
    """
    p = checks.as_shaped(probabilities, (None, None), "probabilities").view()
    y = checks.as_labels(labels, len(p), p.shape[1], "labels")
    return float(_cross_entropy(np.ascontiguousarray(p), y, p.dtype.type(np.finfo(p.dtype).tiny)))


def backward_update(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: ArrayLike,
    labels: ArrayLike,
    learning_rate: float,
    lambda_reg: float,
) -> tuple[list[Array], list[Array]]:
    """Return the parameters after one step, fused: no gradient of the weights is ever stored.

    Parameters
    ----------
    weights, biases : sequence of ndarray
        Shapes (n_in, n_out) and (1, n_out), all float32 or all float64.
    x : array_like of shape (n, n_features)
    labels : array_like of shape (n,)
    learning_rate, lambda_reg : float
        See `fastmlp.reference.update`.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, or a label is not in 0..n_classes-1.
    """
    rate, strength = checks.as_rates(learning_rate, lambda_reg)
    if not weights or len(biases) != len(weights):
        raise ValueError("give the weights and the biases of each layer, one layer at least")
    new_w: list[Array] = []
    for i, w in enumerate(weights, 1):
        n_in = new_w[-1].shape[1] if new_w else None
        new_w.append(checks.as_shaped(w, (n_in, None), f"w{i}").copy())
    new_b = [
        checks.as_shaped(b, (1, w.shape[1]), f"b{i}").copy()
        for i, (w, b) in enumerate(zip(new_w, biases, strict=True), 1)
    ]
    dtype = new_w[0].dtype
    rows = checks.as_features(x, new_w[0].shape[0], dtype)
    y = checks.as_labels(labels, len(rows), new_w[-1].shape[1], "labels")
    trainer = Trainer(
        new_w, new_b, rows, y, batch_size=len(rows), learning_rate=rate, lambda_reg=strength,
        n_threads=1, skip_zeros=False,
    )  # fmt: skip
    trainer.epoch(np.arange(len(rows)))
    trainer.export()
    return new_w, new_b


def _floats(values: ArrayLike, name: str) -> Array:
    array = checks.as_numeric(values, name)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


@vector_op
def _relu_vectors(v: Lanes, z: Any, n: Any, one: Any) -> None:
    v.repeat(n, lambda i: v.store(v.relu(v.load(v.at(z, i))), v.at(z, i)), step=v.count)


@vector_op
def _softmax_rows(v: Lanes, z: View, rows: Any, n: Any, one: Any) -> None:
    emit_predictions(v, z, rows, n, z, LOSSES["cross_entropy"])


@compiled
def _relu(z, n, one):
    _relu_vectors(z, n, one)


@compiled
def _softmax(z, z_row, rows, n_classes, one):
    _softmax_rows(View(z, z_row, 1), rows, n_classes, one)


@compiled
def _cross_entropy(probabilities, labels, tiny):
    total = 0.0
    for row in range(len(labels)):
        total -= np.log(max(probabilities[row, labels[row]], tiny))
    return total / len(labels)
