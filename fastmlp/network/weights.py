"""A network's parameters: how they are drawn, and checked where a user may have assigned them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastmlp import checks
from fastmlp.parameters import Parameters

INITS = ("tutorial", "he")


@lru_cache(maxsize=64)
def names_of(letter: str, n_layers: int) -> tuple[str, ...]:
    """Return the attributes' names, w1..wL or b1..bL."""
    return tuple(f"{letter}{layer}" for layer in range(1, n_layers + 1))


def draw_parameters(
    layer_sizes: Sequence[int], init: str | None, stream: Any, dtype: np.dtype[Any]
) -> Parameters:
    """Draw all weights, from the first layer on, and set the biases to zero.

    Standard deviations are 0.01 (tutorial), or sqrt(2 / n_in), under which activations neither grow
    nor fade from layer to layer (he; He et al., 2015, arXiv:1502.01852).
    """
    if init is None:
        init = "tutorial" if len(layer_sizes) == 3 else "he"
    is_he = checks.as_name(init, "init", INITS) == "he"
    weights = []
    for n_in, n_out in pairwise(layer_sizes):
        deviation = math.sqrt(2 / n_in) if is_he else 0.01
        weights.append((stream.randn(n_in, n_out) * deviation).astype(dtype))
    return Parameters(weights, [np.zeros((1, n), dtype) for n in layer_sizes[1:]])


def check_layers(
    layer_sizes: Sequence[int],
    weights: Sequence[ArrayLike],
    biases: Sequence[ArrayLike],
    prefix: str = "",
) -> Parameters:
    """Return parameters, or with the prefix "d" their gradients, in the layers' shapes."""
    bias_shapes = [(1, n_out) for n_out in layer_sizes[1:]]
    return Parameters(
        checks.as_layers(weights, list(pairwise(layer_sizes)), f"{prefix}w"),
        checks.as_layers(biases, bias_shapes, f"{prefix}b"),
    )


def check_finite(parameters: Parameters) -> None:
    """Raise ValueError unless all parameters are finite."""
    checks.as_finite(parameters.weights, "w")
    checks.as_finite(parameters.biases, "b")
