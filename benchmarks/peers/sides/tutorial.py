"""The tutorial's own code, as its readers have it: plain NumPy, float64, one array after another.

Not in a race of the other sides; row 4 compares `fastmlp.MLP` with it, call for call.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def one_hot_encode(y: NDArray, num_classes: int) -> NDArray:
    return np.eye(num_classes)[y]


class MLP:
    def __init__(
        self, input_size: int, hidden_size: int, output_size: int, learning_rate: float = 0.01
    ) -> None:
        self.w1 = np.random.randn(input_size, hidden_size) * 0.01
        self.b1 = np.zeros((1, hidden_size))
        self.w2 = np.random.randn(hidden_size, output_size) * 0.01
        self.b2 = np.zeros((1, output_size))
        self.learning_rate = learning_rate

    def relu(self, z: NDArray) -> NDArray:
        return np.maximum(0, z)

    def relu_derivative(self, z: NDArray) -> NDArray:
        return np.where(z > 0, 1, 0)

    def softmax(self, z: NDArray) -> NDArray:
        exp_z = np.exp(z - np.max(z, axis=1, keepdims=True))
        return exp_z / np.sum(exp_z, axis=1, keepdims=True)

    def forward(self, x: NDArray) -> tuple[NDArray, NDArray]:
        a1 = self.relu(np.dot(x, self.w1) + self.b1)
        a2 = self.softmax(np.dot(a1, self.w2) + self.b2)
        return a1, a2

    def compute_loss(self, y_true: NDArray, y_pred: NDArray) -> float:
        m = y_true.shape[0]
        return float(np.sum(-np.log(y_pred[range(m), y_true])) / m)

    def backward(
        self, x: NDArray, y_true: NDArray, a1: NDArray, a2: NDArray
    ) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        m = x.shape[0]
        dz2 = a2 - one_hot_encode(y_true, self.w2.shape[1])
        dw2 = np.dot(a1.T, dz2) / m
        db2 = np.sum(dz2, axis=0, keepdims=True) / m
        dz1 = np.dot(dz2, self.w2.T) * self.relu_derivative(a1)
        dw1 = np.dot(x.T, dz1) / m
        db1 = np.sum(dz1, axis=0, keepdims=True) / m
        return dw1, db1, dw2, db2

    def update_weights(
        self, dw1: NDArray, db1: NDArray, dw2: NDArray, db2: NDArray, lambda_reg: float = 0.001
    ) -> None:
        self.w1 -= self.learning_rate * (dw1 + lambda_reg * self.w1)
        self.b1 -= self.learning_rate * db1
        self.w2 -= self.learning_rate * (dw2 + lambda_reg * self.w2)
        self.b2 -= self.learning_rate * db2

    def train(
        self, x_train: NDArray, y_train: NDArray, epochs: int = 100, batch_size: int = 64
    ) -> None:
        m = x_train.shape[0]
        for epoch in range(epochs):
            permutation = np.random.permutation(m)
            x_train, y_train = x_train[permutation], y_train[permutation]
            for i in range(0, m, batch_size):
                x, y = x_train[i : i + batch_size], y_train[i : i + batch_size]
                a1, a2 = self.forward(x)
                loss = self.compute_loss(y, a2)
                self.update_weights(*self.backward(x, y, a1, a2))
            print(f"Epoch {epoch + 1}, Loss: {loss}")
