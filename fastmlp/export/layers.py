"""What is written of a network, whichever front end it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fastmlp.parameters import Parameters
from fastmlp.reference import ACTIVATIONS, LOSSES, Activation, Loss
from fastmlp.reference.losses import loss_with_output

Array = NDArray[Any]


class Layers(NamedTuple):
    """The layers of a network, input first.

    Attributes
    ----------
    weights : list of ndarray of shape (n_in, n_out)
    biases : list of ndarray of shape (n_out,)
    functions : list of str
        What follows each layer: activations, and the last one's output function.
    """

    weights: list[Array]
    biases: list[Array]
    functions: list[str]

    @classmethod
    def of(
        cls, parameters: Parameters, functions: Sequence[str], input_scale: float | None = None
    ) -> Self:
        """Return the layers of a network; the first one's weights include its input's scale."""
        first, *rest = parameters.weights
        if input_scale is not None:
            first = first / np.float64(input_scale)
        return cls([first, *rest], [b.ravel() for b in parameters.biases], list(functions))

    @property
    def n_inputs(self) -> int:
        """Columns of the input."""
        return len(self.weights[0])

    @property
    def n_outputs(self) -> int:
        """Columns of the output."""
        return len(self.biases[-1])

    def __str__(self) -> str:
        """The sizes, and the functions."""
        sizes = "-".join(map(str, [self.n_inputs, *map(len, self.biases)]))
        return f"{sizes} ({', '.join(self.functions)})"


def entry(function: str) -> Activation | Loss:
    """Return the entry of an activation, or of the loss with this output function."""
    loss = loss_with_output(function)
    return LOSSES[loss] if loss else ACTIVATIONS[function]
