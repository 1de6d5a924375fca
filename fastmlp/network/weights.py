"""A network's parameters: attributes w1, b1, w2, b2, ..., to be read and assigned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp import checks

Array = NDArray[Any]
INITS = ("tutorial", "he")


class Parameters:
    """Weights and biases as plain attributes.

    The user may have assigned anything to them, so whoever uses them checks them first.
    """

    w1: Array
    b1: Array
    w2: Array
    b2: Array
    layer_sizes: tuple[int, ...]
    dtype: np.dtype[Any] | None

    @property
    def weights(self) -> list[Array]:
        """The attributes w1..wL."""
        return [getattr(self, name) for name in _names("w", len(self.layer_sizes) - 1)]

    @property
    def biases(self) -> list[Array]:
        """The attributes b1..bL."""
        return [getattr(self, name) for name in _names("b", len(self.layer_sizes) - 1)]

    def _draw_parameters(self, init: str | None, stream: Any) -> None:
        """Draw all weights, from the first layer on, and set the biases to zero.

        Standard deviations are 0.01 (tutorial), or sqrt(2 / n_in), under which activations neither
        grow nor fade from layer to layer (he; He et al., 2015, arXiv:1502.01852).
        """
        if init is None:
            init = "tutorial" if len(self.layer_sizes) == 3 else "he"
        is_he = checks.as_name(init, "init", INITS) == "he"
        dtype = self.dtype or np.dtype(np.float64)
        weights = []
        for n_in, n_out in pairwise(self.layer_sizes):
            deviation = math.sqrt(2 / n_in) if is_he else 0.01
            weights.append((stream.randn(n_in, n_out) * deviation).astype(dtype))
        self._set_parameters(weights, [np.zeros((1, n), dtype) for n in self.layer_sizes[1:]])

    def _set_parameters(self, weights: Sequence[Array], biases: Sequence[Array]) -> None:
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True), start=1):
            setattr(self, f"w{layer}", w)
            setattr(self, f"b{layer}", b)

    def _check_parameters(self) -> tuple[list[Array], list[Array]]:
        """Return weights and biases in one dtype, C-contiguous and finite."""
        weights, biases = self._check_shapes()
        self._check_finite(weights, biases)
        return weights, biases

    def _check_shapes(self) -> tuple[list[Array], list[Array]]:
        """Return weights and biases in one dtype and C-contiguous; they may not be finite."""
        weights, biases = self._check_layers(self.weights, self.biases)
        dtype = checks.as_dtype(self.dtype) or np.result_type(*weights, *biases)
        return (
            [np.ascontiguousarray(w, dtype) for w in weights],
            [np.ascontiguousarray(b, dtype) for b in biases],
        )

    @staticmethod
    def _check_finite(weights: Sequence[Array], biases: Sequence[Array]) -> None:
        checks.as_finite(weights, "w")
        checks.as_finite(biases, "b")

    def _check_layers(
        self, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike], prefix: str = ""
    ) -> tuple[list[Array], list[Array]]:
        """Return parameters, or with the prefix "d" their gradients, in the layers' shapes."""
        bias_shapes = [(1, n_out) for n_out in self.layer_sizes[1:]]
        return (
            checks.as_layers(weights, list(pairwise(self.layer_sizes)), f"{prefix}w"),
            checks.as_layers(biases, bias_shapes, f"{prefix}b"),
        )


@lru_cache(maxsize=64)
def _names(letter: str, n_layers: int) -> tuple[str, ...]:
    """The attributes' names, layer by layer."""
    return tuple(f"{letter}{layer}" for layer in range(1, n_layers + 1))
