"""The network within the page, for its pad to draw on."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.words import listed

if TYPE_CHECKING:
    from fastmlp import MLP

MOST_PARAMETERS = 5_000_000  # 27 MB of text in the page
# Those that pad.js has.
ACTIVATIONS = ("identity", "logistic", "tanh", "relu", "leaky_relu", "silu", "gelu")


def why_no_pad(network: MLP) -> str:
    """Say why there is no pad for a network of square images; empty if there is one."""
    n = sum(w.size + b.size for w, b in zip(*network.parameters, strict=True))
    if n > MOST_PARAMETERS:
        return f"The network has {n:,} parameters: beyond {MOST_PARAMETERS:,} there is no pad."
    foreign = set(network.problem.activations(len(network.weights))) - {*ACTIVATIONS}
    if foreign:
        return f"There is no pad, which lacks the activation {listed(sorted(foreign))}."
    if network.problem.loss != "cross_entropy":
        return f"There is no pad, which lacks the loss {network.problem.loss}."
    return ""


def network_of(network: MLP, side: int, ground: float, ink: float) -> dict[str, Any]:
    """Return what pad.js reads.

    Parameters
    ----------
    network : MLP
        One that `why_no_pad` has no word on.
    side : int
        Of the images.
    ground, ink : float
        What the network takes where nothing is drawn, and where the pen was.

    Returns
    -------
    dict
    """
    layers = zip(*network.parameters, strict=True)
    values = np.concatenate([part.ravel() for layer in layers for part in layer])
    return {
        "side": side,
        "ground": ground,
        "ink": ink,
        "sizes": list(network.layer_sizes),
        "activations": list(network.problem.activations(len(network.weights))),
        "parameters": base64.b64encode(values.astype("<f4").tobytes()).decode(),
    }
