"""Optimisers: compute the parameters after a step from the parameters and their gradient.

Notation: w is a parameter (weights or biases), g the gradient of the batch's mean loss with respect
to it, without L2, and states a tuple of arrays; all have one shape and dtype, float32 or float64.
rate is the learning rate, l2 the strength of L2 (0 for biases), t the step's index, from 1. A step
returns new arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.problem import Problem

Array = NDArray[Any]
States = tuple[Array, ...]
Scalars = tuple[float, ...]
USUAL_RATE = 0.01
ADAM_RATE = 0.001  # for steps whose length depends on the rate, not on the gradient


class Optimizer(NamedTuple):
    """An optimiser.

    Attributes
    ----------
    n_states : int
        Arrays of state per parameter, of its shape and dtype, initially zero.
    scalars : callable
        ``scalars(problem, rate, l2, t)``: the scalars of step t, which depend on nothing else.
        With arrays of several steps' arguments, it returns arrays.
    step : callable
        ``step(w, g, states, scalars)``: the parameter and its states after the step.
    usual_rate : float
        The command line's default learning rate.
    about : str
        A note that lists of names add in brackets, if any.
    """

    n_states: int
    scalars: Callable[[Problem, float, float, int], Scalars]
    step: Callable[[Array, Array, States, Scalars], tuple[Array, States]]
    usual_rate: float = USUAL_RATE
    about: str = ""


def flush(state: Array) -> Array:
    """Return `state` with denormals, numbers below the dtype's smallest normal one, set to 0.

    If a gradient stays 0, states decay for ever, and arithmetic on denormals takes a core a hundred
    times as long. NaN stays NaN. On processors that can do it, the compiled engine flushes all
    denormal results to 0 while it trains (`denormals`).
    """
    return np.where(np.abs(state) < np.finfo(state.dtype).tiny, state.dtype.type(0), state)


def sgd_scalars(problem: Problem, rate: float, l2: float, t: int) -> Scalars:
    """Return (rate, decay), where decay = 1 - rate l2."""
    return rate, 1 - rate * l2


def sgd(w: Array, g: Array, states: States, scalars: Scalars) -> tuple[Array, States]:
    """Return w - rate (g + l2 w), computed as decay w - rate g: plain gradient descent."""
    rate, decay = scalars
    return decay * w - rate * g, ()


def momentum_scalars(problem: Problem, rate: float, l2: float, t: int) -> Scalars:
    """Return (rate, l2, momentum)."""
    return rate, l2, problem.momentum


def momentum(w: Array, g: Array, states: States, scalars: Scalars) -> tuple[Array, States]:
    """Return w + v with v = momentum v - rate (g + l2 w).

    Source: SGDOptimizer of ``sklearn/neural_network/_stochastic_optimizers.py``. PyTorch keeps
    -v / rate instead, which differs only if the rate changes during training.
    """
    rate, l2, share = scalars
    (v,) = states
    v = flush(share * v - rate * (g + l2 * w))
    return w + v, (v,)


def nesterov(w: Array, g: Array, states: States, scalars: Scalars) -> tuple[Array, States]:
    """Return w + momentum v - rate (g + l2 w) with v as in `momentum`, after its step.

    Source: SGDOptimizer of ``sklearn/neural_network/_stochastic_optimizers.py``.
    """
    rate, l2, share = scalars
    (v,) = states
    movement = rate * (g + l2 * w)
    v = flush(share * v - movement)
    return w + (share * v - movement), (v,)


def adam_scalars(problem: Problem, rate: float, l2: float, t: int) -> Scalars:
    """Return (rate_t, l2, b1, 1 - b1, b2, 1 - b2, epsilon); see `corrected_rate` for rate_t."""
    b1, b2 = problem.beta_1, problem.beta_2
    return corrected_rate(problem, rate, t), l2, b1, 1 - b1, b2, 1 - b2, problem.epsilon


def corrected_rate(problem: Problem, rate: float, t: int) -> float:
    """Return rate sqrt(1 - b2^t) / (1 - b1^t), which contains both of Adam's bias corrections.

    This is the form at the end of section 2 of Kingma and Ba, arXiv:1412.6980, and scikit-learn's:
    epsilon then is their "epsilon hat", added to the root of v without correction.
    """
    corrected = rate * np.sqrt(1 - problem.beta_2**t) / (1 - problem.beta_1**t)
    # Unlike NumPy's, a Python float does not change the dtype of the arrays that it multiplies.
    return corrected if np.ndim(corrected) else float(corrected)


def adam(w: Array, g: Array, states: States, scalars: Scalars) -> tuple[Array, States]:
    """Return w - rate_t m / (sqrt(v) + epsilon) (Kingma and Ba, arXiv:1412.6980).

    With g = g + l2 w: m = b1 m + (1 - b1) g and v = b2 v + (1 - b2) g^2.
    """
    rate, l2, *betas, epsilon = scalars
    m, v = moments(g + l2 * w, states, *betas)
    return w - rate * (m / (np.sqrt(v) + epsilon)), (m, v)


def adamw_scalars(problem: Problem, rate: float, l2: float, t: int) -> Scalars:
    """Return (rate_t, decay, b1, 1 - b1, b2, 1 - b2, epsilon), where decay = 1 - rate l2."""
    corrected, _, *rest = adam_scalars(problem, rate, l2, t)
    return corrected, 1 - rate * l2, *rest


def adamw(w: Array, g: Array, states: States, scalars: Scalars) -> tuple[Array, States]:
    """Return decay w - rate_t m / (sqrt(v) + epsilon) (Loshchilov and Hutter, arXiv:1711.05101).

    m and v are Adam's, of the gradient without L2. The decay is PyTorch's, 1 - rate l2: the
    paper's schedule multiplier is the rate itself.
    """
    rate, decay, *betas, epsilon = scalars
    m, v = moments(g, states, *betas)
    return decay * w - rate * (m / (np.sqrt(v) + epsilon)), (m, v)


def moments(g: Array, states: States, b1: float, c1: float, b2: float, c2: float) -> States:
    """Return Adam's running means, b1 m + c1 g and b2 v + c2 g^2, with c1 = 1 - b1, c2 = 1 - b2."""
    m, v = states
    return flush(b1 * m + c1 * g), flush(b2 * v + c2 * (g * g))


def gradient_scalars(problem: Problem, rate: float, l2: float, t: int) -> Scalars:
    """Return no scalars: neither rate nor L2 is used."""
    return ()


def gradient(w: Array, g: Array, states: States, scalars: Scalars) -> tuple[Array, States]:
    """Return w itself, and add g to the state, for callers that take the step themselves."""
    (total,) = states
    return w, (flush(total + g),)


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer(0, sgd_scalars, sgd),
    "momentum": Optimizer(1, momentum_scalars, momentum),
    "nesterov": Optimizer(1, momentum_scalars, nesterov),
    "adam": Optimizer(2, adam_scalars, adam, ADAM_RATE),
    "adamw": Optimizer(2, adamw_scalars, adamw, ADAM_RATE, "whose L2 is decoupled decay"),
    "gradient": Optimizer(1, gradient_scalars, gradient),
}
