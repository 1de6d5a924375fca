"""The sides of a race, one file each, all with the same small face.

A side takes a `Problem`, trains epochs in a given order of rows and hands back its parameters.
Every one computes the same thing, for the case's activation, loss and optimiser: a step along the
gradient of a batch's mean loss, plus L2 of the weights but not of the biases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.case import Parameters


@dataclass
class Problem:
    """Where a side starts: its own copies of the parameters, and the data.

    weights (n_in, n_out) and biases (1, n_out), float32 or float64; x (n_rows, n_features) of the
    same type (pixels: uint8), C-contiguous; y (n_rows,) labels of intp, or dense targets;
    n_threads None leaves the choice to the side.
    """

    weights: list[NDArray]
    biases: list[NDArray]
    x: NDArray
    y: NDArray
    batch_size: int
    learning_rate: float
    lambda_reg: float
    n_threads: int | None
    activation: str = "relu"
    loss: str = "cross_entropy"
    optimizer: str = "sgd"

    @property
    def dtype(self) -> np.dtype:
        return self.weights[0].dtype

    @property
    def takes_all_rows(self) -> bool:
        """Whether a batch is all the rows, which nobody then would gather."""
        return self.batch_size == len(self.y)

    def dense_targets(self) -> NDArray:
        """The targets as (n_rows, n_outputs): labels as one-hot rows."""
        if self.y.ndim > 1:
            return self.y
        return np.eye(self.weights[-1].shape[1], dtype=self.dtype)[self.y]


class Side(Protocol):
    problem: Problem

    def __init__(self, problem: Problem) -> None: ...

    def epoch(self, order: NDArray) -> None:
        """Train one epoch, rows in this order; finished when it returns."""

    def parameters(self) -> Parameters: ...

    def predictor(self, x: NDArray) -> Callable[[], NDArray]:
        """A function that predicts x's labels; x is prepared here, outside the timing."""


@dataclass(frozen=True)
class Entry:
    """A side's name in tables, and where its class lives."""

    label: str
    module: str
    class_name: str


FASTMLP = Entry("fastmlp", "fastmlp_side", "FastMLP")
PIXELS = Entry("fastmlp, uint8 pixels", "fastmlp_side", "FastMLP")
PEERS = (
    Entry("NumPy, preallocated", "numpy_side", "NumPy"),
    Entry("scikit-learn", "sklearn_side", "ScikitLearn"),
    Entry("PyTorch eager", "torch_eager", "TorchEager"),
    Entry("PyTorch eager, fused=True", "torch_eager", "TorchFused"),
    Entry("PyTorch by hand", "torch_by_hand", "TorchByHand"),
    Entry("JAX, jit over the epoch", "jax_side", "Jax"),
)
