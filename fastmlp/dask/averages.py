"""The mean of networks, in an order that depends on the number of shards only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Figures = tuple[int, float, float, int]  # a part, but for its network


class Part(NamedTuple):
    """What a shard has made of the mean, or the weighted sum of several shards.

    Attributes
    ----------
    flat : ndarray
        Weights, biases and the optimiser's states.
    n_steps : int
        Steps that the optimiser has taken: the most of any shard.
    loss, penalty : float
        Mean loss and mean L2 of the rows trained on.
    n_rows : int
    """

    flat: Array
    n_steps: int
    loss: float
    penalty: float
    n_rows: int


def added(parts: Sequence[Part], shares: Sequence[float]) -> Part:
    """Return the sum of networks, each times its share, added up in this order in float64."""
    with np.errstate(over="ignore", invalid="ignore"):  # what has diverged shows in the result
        total = np.multiply(parts[0].flat, shares[0], dtype=np.float64)
        for part, share in zip(parts[1:], shares[1:], strict=True):
            total += np.multiply(part.flat, share, dtype=np.float64)
    return Part(total, *together([part[1:] for part in parts]))


def together(figures: Sequence[Figures]) -> Figures:
    """Return the figures of several parts, those of some rows each."""
    n_rows = sum(n for *_, n in figures)
    loss = penalty = 0.0
    for _, part_loss, part_penalty, n in figures:
        if n:
            loss += part_loss * (n / n_rows)
            penalty += part_penalty * (n / n_rows)
    return max(n_steps for n_steps, *_ in figures), loss, penalty, n_rows


def flattened(arrays: Sequence[Array]) -> Array:
    """Return the values of arrays one after the other, copied."""
    return np.concatenate([array.ravel() for array in arrays])


def fill(arrays: Sequence[Array], pieces: Sequence[Array]) -> None:
    """Write values that `flattened` has returned, maybe cut into pieces, into as many arrays.

    The rest is left out where there are fewer arrays: weights and biases come first.
    """
    flat, at = pieces[0] if len(pieces) == 1 else np.concatenate(pieces), 0
    for array in arrays:
        array[...] = flat[at : at + array.size].reshape(array.shape)
        at += array.size
