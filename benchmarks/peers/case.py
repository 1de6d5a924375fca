"""One training problem, described so that every process can rebuild the same one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Parameters = tuple[list[NDArray], list[NDArray]]  # weights (n_in, n_out), biases (1, n_out)

# The optimisers' settings: the defaults of fastmlp, scikit-learn and PyTorch alike, but for Adam's
# epsilon. PyTorch adds it elsewhere than they do; with one so small, that makes no difference.
MOMENTUM, BETA_1, BETA_2, EPSILON = 0.9, 0.9, 0.999, 1e-12


@dataclass(frozen=True)
class Case:
    """Layer sizes, batch size and the files that hold the data.

    ``x_file`` holds (n_rows, n_features) in `dtype` or uint8; ``y_file`` the labels as intp, for
    squared error the targets, (n_rows, n_outputs) in `dtype`. The number of rows is a multiple of
    the batch size, as some peers need it. Activation, loss and optimiser are fastmlp's names.
    """

    name: str
    layer_sizes: tuple[int, ...]
    batch_size: int
    x_file: Path
    y_file: Path
    dtype: str = "float32"
    learning_rate: float = 0.01
    lambda_reg: float = 0.001
    activation: str = "relu"
    loss: str = "cross_entropy"
    optimizer: str = "sgd"

    def load(self) -> tuple[NDArray, NDArray]:
        return np.load(self.x_file), np.load(self.y_file)

    def initial_parameters(self, seed: int = 0) -> Parameters:
        """Weights of He's variance, biases zero: new arrays at every call."""
        rng = np.random.default_rng(seed)
        shapes = list(pairwise(self.layer_sizes))
        weights = [
            (rng.standard_normal((n_in, n_out)) * np.sqrt(2 / n_in)).astype(self.dtype)
            for n_in, n_out in shapes
        ]
        return weights, [np.zeros((1, n_out), self.dtype) for _, n_out in shapes]

    def flops_per_row(self) -> int:
        """Floating-point operations of one row's share of a step.

        Three products a layer (forward, input's gradient, weights' gradient) of two operations
        for each weight; the first layer needs no gradient of its input.
        """
        products = [a * b for a, b in pairwise(self.layer_sizes)]
        return 2 * (3 * sum(products) - products[0])
