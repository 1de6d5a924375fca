"""What the networks of a table are, and how they are trained: settings found by experiment.

Most are those of RealMLP (Holzmueller, Grinsztajn and Steinwart, "Better by Default",
arXiv:2407.04491), with smaller layers and fewer epochs, which suit a CPU.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

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


def input_factor(n_inputs: int) -> np.float32:
    """Return what inputs are multiplied by while a network is trained.

    Steps of AdamW are of one size whatever the gradient is, so with many inputs a step changes the
    first layer's outputs more. The factor makes it the change with as many inputs as units, which
    is what weights divided by the root of their number do (the neural tangent parametrization of
    RealMLP) without another rate for each layer. It is rounded to a power of two, so that inputs
    and weights can be divided by it without the loss of a bit.
    """
    return np.float32(2.0 ** round(math.log2(WIDTH / n_inputs) / 2))
