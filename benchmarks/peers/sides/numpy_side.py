"""NumPy at its best: every result into a buffer made once, updates in place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.case import Parameters
from benchmarks.peers.sides import Problem
from benchmarks.peers.sides.numpy_updates import UPDATES

CHUNK = 512  # rows predicted at once: their activations stay in the L2 cache


class NumPy:
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        n_rows, dtype = problem.batch_size, problem.dtype
        sizes = [w.shape[1] for w in problem.weights]
        self.activate, self.slope = ACTIVATIONS[problem.activation]
        self.targets = problem.dense_targets()
        self.xb = np.empty((n_rows, problem.x.shape[1]), dtype)
        self.yb = np.empty((n_rows, sizes[-1]), dtype)
        if problem.takes_all_rows:
            self.xb, self.yb = problem.x, self.targets
        self.a = [np.empty((n_rows, n), dtype) for n in sizes]
        self.dz = [np.empty((n_rows, n), dtype) for n in sizes]
        self.slopes = [np.empty((n_rows, n), dtype) for n in sizes[:-1]]
        self.dw = [np.empty_like(w) for w in problem.weights]
        self.db = [np.empty_like(b) for b in problem.biases]
        update, rate = UPDATES[problem.optimizer], problem.learning_rate
        self.weight_updates = [update(w, rate, problem.lambda_reg) for w in problem.weights]
        self.bias_updates = [update(b, rate, 0.0) for b in problem.biases]
        self.scale = (rate if update.rate_first else 1.0) / n_rows

    def epoch(self, order: NDArray) -> None:
        for start in range(0, len(order), self.problem.batch_size):
            self.step(order[start : start + self.problem.batch_size])

    def step(self, rows: NDArray) -> None:
        p = self.problem
        if not p.takes_all_rows:
            # mode="clip" writes straight into out; the default goes through another buffer.
            np.take(p.x, rows, axis=0, out=self.xb, mode="clip")
            np.take(self.targets, rows, axis=0, out=self.yb, mode="clip")
        forward(self.xb, p.weights, p.biases, self.a, self.activate)
        if p.loss == "cross_entropy":
            softmax(self.a[-1])
        dz = np.subtract(self.a[-1], self.yb, out=self.dz[-1])
        dz *= self.scale  # once, on the smallest array there is
        inputs = [self.xb, *self.a[:-1]]
        for i in reversed(range(len(p.weights))):
            dw, db, dz = self.dw[i], self.db[i], self.dz[i]
            if i > 0:
                np.dot(dz, p.weights[i].T, out=self.dz[i - 1])
                self.slope(self.a[i - 1], self.slopes[i - 1])
                self.dz[i - 1] *= self.slopes[i - 1]
            np.dot(inputs[i].T, dz, out=dw)
            self.weight_updates[i].step(dw)
            self.bias_updates[i].step(np.sum(dz, axis=0, keepdims=True, out=db))

    def parameters(self) -> Parameters:
        return self.problem.weights, self.problem.biases

    def predictor(self, x: NDArray) -> Callable[[], NDArray]:
        p = self.problem
        a = [np.empty((CHUNK, w.shape[1]), x.dtype) for w in p.weights]
        labels = np.empty(len(x), np.intp)

        def predict() -> NDArray:
            for start in range(0, len(x), CHUNK):
                xb = x[start : start + CHUNK]
                outs = [out[: len(xb)] for out in a]
                forward(xb, p.weights, p.biases, outs, self.activate)
                np.argmax(outs[-1], axis=1, out=labels[start : start + CHUNK])
            return labels

        return predict


InPlace = Callable[[NDArray], object]


def forward(
    x: NDArray,
    weights: list[NDArray],
    biases: list[NDArray],
    out: list[NDArray],
    activate: InPlace,
) -> None:
    """The activations of the hidden layers and the logits of the last, each into its own array."""
    for i, (w, b, a) in enumerate(zip(weights, biases, out, strict=True)):
        np.dot(x, w, out=a)
        a += b
        if i < len(out) - 1:
            activate(a)
        x = a


def tanh_slope(a: NDArray, out: NDArray) -> None:
    np.multiply(a, a, out=out)
    np.subtract(1, out, out=out)


# Each in place, and its slope from its result.
ACTIVATIONS: dict[str, tuple[InPlace, Callable[[NDArray, NDArray], object]]] = {
    "relu": (
        lambda a: np.maximum(a, 0, out=a),
        lambda a, out: np.sign(a, out=out),  # in one vectorised pass
    ),
    "tanh": (lambda a: np.tanh(a, out=a), tanh_slope),
}


def softmax(z: NDArray) -> None:
    """In place, by rows."""
    z -= np.max(z, axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= np.sum(z, axis=1, keepdims=True)
