"""Checks the shape of features, and suggests how to reshape an array that doesn't fit."""

from __future__ import annotations

import math


def check_shape(
    shape: tuple[int, ...], n_features: int, name: str, array: str | None = None
) -> None:
    """Raise ValueError unless `shape` is (n_rows, n_features) with at least one row.

    `array` is the Python expression that remedies reshape, if it isn't `name` itself.
    """
    remedy = _remedy(shape, n_features, array or name)
    if len(shape) != 2:
        raise ValueError(f"{name} has shape {shape}: give two dimensions, {remedy}")
    if shape[1] != n_features:
        raise ValueError(
            f"{name} has {shape[1]} columns, the network takes {n_features}: give {n_features} "
            f"columns, {remedy or f'or make the network with input_size={shape[1]}'}"
        )
    if shape[0] == 0:
        raise ValueError(f"{name} has no rows: give at least one")


def _remedy(shape: tuple[int, ...], n_features: int, array: str) -> str:
    """How to reshape an array to rows of `n_features` values; "" if that is impossible."""
    n_values = math.prod(shape)
    if len(shape) > 1 and shape[0] > 0 and math.prod(shape[1:]) == n_features:
        return f"as in {array}.reshape(len({array}), -1)"
    if n_values == n_features:
        return f"as in {array}.reshape(1, -1)"
    if len(shape) == 1 and n_values and n_values % n_features == 0:
        return f"as in {array}.reshape(-1, {n_features})"
    if len(shape) > 1 and math.prod(shape[:-1]) == n_features:
        return f"as in {array}.reshape({n_features}, -1).T"
    return "" if len(shape) == 2 else f"rows of {n_features} numbers each"
