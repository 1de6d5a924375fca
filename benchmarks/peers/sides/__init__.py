"""The sides of a race, one file each, all with the same small face.

A side takes a `Problem`, trains epochs in a given order of rows and hands back its parameters.
Every one computes the same thing: the mean cross-entropy of a batch, plus L2 decay of the weights
but not of the biases, by plain gradient descent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from numpy.typing import NDArray

from benchmarks.peers.case import Parameters


@dataclass
class Problem:
    """Where a side starts: its own copies of the parameters, and the data.

    weights (n_in, n_out) and biases (1, n_out), float32; x (n_rows, n_features) float32 (pixels:
    uint8), C-contiguous; y (n_rows,) intp; n_threads None leaves the choice to the side.
    """

    weights: list[NDArray]
    biases: list[NDArray]
    x: NDArray
    y: NDArray
    batch_size: int
    learning_rate: float
    lambda_reg: float
    n_threads: int | None


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
    Entry("PyTorch eager, SGD(fused=True)", "torch_eager", "TorchFused"),
    Entry("PyTorch by hand", "torch_by_hand", "TorchByHand"),
    Entry("JAX, jit over the epoch", "jax_side", "Jax"),
)
