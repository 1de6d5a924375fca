"""Entries from outside the package: an activation, a loss and an optimiser of somebody else's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastmlp import kernels, reference
from fastmlp.kernels.codegen.simd import Lanes
from fastmlp.reference.onnx_nodes import operator

SLOPE = 0.25  # edited by a test


class Shrink(kernels.Activation):
    """z above 0, z times SLOPE below."""

    def function(self, v: Lanes, z: Any) -> Any:
        return v.builder.select(v.is_negative(z), v.builder.fmul(z, v.full(SLOPE)), z)

    def slope(self, v: Lanes, a: Any) -> Any:
        return v.builder.select(v.is_positive(a), v.full(1.0), v.full(SLOPE))


class Absolute(kernels.Loss):
    """|p - y|, with the identity."""

    def output(self, v: Lanes, z: Any) -> Any:
        return z

    def term(self, v: Lanes, p: Any, y: Any, floor: Any) -> Any:
        return v.magnitude(v.builder.fsub(p, y))

    def gradient(self, v: Lanes, p: Any, y: Any) -> Any:
        b = v.builder
        error = b.fsub(p, y)
        negative = b.select(v.is_negative(error), v.full(-1.0), v.full(0.0))
        return b.select(v.is_positive(error), v.full(1.0), negative)


class RMSprop(kernels.Optimizer):
    """w - rate g / (sqrt(s) + epsilon), s a running mean of g squared."""

    n_states = 1

    def step(self, v: Lanes, w: Any, g: Any, states: Sequence[Any], scalars: Sequence[Any]) -> Any:
        b = v.builder
        rate, share, rest, epsilon = scalars[:4]
        square = v.fma(share, states[0], b.fmul(rest, b.fmul(g, g)))
        move = b.fdiv(g, b.fadd(v.square_root(square), epsilon))
        return v.fma(v.negative(rate), move, w), [square]


def rmsprop_scalars(problem: Any, rate: float, l2: float, t: int) -> Any:
    return rate, problem.beta_2, 1 - problem.beta_2, problem.epsilon


def rmsprop(w: Any, g: Any, states: Any, scalars: Any) -> Any:
    rate, share, rest, epsilon = scalars
    square = share * states[0] + rest * g * g
    return w - rate * g / (np.sqrt(square) + epsilon), (square,)


def add() -> None:
    """Put the entries into the tables of both engines."""
    kernels.ACTIVATIONS["shrink"] = Shrink()
    reference.ACTIVATIONS["shrink"] = reference.Activation(
        lambda z: np.where(z < 0, z * z.dtype.type(SLOPE), z),
        lambda a: np.where(a > 0, a.dtype.type(1), a.dtype.type(SLOPE)),
        True,
        operator("LeakyRelu", alpha=SLOPE),
        about=f"{SLOPE} z below 0",
    )
    kernels.LOSSES["absolute"] = Absolute()
    reference.LOSSES["absolute"] = reference.Loss(
        lambda z: z,
        lambda p, y, floor: np.abs(p - y).sum(axis=1),
        lambda p, y: np.sign(p - y),
        lowest=-100.0,
        out_activation="identity",
        onnx=lambda graph, z: z,
        about="numbers from -100 on.",
    )
    kernels.OPTIMIZERS["rmsprop"] = RMSprop()
    reference.OPTIMIZERS["rmsprop"] = reference.Optimizer(1, rmsprop_scalars, rmsprop)
