"""Activations: compute functions of a vector, and their slopes.

An entry emits the formulas of the entry of the same name in :mod:`fastmlp.reference.activations`.
ReLU and the identity are part of a product's tiles, and so cost no pass over memory; others are a
pass over rows that have just been written (`activation_pass`).
"""

from __future__ import annotations

from typing import Any

from fastmlp.kernels.codegen.numba_types import Entry
from fastmlp.kernels.codegen.simd import Lanes
from fastmlp.kernels.entries import elementary

# The epilogue of a tile, what happens to it before it is stored: nothing; ReLU; or elements are set
# to 0 where `mask`, the outputs of a layer with ReLU, is not above 0.
STORE, RELU, RELU_MASK = 0, 1, 2
LEAK = 0.01  # the slope of leaky ReLU below 0


class Activation(Entry):
    """An activation.

    Attributes
    ----------
    of_output : bool
        Whether the slope is computed from the output; else from the pre-activation.
    epilogue : int
        The epilogue of forward products: RELU, or STORE.
    is_whole : bool
        Whether that computes the function, so that it needs no pass of its own.
    mask : int
        With `is_whole`: the epilogue that multiplies by the slope in backward products.
    """

    of_output = True
    epilogue = STORE
    is_whole = False
    mask = STORE

    def function(self, v: Lanes, z: Any) -> Any:
        """Emit the output for the vector `z`."""
        raise NotImplementedError

    def slope(self, v: Lanes, a: Any) -> Any:
        """Emit the derivative, from the output or the pre-activation; see `of_output`."""
        raise NotImplementedError


class Identity(Activation):
    is_whole = True

    def function(self, v: Lanes, z: Any) -> Any:
        return z

    def slope(self, v: Lanes, a: Any) -> Any:
        return v.full(1.0)


class ReLU(Activation):
    epilogue, mask, is_whole = RELU, RELU_MASK, True

    def function(self, v: Lanes, z: Any) -> Any:
        return v.relu(z)

    def slope(self, v: Lanes, a: Any) -> Any:
        return v.builder.select(v.is_positive(a), v.full(1.0), v.full(0.0))


class LeakyReLU(Activation):
    def function(self, v: Lanes, z: Any) -> Any:
        return v.builder.select(v.is_negative(z), v.builder.fmul(z, v.full(LEAK)), z)

    def slope(self, v: Lanes, a: Any) -> Any:
        return v.builder.select(v.is_positive(a), v.full(1.0), v.full(LEAK))


class Logistic(Activation):
    def function(self, v: Lanes, z: Any) -> Any:
        return elementary.logistic(v, z)

    def slope(self, v: Lanes, a: Any) -> Any:
        return v.builder.fmul(a, v.builder.fsub(v.full(1.0), a))


class Tanh(Activation):
    def function(self, v: Lanes, z: Any) -> Any:
        return elementary.tanh(v, z)

    def slope(self, v: Lanes, a: Any) -> Any:
        return v.fma(v.negative(a), a, v.full(1.0))


class SiLU(Activation):
    of_output = False

    def function(self, v: Lanes, z: Any) -> Any:
        return v.builder.fmul(z, elementary.logistic(v, z))

    def slope(self, v: Lanes, a: Any) -> Any:
        b = v.builder
        share = elementary.logistic(v, a)
        rest = b.fsub(v.full(1.0), share)
        return b.fmul(share, v.fma(a, rest, v.full(1.0)))


class GELU(Activation):
    of_output = False

    def function(self, v: Lanes, z: Any) -> Any:
        return v.builder.fmul(z, elementary.normal_cdf(v, z))

    def slope(self, v: Lanes, a: Any) -> Any:
        density = elementary.normal_density(v, a)
        return v.fma(a, density, elementary.normal_cdf(v, a))


ACTIVATIONS: dict[str, Activation] = {
    "identity": Identity(),
    "logistic": Logistic(),
    "tanh": Tanh(),
    "relu": ReLU(),
    "leaky_relu": LeakyReLU(),
    "silu": SiLU(),
    "gelu": GELU(),
}
