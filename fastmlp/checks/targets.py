"""Checks dense targets: one value for each output of each row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp.checks.containers import as_numeric
from fastmlp.checks.missing import refuse_missing


def as_targets(
    y: ArrayLike,
    n_rows: int,
    n_outputs: int,
    dtype: np.dtype[Any],
    name: str = "y",
    limits: tuple[float, float] = (-math.inf, math.inf),
) -> NDArray[Any]:
    """Return a copy of `y` in the network's dtype, C-contiguous, (n_rows, n_outputs).

    Parameters
    ----------
    y : array_like of shape (n_rows, n_outputs), or (n_rows,) for one output
    n_rows, n_outputs : int
    dtype : numpy.dtype
    name : str
        The argument's name, for error messages.
    limits : (float, float)
        Smallest and largest valid value.

    Raises
    ------
    TypeError
        If `y` is not numeric.
    ValueError
        If the shape is wrong, or a value is missing, not finite or beyond the limits.
    """
    if y is None:
        raise ValueError(f"{name} is None, which has shape (): give {n_outputs} numbers a row")
    y = refuse_missing(y, name)
    given = as_numeric(y, name)
    shape = (n_rows, n_outputs)
    if given.shape != shape and not (n_outputs == 1 and given.shape == (n_rows,)):
        wanted = f"{shape}, or ({n_rows},)" if n_outputs == 1 else str(shape)
        raise ValueError(
            f"{name} has shape {given.shape}: give a number for each output, shape {wanted}"
        )
    with np.errstate(over="ignore"):  # values too large for float32 are reported below
        targets = np.array(given.reshape(shape), dtype, order="C")
    if not np.isfinite(targets).all():
        raise ValueError(
            f"{name} holds NaN, infinity, or numbers too large for {dtype}: remove such rows, "
            "or scale the targets"
        )
    low, high = limits
    beyond = targets[(targets < low) | (targets > high)]
    if beyond.size:
        wanted = f"from {low:g} on" if math.isinf(high) else f"from {low:g} to {high:g}"
        raise ValueError(f"{name} holds {beyond[0]:g}: give numbers {wanted}, as the loss needs")
    return targets
