"""fastmlp through its step engine, which is what `fastmlp.MLP.train` runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.case import BETA_1, BETA_2, EPSILON, MOMENTUM, Parameters
from benchmarks.peers.sides import Problem
from fastmlp import problem as fastmlp_problem
from fastmlp.kernels import Trainer, predict_proba

PIXEL_MAX = 255.0


class FastMLP:
    def __init__(self, problem: Problem) -> None:
        self.problem = p = problem
        self.trainer = Trainer(
            p.weights,
            p.biases,
            p.x,
            p.y,
            batch_size=p.batch_size,
            learning_rate=p.learning_rate,
            lambda_reg=p.lambda_reg,
            input_scale=PIXEL_MAX if p.x.dtype == np.uint8 else None,
            n_threads=p.n_threads,
            problem=fastmlp_problem.Problem(
                activation=p.activation,
                loss=p.loss,
                optimizer=p.optimizer,
                momentum=MOMENTUM,
                beta_1=BETA_1,
                beta_2=BETA_2,
                epsilon=EPSILON,
            ),
        )

    def epoch(self, order: NDArray) -> None:
        self.trainer.epoch(order)

    def parameters(self) -> Parameters:
        self.trainer.export()
        return self.problem.weights, self.problem.biases

    def predictor(self, x: NDArray) -> Callable[[], NDArray]:
        weights, biases = self.parameters()
        n_threads = self.problem.n_threads
        return lambda: np.argmax(predict_proba(weights, biases, x, n_threads=n_threads), axis=1)
