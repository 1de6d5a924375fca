"""scikit-learn's MLPClassifier or MLPRegressor, at a constant rate, in the order of rows given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.peers.case import BETA_1, BETA_2, EPSILON, MOMENTUM, Parameters
from benchmarks.peers.sides import Problem


class ScikitLearn:
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        is_classifier = problem.loss == "cross_entropy"
        self.y = problem.y if is_classifier or problem.y.shape[1] > 1 else problem.y[:, 0]
        self.model = (MLPClassifier if is_classifier else MLPRegressor)(
            hidden_layer_sizes=tuple(w.shape[1] for w in problem.weights[:-1]),
            activation=problem.activation,
            solver="adam" if problem.optimizer == "adam" else "sgd",
            batch_size=problem.batch_size,
            # Its penalty is 0.5 * alpha * sum(w**2) divided by the rows of the batch.
            alpha=problem.lambda_reg * problem.batch_size,
            learning_rate_init=problem.learning_rate,
            momentum=MOMENTUM if problem.optimizer == "momentum" else 0.0,
            nesterovs_momentum=False,
            beta_1=BETA_1,
            beta_2=BETA_2,
            epsilon=EPSILON,
            shuffle=False,  # the order is given: x[order] is its gather
            random_state=0,
        )
        # One batch makes the arrays; then they get the values that every side starts from.
        first = slice(problem.batch_size)
        classes = {"classes": np.arange(problem.weights[-1].shape[1])} if is_classifier else {}
        self.model.partial_fit(problem.x[first], self.y[first], **classes)
        parameters = [*self.model.coefs_, *self.model.intercepts_]
        for ours, start in zip(parameters, [*problem.weights, *problem.biases], strict=True):
            ours[...] = start.reshape(ours.shape)
        del self.model._optimizer  # partial_fit makes a new one, its states at zero

    def epoch(self, order: NDArray) -> None:
        if self.problem.takes_all_rows:
            for _ in range(len(order) // len(self.y)):
                self.model.partial_fit(self.problem.x, self.y)
        else:
            self.model.partial_fit(self.problem.x[order], self.y[order])

    def parameters(self) -> Parameters:
        return self.model.coefs_, [b.reshape(1, -1) for b in self.model.intercepts_]

    def predictor(self, x: NDArray) -> Callable[[], NDArray]:
        return lambda: self.model.predict(x)
