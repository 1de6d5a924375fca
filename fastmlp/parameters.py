"""The weights and biases of a network as one value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks import is_finite

Array = NDArray[Any]


class Parameters(NamedTuple):
    """The weights and biases of all layers, input first, in one dtype.

    Attributes
    ----------
    weights : list of ndarray of shape (n_in, n_out)
    biases : list of ndarray
        Of shape (1, n_out), as engines take them, or (n_out,), as scikit-learn has them.
    """

    weights: list[Array]
    biases: list[Array]

    @property
    def arrays(self) -> list[Array]:
        """All arrays: w1..wL, then b1..bL."""
        return [*self.weights, *self.biases]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of all arrays."""
        dtype: np.dtype[Any] = self.weights[0].dtype
        return dtype

    @property
    def layer_sizes(self) -> list[int]:
        """All sizes, input first, output last."""
        return [len(self.weights[0]), *(w.shape[1] for w in self.weights)]

    def copy(self) -> Self:
        """Return parameters of arrays of their own."""
        return type(self)([w.copy() for w in self.weights], [b.copy() for b in self.biases])

    def assign(self, other: Parameters) -> None:
        """Write the values of `other`, of the same shapes, into these arrays."""
        for array, values in zip(self.arrays, other.arrays, strict=True):
            array[...] = values

    def restored(self, kept: Mapping[str, Any]) -> Self:
        """Return copies of the arrays that another one's `_asdict` has given.

        Raises
        ------
        ValueError
            If they are not of the shapes and the dtype of these.
        """
        other = type(self)(list(kept["weights"]), list(kept["biases"]))
        kinds = [[(a.shape, a.dtype) for a in parameters.arrays] for parameters in (self, other)]
        if kinds[0] != kinds[1]:
            raise ValueError("the weights are of other shapes, or of another dtype")
        return other.copy()

    def are_finite(self) -> bool:
        """Whether no value is NaN or infinite."""
        return all(map(is_finite, self.arrays))
