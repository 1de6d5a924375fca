"""The first weights, drawn as scikit-learn draws them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks import generators
from fastmlp.reference import ACTIVATIONS

Array = NDArray[Any]


def draw_parameters(
    sizes: Sequence[int],
    activation: str | Sequence[str],
    random_state: np.random.RandomState,
    dtype: np.dtype[Any],
) -> tuple[list[Array], list[Array]]:
    """Return weights (n_in, n_out) and biases (1, n_out) of each layer.

    Both are uniform in +-sqrt(6 / (n_in + n_out)), with 2 instead of 6 for logistic (Glorot and
    Bengio, 2010): the activation's `spread`. They are drawn layer by layer, weights first, in
    double precision. Where each hidden layer has an activation of its own, the output layer goes by
    the last one's.
    """
    n_layers = len(sizes) - 1
    names = [activation] * n_layers if isinstance(activation, str) else [*activation][:n_layers]
    names += names[-1:] or ["relu"]
    weights, biases = [], []
    for (n_in, n_out), name in zip(pairwise(sizes), names, strict=False):
        bound = np.sqrt(ACTIVATIONS[name].spread / (n_in + n_out))
        w = random_state.uniform(-bound, bound, (n_in, n_out))
        b = random_state.uniform(-bound, bound, n_out)
        if np.shape(w) != (n_in, n_out) or np.shape(b) != (n_out,):
            generators.refuse(random_state, "uniform")
        weights.append(w.astype(dtype, copy=False))
        biases.append(b.astype(dtype, copy=False).reshape(1, -1))
    return weights, biases
