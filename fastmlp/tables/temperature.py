"""Calibrates probabilities by a power: their logarithms divided by a temperature.

Guo et al., arXiv:1706.04599. The power is the reciprocal of the temperature.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
LOWEST = 1e-12  # probabilities are taken for at least this
POWERS = (1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.2)  # that an epoch is judged with
RANGE, N_HALVINGS = (0.1, 4.0), 30


def tempered(probabilities: Array, power: float) -> NDArray[np.float64]:
    """Return the probabilities (n_rows, n_classes) to this power, each row divided by its sum."""
    return joined([probabilities], power)


def joined(several: Sequence[Array], power: float) -> NDArray[np.float64]:
    """Return the geometric mean of several networks' probabilities, to this power.

    The power makes each network's probabilities right. Their arithmetic mean would then be too
    careful, as it is itself less sure than they are; the mean of their logarithms is not.
    """
    logs = np.zeros(several[0].shape)
    for one in several:
        logs += logs_of(one)
    return _raised(logs, power / len(several))


def logs_of(probabilities: Array) -> NDArray[np.float64]:
    """Return the logarithms of probabilities, of which none is 0."""
    logs: NDArray[np.float64] = np.log(np.maximum(probabilities.astype(np.float64), LOWEST))
    return logs


def _raised(logs: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """Return the probabilities with these logarithms to this power; each row adds up to 1."""
    raised = logs * power
    raised -= raised.max(axis=1, keepdims=True)
    np.exp(raised, out=raised)
    raised /= raised.sum(axis=1, keepdims=True)
    return raised


def log_loss(probabilities: Array, encoded: Array, weights: Array | None = None) -> float:
    """Return the mean of -log(the probability of a row's class)."""
    own = probabilities[np.arange(len(encoded)), encoded]
    return float(np.average(-np.log(np.maximum(own, LOWEST)), weights=weights))


def lowest_loss(probabilities: Array, encoded: Array, weights: Array | None = None) -> float:
    """Return the lowest log-loss over some powers, from 1 down for as long as it falls."""
    lowest, logs = np.inf, logs_of(probabilities)  # which take most of the time
    for power in POWERS:
        loss = log_loss(_raised(logs, power), encoded, weights)
        if loss >= lowest:
            break
        lowest = loss
    return float(lowest)


def best_power(probabilities: Array, encoded: Array, weights: Array | None = None) -> float:
    """Return the power with the lowest log-loss, of which there is one: it is convex.

    By golden sections of the power's logarithm.
    """
    ratio, logs = (np.sqrt(5) - 1) / 2, logs_of(probabilities)

    def loss_at(place: float) -> float:
        return log_loss(_raised(logs, float(np.exp(place))), encoded, weights)

    low, high = np.log(RANGE)
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss_at(left), loss_at(right)
    for _ in range(N_HALVINGS):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss_at(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss_at(right)
    return float(np.exp((low + high) / 2))
