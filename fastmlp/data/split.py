"""Split data into rows to train on and rows to validate on."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks import as_random_state


def train_val_split(
    x: NDArray[Any],
    y: NDArray[Any],
    val_fraction: float = 0.2,
    random_state: int | np.random.RandomState = 42,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Shuffle the rows and keep the first `val_fraction` of them for validation.

    The rows, and their order, are those of ``np.random.seed(seed)``, ``np.random.shuffle(data)``
    and a cut at ``int(len(data) * val_fraction)``, with `data` being `y` and `x` side by side.
    NumPy's global generator is not touched.

    Parameters
    ----------
    x : ndarray of shape (n, ...)
        Any dtype.
    y : ndarray of shape (n,)
        Any dtype.
    val_fraction : float
        Share of the rows for validation, between 0 and 1.
    random_state : int or numpy.random.RandomState
        A seed, or a generator that has been seeded already and is left after the shuffle's draws,
        so that one stream can run on into weights and epochs.

    Returns
    -------
    x_train, y_train, x_val, y_val : ndarray
        Copies, of the dtypes of `x` and `y`.

    Raises
    ------
    TypeError
        If `val_fraction` is no number, or `random_state` neither an integer nor a RandomState.
    ValueError
        If `x` and `y` differ in length, or there would be no rows for validation.
    """
    n = len(x)
    if len(y) != n:
        raise ValueError(f"x has {n} rows, y has {len(y)} labels: give one label for each row")
    remedy = "give a number between 0 and 1, say 0.2"
    if isinstance(val_fraction, bool) or not isinstance(val_fraction, numbers.Real):
        raise TypeError(f"val_fraction is {val_fraction!r}: {remedy}")
    if not 0 < val_fraction < 1:
        raise ValueError(f"val_fraction is {val_fraction}: {remedy}")
    cutoff = int(n * val_fraction)
    if cutoff == 0:
        raise ValueError(
            f"val_fraction={val_fraction} of {n} rows leaves none for validation: "
            "give a larger fraction or more rows"
        )
    generator = as_random_state(random_state)
    if generator is None:
        raise TypeError("random_state is None: give a whole number or a numpy RandomState")
    order = np.arange(n)
    generator.shuffle(order)  # draws the very numbers that shuffling the rows themselves does
    val, train = order[:cutoff], order[cutoff:]
    return x[train], y[train], x[val], y[val]
