"""NumPy at its best: float32, every result into a buffer made once, updates in place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.case import Parameters
from benchmarks.peers.sides import Problem

CHUNK = 512  # rows predicted at once: their activations stay in the L2 cache


class NumPy:
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        n_rows, dtype = problem.batch_size, problem.x.dtype
        sizes = [w.shape[1] for w in problem.weights]
        self.one_hot = np.eye(sizes[-1], dtype=dtype)[problem.y]
        self.xb = np.empty((n_rows, problem.x.shape[1]), dtype)
        self.yb = np.empty((n_rows, sizes[-1]), dtype)
        self.a = [np.empty((n_rows, n), dtype) for n in sizes]
        self.dz = [np.empty((n_rows, n), dtype) for n in sizes]
        self.active = [np.empty((n_rows, n), dtype) for n in sizes[:-1]]
        self.dw = [np.empty_like(w) for w in problem.weights]
        self.db = [np.empty_like(b) for b in problem.biases]

    def epoch(self, order: NDArray) -> None:
        for start in range(0, len(order), self.problem.batch_size):
            self.step(order[start : start + self.problem.batch_size])

    def step(self, rows: NDArray) -> None:
        p = self.problem
        # mode="clip" writes straight into out; the default goes through another buffer.
        np.take(p.x, rows, axis=0, out=self.xb, mode="clip")
        np.take(self.one_hot, rows, axis=0, out=self.yb, mode="clip")
        forward(self.xb, p.weights, p.biases, self.a)
        softmax(self.a[-1])
        dz = np.subtract(self.a[-1], self.yb, out=self.dz[-1])
        dz *= p.learning_rate / p.batch_size  # once, on the smallest array there is
        inputs = [self.xb, *self.a[:-1]]
        for i in reversed(range(len(p.weights))):
            w, b, dw, db, dz = p.weights[i], p.biases[i], self.dw[i], self.db[i], self.dz[i]
            if i > 0:
                np.dot(dz, w.T, out=self.dz[i - 1])
                np.sign(self.a[i - 1], out=self.active[i - 1])  # ReLU' in one vectorised pass
                self.dz[i - 1] *= self.active[i - 1]
            np.dot(inputs[i].T, dz, out=dw)
            w *= 1 - p.learning_rate * p.lambda_reg
            w -= dw
            b -= np.sum(dz, axis=0, keepdims=True, out=db)

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
                forward(xb, p.weights, p.biases, outs)
                np.argmax(outs[-1], axis=1, out=labels[start : start + CHUNK])
            return labels

        return predict


def forward(x: NDArray, weights: list[NDArray], biases: list[NDArray], out: list[NDArray]) -> None:
    """ReLU layers, and the logits of the last, each into its own array."""
    for i, (w, b, a) in enumerate(zip(weights, biases, out, strict=True)):
        np.dot(x, w, out=a)
        a += b
        x = np.maximum(a, 0, out=a) if i < len(out) - 1 else a


def softmax(z: NDArray) -> None:
    """In place, by rows."""
    z -= np.max(z, axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= np.sum(z, axis=1, keepdims=True)
