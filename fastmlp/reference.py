"""The mathematics of fastmlp, once, in plain NumPy.

Every formula and every convention stands here; the compiled kernels bear the same names and are
tested against these functions. The network is fully connected: ReLU after each hidden layer,
softmax after the last one, trained by mini-batch gradient descent on the mean cross-entropy.

Notation: a batch has n rows; layer l of L has weights ``w`` of shape (n_in, n_out) and biases ``b``
of shape (1, n_out); ``x`` is the input, ``a`` a layer's activations, and d-something the gradient
of the batch's mean loss with respect to that something.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp import checks
from fastmlp.network import Network

Array = NDArray[Any]
ROWS_PER_BLOCK = 4096  # rows predicted together, so that memory stays small for any number of rows


def scale_inputs(x: Any, dtype: np.dtype[Any], input_scale: float | None = None) -> Array:
    """Return input rows in the network's dtype; uint8 ones divided by `input_scale`.

    The division takes place in `dtype`: the same bits as ``x / np.float32(input_scale)``.
    """
    rows = x if isinstance(x, np.ndarray) else x.toarray()  # SciPy's sparse rows
    scaled = rows.astype(dtype, copy=False)
    if rows.dtype == np.uint8 and input_scale is not None:
        scaled /= dtype.type(input_scale)  # a fresh copy, as no dtype of a network is uint8
    return scaled


def matmul_bias(x: Array, w: Array, b: Array) -> Array:
    """Return ``x @ w + b``, a layer before its activation: (n, n_in) -> (n, n_out)."""
    return x @ w + b


def relu(z: ArrayLike) -> Array:
    """Return max(z, 0), element by element; NaN stays NaN, so that a diverged run shows."""
    return np.maximum(z, 0)


def relu_derivative(z: ArrayLike) -> Array:
    """Return 1 where z > 0, else 0: ReLU'(0) = 0.

    ReLU keeps the sign, so the activations may stand in for z.
    """
    z = np.asarray(z)
    return (z > 0).astype(z.dtype)


def softmax(z: ArrayLike) -> Array:
    """Return each row's probabilities, exp(z) / sum(exp(z)), from its logits.

    The row's maximum is subtracted first, which changes nothing but keeps exp from overflowing.
    """
    z = np.asarray(z)
    exponentials = np.exp(z - z.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def cross_entropy(probabilities: Array, labels: NDArray[np.intp]) -> float:
    """Return the mean over the rows of -log p[label].

    p is clipped from below at the dtype's smallest normal number, so that the loss stays finite
    when a probability underflows to 0.
    """
    p = probabilities[np.arange(len(labels)), labels]
    return float(-np.mean(np.log(np.maximum(p, np.finfo(p.dtype).tiny))))


def softmax_cross_entropy_gradient(probabilities: Array, labels: NDArray[np.intp]) -> Array:
    """Return the gradient with respect to the logits: (p - onehot(label)) / n.

    The division by the n rows of the batch happens here and nowhere else.
    """
    dz = probabilities.copy()
    dz[np.arange(len(labels)), labels] -= 1
    dz /= len(labels)
    return dz


def forward(
    weights: Sequence[Array], biases: Sequence[Array], x: Any, input_scale: float | None = None
) -> list[Array]:
    """Return the activations of every layer, [a1, ..., aL]; the last are probabilities."""
    a = scale_inputs(x, weights[0].dtype, input_scale)
    activations: list[Array] = []
    for w, b in zip(weights, biases, strict=True):
        z = matmul_bias(a, w, b)
        a = relu(z) if len(activations) < len(weights) - 1 else softmax(z)
        activations.append(a)
    return activations


def backward(
    weights: Sequence[Array], x: Array, labels: NDArray[np.intp], activations: Sequence[Array]
) -> tuple[list[Array], list[Array]]:
    """Return the gradients of the batch's mean loss: ([dw1, ..., dwL], [db1, ..., dbL]).

    L2 is no part of them (see `update`). `x` is scaled already.
    """
    inputs = [x, *activations[:-1]]
    dz = softmax_cross_entropy_gradient(activations[-1], labels)
    dw, db = [], []
    for layer in reversed(range(len(weights))):
        dw.append(inputs[layer].T @ dz)
        db.append(dz.sum(axis=0, keepdims=True))
        if layer > 0:
            dz = (dz @ weights[layer].T) * relu_derivative(inputs[layer])
    return dw[::-1], db[::-1]


def update(
    weights: Sequence[Array],
    biases: Sequence[Array],
    dw: Sequence[Array],
    db: Sequence[Array],
    learning_rate: float,
    lambda_reg: float,
) -> tuple[list[Array], list[Array]]:
    """Return the parameters after one step, in new arrays.

    ``w - learning_rate * (dw + lambda_reg * w)`` for weights, ``b - learning_rate * db`` for
    biases: L2 acts on weights only. All gradients belong to the parameters before the step.
    """
    return (
        [w - learning_rate * (g + lambda_reg * w) for w, g in zip(weights, dw, strict=True)],
        [b - learning_rate * g for b, g in zip(biases, db, strict=True)],
    )


def backward_update(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Array,
    labels: NDArray[np.intp],
    activations: Sequence[Array],
    learning_rate: float,
    lambda_reg: float,
) -> tuple[list[Array], list[Array]]:
    """Return the parameters after the step along this batch's gradients: `backward`, `update`."""
    gradients = backward(weights, x, labels, activations)
    return update(weights, biases, *gradients, learning_rate, lambda_reg)


def predict_proba(
    weights: Sequence[Array],
    biases: Sequence[Array],
    x: Any,
    input_scale: float | None = None,
    n_threads: int | None = None,
) -> Array:
    """Return the probabilities of each row's classes, (n_rows, n_classes); no use of n_threads."""
    blocks = (x[start : start + ROWS_PER_BLOCK] for start in range(0, x.shape[0], ROWS_PER_BLOCK))
    return np.concatenate([forward(weights, biases, rows, input_scale)[-1] for rows in blocks])


class Trainer:
    """Epochs of gradient descent on one set of rows; `fastmlp.kernels.Trainer` in plain NumPy.

    Parameters
    ----------
    weights, biases : list of ndarray
        w1..wL of shapes (n_in, n_out) and b1..bL of shapes (1, n_out), all float32 or all float64.
        `load` reads them and `export` writes them; nothing else touches them.
    x : ndarray or SciPy CSR of shape (n_rows, n_features)
    y : ndarray of intp, shape (n_rows,)
    batch_size : int
        Rows in a step; an epoch's last step takes what is left.
    learning_rate, lambda_reg : float
        See `update`. `learning_rate` may be assigned between epochs.
    input_scale : float, optional
        See `scale_inputs`.
    n_threads : int, optional
        Accepted for the kernels' sake; NumPy's BLAS has its own threads.
    """

    parameters: tuple[list[Array], list[Array]]

    def __init__(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        x: Any,
        y: NDArray[np.intp],
        *,
        batch_size: int = 64,
        learning_rate: float = 0.01,
        lambda_reg: float = 0.001,
        input_scale: float | None = None,
        n_threads: int | None = None,
    ) -> None:
        self.outside = weights, biases
        self.x, self.y = x, y
        self.batch_size = batch_size
        self.learning_rate, self.lambda_reg = learning_rate, lambda_reg
        self.input_scale = input_scale
        self.load()

    def epoch(self, order: NDArray[np.intp]) -> float:
        """Take a step for each batch of rows in `order`; return the last batch's loss before it."""
        with np.errstate(over="ignore", invalid="ignore"):  # a diverged run shows in its loss
            for start in range(0, len(order), self.batch_size):
                rows = order[start : start + self.batch_size]
                weights, biases = self.parameters
                x = scale_inputs(self.x[rows], weights[0].dtype, self.input_scale)
                activations = forward(weights, biases, x)
                rates = self.learning_rate, self.lambda_reg
                # One assignment, so that an interrupt finds a whole step or none of it.
                self.parameters = backward_update(
                    weights, biases, x, self.y[rows], activations, *rates
                )
            return cross_entropy(activations[-1], self.y[rows])

    def load(self) -> None:
        """Go on from the values in the arrays that were handed in."""
        weights, biases = self.outside
        self.parameters = [w.copy() for w in weights], [b.copy() for b in biases]

    def export(self) -> None:
        """Write the current parameters into the arrays that were handed in."""
        for outside, inside in zip(self.outside, self.parameters, strict=True):
            for array, values in zip(outside, inside, strict=True):
                array[...] = values

    def close(self) -> None:
        """Nothing to release; the kernels have threads and buffers."""

    def __enter__(self) -> Trainer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class MLP(Network):
    """A multi-layer perceptron trained by NumPy alone: slow, clear, and what `fastmlp.MLP` equals.

    See `fastmlp.network.Network` for the parameters; `n_threads` has no effect here.
    """

    relu = staticmethod(relu)
    relu_derivative = staticmethod(relu_derivative)
    softmax = staticmethod(softmax)

    @property
    def engine(self) -> Any:
        """The module whose Trainer, forward and predict_proba do the work: this one."""
        return sys.modules[__name__]

    def compute_loss(self, y_true: ArrayLike, y_pred: ArrayLike) -> float:
        """Return the mean cross-entropy of the probabilities `y_pred`, (n, output_size)."""
        probabilities = checks.as_shaped(y_pred, (None, self.n_classes), "y_pred")
        return cross_entropy(probabilities, self._check_labels(y_true, probabilities, "y_true"))

    def backward(
        self, x: ArrayLike, y_true: ArrayLike, a1: ArrayLike, a2: ArrayLike, *deeper: ArrayLike
    ) -> tuple[Array, ...]:
        """Return the gradients (dw1, db1, dw2, db2, ...) of the batch's mean loss, without L2.

        `a1`, `a2`, ... are what `forward` returned for the same `x`.
        """
        weights, _ = self._check_parameters()
        features = self._check_features(x, weights[0].dtype, "x")
        labels = self._check_labels(y_true, features, "y_true")
        shapes = [(len(labels), size) for size in self.layer_sizes[1:]]
        activations = checks.as_layers([a1, a2, *deeper], shapes, "a")
        inputs = scale_inputs(features, weights[0].dtype, self.input_scale)
        gradients = backward(weights, inputs, labels, activations)
        return tuple(chain.from_iterable(zip(*gradients, strict=True)))

    def update_weights(
        self,
        dw1: ArrayLike,
        db1: ArrayLike,
        dw2: ArrayLike,
        db2: ArrayLike,
        *deeper: Any,
        lambda_reg: float = 0.001,
    ) -> None:
        """Take a step along the gradients that `backward` returned; lambda_reg may stand last."""
        gradients = [dw1, db1, dw2, db2, *deeper]
        if len(gradients) % 2:
            lambda_reg = gradients.pop()
        rates = checks.as_rates(self.learning_rate, lambda_reg)
        dw, db = self._check_layers(gradients[::2], gradients[1::2], "d")
        self._set_parameters(*update(*self._check_parameters(), dw, db, *rates))
