"""Activations of hidden layers: a = f(z), element by element, and their derivatives.

Each takes an array of float32 or float64 of any shape, a layer's being (n, n_units), and returns a
new one of the same shape and dtype. NaN stays NaN, so that a diverged run is noticed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp.reference.c_code import each
from fastmlp.reference.onnx_nodes import Graph, Nodes, operator

Array = NDArray[Any]
LEAKY_SLOPE = 0.01  # of leaky_relu below zero; PyTorch's default
C_LOGISTIC = each("1 / (1 + expf(-z[i]))")


class Activation(NamedTuple):
    """An activation with its derivative.

    Attributes
    ----------
    function : callable
        Activations a from pre-activations z.
    derivative : callable
        da/dz, of the output a if `of_output`, else of z.
    of_output : bool
        Whether `derivative` takes a; else z.
    onnx : callable, optional
        Adds the function's ONNX nodes; see `onnx_nodes`. Without it, `to_onnx` is not possible.
    about : str
        A note that lists of names add in brackets, if any.
    spread : float
        Estimators draw initial weights from +-sqrt(spread / (n_in + n_out)).
    c : str, optional
        C statements that compute the function; see `c_code`. Without them, `to_c` is not possible.
    """

    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    of_output: bool
    onnx: Nodes | None = None
    about: str = ""
    spread: float = 6.0
    c: str | None = None


def identity(z: Array) -> Array:
    """Return z: a linear layer."""
    return z


def identity_nodes(graph: Graph, z: str) -> str:
    """Return `z` without adding a node."""
    return z


def identity_derivative(a: Array) -> Array:
    """Return 1."""
    return np.ones_like(a)


def logistic(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)), computed from the exponential that can't overflow."""
    return np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z)))


def logistic_derivative(a: Array) -> Array:
    """Return a (1 - a), from the output."""
    return a * (1 - a)


def tanh(z: Array) -> Array:
    """Return the hyperbolic tangent of z."""
    return np.tanh(z)


def tanh_derivative(a: Array) -> Array:
    """Return 1 - a^2, from the output."""
    return 1 - a * a


def relu(z: ArrayLike) -> Array:
    """Return max(z, 0).

    Parameters
    ----------
    z : array_like

    Returns
    -------
    ndarray
        Of the shape and dtype of `z`.
    """
    return np.maximum(z, 0)


def relu_derivative(z: ArrayLike) -> Array:
    """Return 1 where z > 0, else 0: ReLU'(0) = 0.

    Activations may be passed instead of z, since they are positive for the same elements.

    Parameters
    ----------
    z : array_like

    Returns
    -------
    ndarray
        Of the shape and dtype of `z`.
    """
    z = np.asarray(z)
    return (z > 0).astype(z.dtype)


def leaky_relu(z: Array) -> Array:
    """Return z where z > 0, else 0.01 z (Maas, Hannun and Ng, 2013)."""
    return np.where(z > 0, z, LEAKY_SLOPE * z)


def leaky_relu_derivative(a: Array) -> Array:
    """Return 1 where a > 0, else 0.01, at 0 too: the output has the sign of z."""
    return np.where(a > 0, np.ones_like(a), a.dtype.type(LEAKY_SLOPE))


def silu(z: Array) -> Array:
    """Return z logistic(z) (Elfwing, Uchibe and Doya, 2017, arXiv:1702.03118)."""
    return z * logistic(z)


def silu_derivative(z: Array) -> Array:
    """Return s (1 + z (1 - s)) with s = logistic(z), where 1 - s is taken as logistic(-z)."""
    return logistic(z) * (1 + z * logistic(-z))


def silu_nodes(graph: Graph, z: str) -> str:
    """Add z logistic(z)."""
    return graph.add("Mul", z, graph.add("Sigmoid", z))


def normal_cdf(z: Array) -> Array:
    """Return Phi(z), the standard normal distribution function.

    Phi(z) = erfc(-z / sqrt(2)) / 2, which is (1 + erf(z / sqrt(2))) / 2 without its cancellation
    where z is far below 0. It is computed in double precision, whatever the dtype, then rounded.
    """
    shares = [0.5 * math.erfc(-value / math.sqrt(2)) for value in z.ravel().tolist()]
    return np.array(shares, dtype=z.dtype).reshape(z.shape)


def normal_density(z: Array) -> Array:
    """Return exp(-z^2 / 2) / sqrt(2 pi), the derivative of `normal_cdf`."""
    return np.exp(-0.5 * z * z) * (1 / math.sqrt(2 * math.pi))


def gelu(z: Array) -> Array:
    """Return z Phi(z), exact, not by tanh (Hendrycks and Gimpel, arXiv:1606.08415)."""
    return z * normal_cdf(z)


def gelu_derivative(z: Array) -> Array:
    """Return Phi(z) + z phi(z), phi being the normal density."""
    return normal_cdf(z) + z * normal_density(z)


def gelu_nodes(graph: Graph, z: str) -> str:
    """Add z (1 + erf(z / sqrt(2))) / 2: ONNX has no erfc."""
    share = graph.add("Add", graph.add("Erf", graph.add("Mul", z, 1 / math.sqrt(2))), 1.0)
    return graph.add("Mul", graph.add("Mul", z, share), 0.5)


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(identity, identity_derivative, True, identity_nodes, c=""),
    "logistic": Activation(
        logistic,
        logistic_derivative,
        of_output=True,
        onnx=operator("Sigmoid"),
        spread=2.0,
        c=C_LOGISTIC,
    ),
    "tanh": Activation(tanh, tanh_derivative, True, operator("Tanh"), c=each("tanhf(z[i])")),
    "relu": Activation(
        relu, relu_derivative, True, operator("Relu"), c=each("z[i] < 0 ? 0 : z[i]")
    ),
    "leaky_relu": Activation(
        leaky_relu,
        leaky_relu_derivative,
        of_output=True,
        onnx=operator("LeakyRelu", alpha=LEAKY_SLOPE),
        about=f"its slope is {LEAKY_SLOPE}",
        c=each(f"z[i] < 0 ? {LEAKY_SLOPE}f * z[i] : z[i]"),
    ),
    "silu": Activation(
        silu, silu_derivative, False, silu_nodes, c=each("z[i] / (1 + expf(-z[i]))")
    ),
    "gelu": Activation(
        gelu,
        gelu_derivative,
        of_output=False,
        onnx=gelu_nodes,
        about="exact, not by tanh",
        c=each(f"z[i] * (0.5f * erfcf(z[i] * {-1 / math.sqrt(2)}f))"),
    ),
}
