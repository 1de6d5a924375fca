"""Optimisers: compute a vector of new weights and states from the gradient.

An entry emits the formula of the entry of the same name in :mod:`fastmlp.reference.optimizers`.
Square roots and quotients are correctly rounded, so that bits agree at every vector width.

It is fast because it is the end of the update's tiles, where the gradient is still in registers:
weights and states are loaded and stored once per step, and no array of gradients is ever stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastmlp.kernels.codegen.denormals import CAN_FLUSH
from fastmlp.kernels.codegen.numba_types import Entry
from fastmlp.kernels.codegen.simd import Lanes

Step = tuple[Any, Sequence[Any]]


class Optimizer(Entry):
    """An optimiser, which keeps `n_states` arrays of state for each array of weights."""

    n_states = 0

    def step(self, v: Lanes, w: Any, g: Any, states: Sequence[Any], scalars: Sequence[Any]) -> Step:
        """Emit the step of a vector of weights.

        Parameters
        ----------
        v : Lanes
        w, g : vector
            Weights, and the gradient of the batch's mean loss with respect to them.
        states : sequence of vector
        scalars : sequence of vector
            What ``scalars`` of the reference's entry returns, each of them in all lanes.

        Returns
        -------
        w : vector
        states : sequence of vector
        """
        raise NotImplementedError


class SGD(Optimizer):
    def step(self, v: Lanes, w: Any, g: Any, states: Sequence[Any], scalars: Sequence[Any]) -> Step:
        rate, decay = scalars[:2]
        return v.fma(v.negative(rate), g, v.builder.fmul(decay, w)), ()


class Momentum(Optimizer):
    n_states = 1

    def step(self, v: Lanes, w: Any, g: Any, states: Sequence[Any], scalars: Sequence[Any]) -> Step:
        rate, l2, momentum = scalars[:3]
        moved = v.negative(v.builder.fmul(rate, v.fma(l2, w, g)))
        velocity = flush(v, v.fma(momentum, states[0], moved))
        return self.move(v, w, velocity, moved, momentum), [velocity]

    def move(self, v: Lanes, w: Any, velocity: Any, moved: Any, momentum: Any) -> Any:
        return v.builder.fadd(w, velocity)


class Nesterov(Momentum):
    def move(self, v: Lanes, w: Any, velocity: Any, moved: Any, momentum: Any) -> Any:
        return v.builder.fadd(w, v.fma(momentum, velocity, moved))


class Adam(Optimizer):
    n_states = 2

    def step(self, v: Lanes, w: Any, g: Any, states: Sequence[Any], scalars: Sequence[Any]) -> Step:
        rate, l2 = scalars[:2]
        move, states = self.move(v, v.fma(l2, w, g), states, scalars)
        return v.fma(v.negative(rate), move, w), states

    def move(self, v: Lanes, g: Any, states: Sequence[Any], scalars: Sequence[Any]) -> Step:
        """``m / (sqrt(v) + epsilon)``, and the new m and v."""
        b = v.builder
        beta_1, rest_1, beta_2, rest_2, epsilon = scalars[2:7]
        mean = flush(v, v.fma(beta_1, states[0], b.fmul(rest_1, g)))
        square = flush(v, v.fma(beta_2, states[1], b.fmul(rest_2, b.fmul(g, g))))
        return b.fdiv(mean, b.fadd(v.square_root(square), epsilon)), [mean, square]


class AdamW(Adam):
    def step(self, v: Lanes, w: Any, g: Any, states: Sequence[Any], scalars: Sequence[Any]) -> Step:
        rate, decay = scalars[:2]
        move, states = self.move(v, g, states, scalars)
        return v.fma(v.negative(rate), move, v.builder.fmul(decay, w)), states


class Gradient(Optimizer):
    """Adds the gradient to a state and leaves the weights unchanged, as lbfgs needs."""

    n_states = 1

    def step(self, v: Lanes, w: Any, g: Any, states: Sequence[Any], scalars: Sequence[Any]) -> Step:
        return w, [flush(v, v.builder.fadd(states[0], g))]


def flush(v: Lanes, x: Any) -> Any:
    """0 where x is smaller than the smallest normal number, as in the reference's `flush`."""
    if CAN_FLUSH:  # the processor does it while training
        return x
    tiny = float(np.finfo(np.float32 if v.size == 4 else np.float64).tiny)
    is_tiny = v.builder.fcmp_ordered("<", v.magnitude(x), v.full(tiny))
    return v.builder.select(is_tiny, v.full(0.0), x)


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": SGD(),
    "momentum": Momentum(),
    "nesterov": Nesterov(),
    "adam": Adam(),
    "adamw": AdamW(),
    "gradient": Gradient(),
}
