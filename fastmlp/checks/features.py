"""Checks features, and converts them to the dtypes and layouts that engines take."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp.checks import containers, sparse
from fastmlp.checks.arrays import is_finite
from fastmlp.checks.shapes import check_shape
from fastmlp.checks.user_warnings import warn_user

FEATURE_DTYPES = (np.dtype(np.uint8), np.dtype(np.float32), np.dtype(np.float64))
BLOCK = 2**16  # values that stay in the CPU's cache between minimum and maximum


def as_features(
    x: ArrayLike,
    n_features: int,
    dtype: np.dtype[Any],
    input_scale: float | None = None,
    name: str = "x",
    warn: Callable[[str], object] = warn_user,
) -> Any:
    """Return `x` as the engines take it; values that need no conversion are not copied.

    Parameters
    ----------
    x : array_like or SciPy sparse matrix of shape (n_rows, n_features)
        Any layout, byte order and numeric type, also lists and DataFrames. It is never modified.
    n_features : int
        The number of columns that the network was made for.
    dtype : numpy.dtype
        All types other than uint8, float32 and float64 are converted to it.
    input_scale : float, optional
        Divides integers other than uint8 (the engines divide uint8 themselves).
    name : str
        The argument's name, for error messages.
    warn : callable
        Receives a message if `x` looks as if it should be divided, but holds floats.

    Returns
    -------
    ndarray or SciPy CSR of shape (n_rows, n_features)
        uint8, float32 or float64 in native byte order, C-contiguous, finite; CSR has its indices
        in range, sorted and without duplicates.

    Raises
    ------
    TypeError
        If `x` is not numeric.
    ValueError
        If the shape is wrong, there are no rows, a value is missing or not finite, or an index of
        a sparse matrix is out of range.
    """
    if x is None:
        raise ValueError(f"{name} is None, which has shape (): give rows of {n_features} numbers")
    if _is_plain(x, n_features):  # a shortcut: the other branches take time
        given = features = x
        values = x.reshape(-1)
    elif containers.is_sparse(x):
        own = sparse.own_structure(x, name)
        sparse.refuse_one_based(own, n_features, name)
        check_shape(own.shape, n_features, name)
        features = sparse.as_csr(own)
        given, is_recovered = containers.to_numbers(features.data, name)
        values = _native(given, is_recovered, dtype, input_scale)
        if values is not features.data:
            features = sparse.with_data(features, values)
    else:
        given, is_recovered = containers.to_numbers(x, name)
        # In messages: most containers have no reshape.
        expression = name if isinstance(x, np.ndarray) else f"np.asarray({name})"
        check_shape(given.shape, n_features, name, expression)
        features = np.ascontiguousarray(_native(given, is_recovered, dtype, input_scale))
        values = features.reshape(-1)

    def row_of(place: int) -> int:
        if isinstance(features, np.ndarray):
            return place // n_features
        return int(np.searchsorted(features.indptr[1:], place, side="right"))

    _check_values(values, given, dtype, input_scale, name, warn, row_of)
    return features


def _is_plain(x: Any, n_features: int) -> TypeGuard[NDArray[Any]]:
    """Whether `as_features` returns `x` itself if it is finite."""
    return (
        type(x) is np.ndarray
        and x.ndim == 2
        and x.shape[1] == n_features
        and len(x) > 0
        and x.dtype in FEATURE_DTYPES
        and x.flags.c_contiguous
    )


def _native(
    values: NDArray[Any], is_recovered: bool, dtype: np.dtype[Any], input_scale: float | None
) -> NDArray[Any]:
    """Return `values` as uint8, float32 or float64 in native byte order.

    If integers are to be divided, Booleans, and integers recovered from other containers, become
    uint8 if they fit: so results have the same bits as from a plain array of pixels.
    """
    if input_scale is not None:
        is_pixels = is_recovered and values.size and values.min() >= 0 and values.max() <= 255
        if is_pixels or values.dtype.kind == "b":
            return values.astype(np.uint8)
    native = values.dtype.newbyteorder("=")
    if native in FEATURE_DTYPES:
        return values.astype(native, copy=False)
    converted = values.astype(dtype, order="C")
    if values.dtype.kind in "iu" and input_scale is not None:
        converted /= dtype.type(input_scale)
    return converted


def _check_values(
    values: NDArray[Any],
    given: NDArray[Any],
    dtype: np.dtype[Any],
    input_scale: float | None,
    name: str,
    warn: Callable[[str], object],
    row_of: Callable[[int], Any],
) -> None:
    """Raise if a value is not finite; warn if floats look as if they should be divided."""
    if values.dtype.kind != "f":
        return
    is_short = len(values) <= BLOCK and values.itemsize <= dtype.itemsize
    if is_short and input_scale is None and is_finite(values):
        return
    low, high = _range(values, dtype, name, row_of)
    if given.dtype.kind != "f" or input_scale is None:
        return
    # Standardised features have negative values, and reach 5 or so.
    is_far = high > 2 if low >= 0 else max(-low, high) > math.sqrt(input_scale)
    if is_far and input_scale > 1:
        warn(
            f"{name} holds floats from {low:g} to {high:g}, and input_scale={input_scale:g} "
            f"divides whole numbers only: give floats from 0 to 1, as {name} / {input_scale:g}, "
            f"or whole numbers, as {name}.astype('uint8')"
        )


def _range(
    values: NDArray[Any], dtype: np.dtype[Any], name: str, row_of: Callable[[int], Any]
) -> tuple[float, float]:
    """Return minimum and maximum; raise if a value is NaN, infinite, or too large for `dtype`.

    NaN propagates to minimum and maximum, and fails every comparison. So no temporary array is
    needed, which for isfinite would take a quarter of the features' own size.
    """
    limit = min(np.finfo(dtype).max, np.finfo(values.dtype).max)
    lowest, highest = 0.0, 0.0
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        low, high = block.min(), block.max()
        if not (low >= -limit and high <= limit):
            row = row_of(start + int(np.argmin(np.abs(block) <= limit)))
            raise ValueError(
                f"{name} holds NaN, infinity or a number too large for {dtype} in row {row} "
                "(counted from 0): remove such rows, or fill them, as with np.nan_to_num"
            )
        lowest, highest = min(lowest, low), max(highest, high)
    return lowest, highest


def has_finite_sum(x: np.ndarray) -> bool:
    """Whether all values of an array, and their sum, are finite: one pass without a copy."""
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(x.sum())
