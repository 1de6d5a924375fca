"""What the networks of a table are, and how they are trained: settings found by experiment.

Most are those of RealMLP (Holzmueller, Grinsztajn and Steinwart, "Better by Default",
arXiv:2407.04491), with smaller layers and fewer epochs, which suit a CPU.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
WIDTH = 128
SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": (WIDTH, WIDTH),
    "activation": "silu",
    "solver": "adamw",
    "alpha": 0.02 * math.sqrt(WIDTH),
    "learning_rate_init": 0.06 / math.sqrt(WIDTH),
    "beta_2": 0.95,
    "dropout": 0.15,
    # The epoch whose parameters are kept is chosen by rows held out, but none ends a run: the rate
    # is high in the middle of each of its cycles, and the last cycle is the best.
    "early_stopping": True,
    "n_iter_no_change": math.inf,
}
"""Settings of each `MLPClassifier` or `MLPRegressor`."""

BATCH = 256
EPOCHS, ROWS = 128, 800  # so many epochs for so many rows; of more rows fewer, by the square root
FEWEST_EPOCHS = 24


def n_epochs(n_rows: int) -> int:
    """Return how many epochs a network is trained for on this many rows."""
    return int(np.clip(EPOCHS * math.sqrt(ROWS / n_rows), FEWEST_EPOCHS, EPOCHS))


def input_factors(sizes: Sequence[int], weights: Array) -> NDArray[np.float32]:
    """Return what inputs are multiplied by while a network is trained.

    Steps of AdamW are of one size whatever the gradient is, so with many inputs a step changes the
    first layer's outputs more. The factors make it the change with as many inputs as units, which
    is what weights divided by the root of their number do (the neural tangent parametrization of
    RealMLP) without another rate for each layer. And a block's inputs are divided by the root of
    their number, so that one with many bins or levels counts no more than another of the same
    weight: in 26 runs on 13 tables errors fell by 1.3 per cent.

    Parameters
    ----------
    sizes : list of int
        How many inputs each block of the encoded table has: a column, or a part of a date.
    weights : ndarray of shape (n_blocks,)
        How much each of them counts.

    Returns
    -------
    ndarray of shape (n_inputs,)
        Rounded to powers of two, so that inputs and weights can be multiplied and divided by them
        without the loss of a bit.
    """
    found = np.repeat(weights / np.sqrt(np.array(sizes, np.float64)), sizes)
    found *= math.sqrt(WIDTH / (found**2).sum())  # their squares add up to WIDTH
    return np.exp2(np.round(np.log2(found))).astype(np.float32)
