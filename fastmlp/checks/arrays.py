"""Checks a network's own arrays: weights, biases, activations, gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp.checks.arguments import NETWORK_DTYPES
from fastmlp.checks.containers import as_numeric


def as_shaped(values: ArrayLike, shape: tuple[int | None, ...], name: str) -> NDArray[Any]:
    """Return `values` as float32 or float64 of this shape; None stands for any length."""
    array = as_numeric(values, name)
    if array.ndim != len(shape) or any(
        wanted not in (None, found) for wanted, found in zip(shape, array.shape, strict=True)
    ):
        wanted = "(" + ", ".join("n" if size is None else str(size) for size in shape) + ")"
        raise ValueError(f"{name} has shape {array.shape}: give an array of shape {wanted}")
    return array if array.dtype in NETWORK_DTYPES else array.astype(np.float64)


def as_layers(
    arrays: Sequence[ArrayLike], shapes: Sequence[tuple[int, ...]], name: str
) -> list[NDArray[Any]]:
    """Return one array per layer, of these shapes; errors name layer 1 of "w" as "w1"."""
    if len(arrays) != len(shapes):
        raise ValueError(
            f"{name}1..{name}{len(arrays)} for {len(shapes)} layers: give one for each"
        )
    pairs = zip(arrays, shapes, strict=True)
    return [
        a if _is_plain(a, shape) else as_shaped(a, shape, f"{name}{layer}")
        for layer, (a, shape) in enumerate(pairs, 1)
    ]


def _is_plain(values: ArrayLike, shape: tuple[int, ...]) -> TypeGuard[NDArray[Any]]:
    """Whether `as_shaped` would return `values` itself; asking it takes as long as some rows."""
    return type(values) is np.ndarray and values.shape == shape and values.dtype in NETWORK_DTYPES


def as_finite(arrays: Sequence[NDArray[Any]], name: str) -> None:
    """Raise if a layer's array holds NaN or infinity; errors name layer 1 of "w" as "w1"."""
    for layer, array in enumerate(arrays, 1):
        if not is_finite(array):
            raise ValueError(
                f"{name}{layer} holds NaN or infinity, as after a training that diverged: "
                "train anew, with smaller inputs or a smaller learning_rate"
            )


def is_finite(array: NDArray[Any]) -> bool:
    """Whether all values are finite."""
    return bool(np.isfinite(array).all())
