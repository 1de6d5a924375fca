"""Dropout (Srivastava et al., 2014): a step leaves out a share of the hidden units.

Which ones depends on a 32-bit hash of seed, step, layer, row and unit, not on a random stream. Any
row can be computed alone, so neither threads nor the order of work change the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Bits = NDArray[np.uint32]

WORD = 1 << 32  # all arithmetic is modulo this
STEP = ROW = 0x9E3779B9
LAYER = 0x85EBCA6B
UNIT = 0xC2B2AE35
ROUNDS, LAST_SHIFT = ((16, 0x7FEB352D), (15, 0x846CA68B)), 16  # shifts and factors of `mix`


def mix(x: Bits) -> Bits:
    """Return a hash of each integer: "lowbias32" (C. Wellons, "Prospecting for Hash Functions")."""
    for shift, factor in ROUNDS:
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    return x ^ (x >> np.uint32(LAST_SHIFT))


def of_step(seed: int, step: NDArray[np.int64]) -> Bits:
    """Return the hash of a step, from which those of its layers, rows and units are computed."""
    return mix(((seed + STEP * step) % WORD).astype(np.uint32))


def keep_mask(
    seed: int, step: int, layer: int, n_rows: int, n_units: int, share: float
) -> NDArray[np.bool_]:
    """Return which activations of a batch are kept.

    Parameters
    ----------
    seed : int
        Taken modulo 2^32.
    step : int
        The step's index, from 1.
    layer : int
        The hidden layer's index, from 1.
    n_rows, n_units : int
        Rows and units count from 0 within the batch and the layer.
    share : float
        Expected share that is left out, in [0, 1).

    Returns
    -------
    bool ndarray of shape (n_rows, n_units)
    """
    rows, units = np.arange(n_rows, dtype=np.uint32), np.arange(n_units, dtype=np.uint32)
    of_layer = mix(of_step(seed, np.full((1, 1), step)) ^ np.uint32(LAYER * layer % WORD))
    of_row = mix(of_layer + np.uint32(ROW) * rows[:, np.newaxis])
    of_unit = mix(of_row ^ (np.uint32(UNIT) * units))
    return of_unit >= int(share * WORD)


def drop(values: Array, kept: NDArray[np.bool_], share: float) -> Array:
    """Return the kept values times 1 / (1 - share), in their dtype, and 0 for the others.

    So the expected sum is unchanged, and prediction uses all units without a factor. It is applied
    to activations in the forward pass and, with the same mask, to their gradient in the backward
    pass.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_units)
    kept : bool ndarray of shape (n_rows, n_units)
        From `keep_mask`.
    share : float
        As passed to `keep_mask`.

    Returns
    -------
    ndarray of shape (n_rows, n_units)
    """
    scale = values.dtype.type(1 / (1 - share))
    return np.where(kept, values * scale, values.dtype.type(0))
