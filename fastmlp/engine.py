"""What a network asks of an engine: `fastmlp.reference`, or `fastmlp.kernels`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, Self

from numpy.typing import NDArray

from fastmlp.problem import Problem, Tables

Array = NDArray[Any]


class CompilerOffError(RuntimeError):
    """Numba's compiler is off, without which the compiled engine can't work."""


class Trainer(Protocol):
    """Epochs of mini-batches over one set of rows; see `fastmlp.reference.Trainer`."""

    learning_rate: float
    mean_loss: float

    def epoch(self, order: NDArray[Any], /) -> float:
        """Take a step for each batch of rows in `order`; return the last batch's loss."""

    def load(self) -> None:
        """Go on from the values in the arrays that were handed in."""

    def export(self) -> None:
        """Write the parameters into the arrays that were handed in."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: Any) -> None: ...


class Engine(Tables, Protocol):
    """A module that trains and predicts. `x` has been checked: uint8, float32, float64, or CSR."""

    @property
    def Trainer(self) -> Callable[..., Trainer]:  # noqa: N802
        """Make a trainer of weights, biases, x, y and settings."""

    def forward(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        x: Any,
        input_scale: float | None = None,
        problem: Problem = ...,
    ) -> list[Array]:
        """Return the activations of every layer."""

    def predict_proba(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        x: Any,
        input_scale: float | None = None,
        n_threads: int | None = None,
        problem: Problem = ...,
    ) -> Array:
        """Return the last layer's outputs."""

    def prepare(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        x: Any,
        input_scale: float | None = None,
        problem: Problem = ...,
    ) -> None:
        """Compile what predictions of such rows need."""
