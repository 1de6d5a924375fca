"""scikit-learn's MLPClassifier as plain gradient descent: no momentum, a constant rate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from benchmarks.peers.case import Parameters
from benchmarks.peers.sides import Problem


class ScikitLearn:
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.classes = np.arange(problem.weights[-1].shape[1])
        self.model = MLPClassifier(
            hidden_layer_sizes=tuple(w.shape[1] for w in problem.weights[:-1]),
            solver="sgd",
            batch_size=problem.batch_size,
            # Its penalty is 0.5 * alpha * sum(w**2) divided by the rows of the batch.
            alpha=problem.lambda_reg * problem.batch_size,
            learning_rate_init=problem.learning_rate,
            momentum=0.0,
            nesterovs_momentum=False,
            shuffle=False,  # the order is given: x[order] is its gather
            random_state=0,
        )
        # One batch makes the arrays; then they get the values that every side starts from.
        first = slice(problem.batch_size)
        self.model.partial_fit(problem.x[first], problem.y[first], classes=self.classes)
        parameters = [*self.model.coefs_, *self.model.intercepts_]
        for ours, start in zip(parameters, [*problem.weights, *problem.biases], strict=True):
            ours[...] = start.reshape(ours.shape)

    def epoch(self, order: NDArray) -> None:
        self.model.partial_fit(self.problem.x[order], self.problem.y[order])

    def parameters(self) -> Parameters:
        return self.model.coefs_, [b.reshape(1, -1) for b in self.model.intercepts_]

    def predictor(self, x: NDArray) -> Callable[[], NDArray]:
        return lambda: self.model.predict(x)
