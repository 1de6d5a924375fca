"""The door: every argument is checked and normalised here, once, before any arithmetic.

Behind it, features are two-dimensional, row by row in memory, in this machine's byte order, uint8,
float32 or float64, and finite; labels are whole numbers inside the classes. Raw-pointer kernels
depend on that: a wrong label would make them write foreign memory.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

FEATURE_DTYPES = (np.dtype(np.uint8), np.dtype(np.float32), np.dtype(np.float64))
VALUES_PER_LOOK = 2**16  # they stay in the cache between the minimum and the maximum


def as_count(value: object, name: str) -> int:
    """Return `value` as an int of at least 1, or raise an error that names the argument."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is {value!r}: give a whole number of at least 1") from None
    if count < 1:
        raise ValueError(f"{name} is {count}: give a whole number of at least 1")
    return count


def as_positive(value: object, name: str) -> float:
    """Return `value` as a finite float above 0."""
    number = _as_number(value, name, "a finite number above 0")
    if number <= 0:
        raise ValueError(f"{name} is {value!r}: give a finite number above 0")
    return number


def as_rates(learning_rate: object, lambda_reg: object) -> tuple[float, float]:
    """Return the learning rate and the L2 strength as floats that make sense together."""
    rate = as_positive(learning_rate, "learning_rate")
    decay = _as_number(lambda_reg, "lambda_reg", "0 or a finite number above it")
    if decay < 0:
        raise ValueError(f"lambda_reg is {lambda_reg!r}: give 0 or a finite number above it")
    if rate * decay >= 1:
        raise ValueError(
            f"learning_rate * lambda_reg is {rate * decay:g}, the share of every weight that a "
            "step takes away: make one of them smaller, so that it stays below 1"
        )
    return rate, decay


def as_dtype(dtype: DTypeLike | None) -> np.dtype[Any] | None:
    """Return float32 or float64 as a NumPy dtype; None stays None."""
    if dtype is None:
        return None
    try:
        given = np.dtype(dtype)
    except TypeError:
        given = np.dtype(object)
    if given not in FEATURE_DTYPES[1:]:
        raise ValueError(f"dtype is {dtype!r}: give 'float32' or 'float64'")
    return given


def as_layer_sizes(input_size: object, hidden_size: object, output_size: object) -> tuple[int, ...]:
    """Return every layer's size, input first; `hidden_size` is one size or a sequence of them."""
    hidden = hidden_size if isinstance(hidden_size, Sequence | np.ndarray) else (hidden_size,)
    if len(hidden) == 0:
        raise ValueError("hidden_size is empty: give the size of one hidden layer at least")
    return (
        as_count(input_size, "input_size"),
        *(as_count(size, "hidden_size") for size in hidden),
        as_count(output_size, "output_size"),
    )


def as_random_state(random_state: object) -> np.random.RandomState | None:
    """Return a private generator for a seed, the generator itself, or None for NumPy's own."""
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return random_state
    try:
        seed = operator.index(random_state)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"random_state is {random_state!r}: give a whole number, a numpy RandomState or None"
        ) from None
    if not 0 <= seed < 2**32:
        raise ValueError(f"random_state is {seed}: give a seed from 0 to 4294967295")
    return np.random.RandomState(seed)


def as_features(
    x: ArrayLike,
    n_features: int,
    dtype: np.dtype[Any],
    input_scale: float | None = None,
    name: str = "x",
) -> Any:
    """Return `x` as the engines take it, without a copy wherever it already is so.

    Parameters
    ----------
    x : array_like or SciPy sparse matrix of shape (n_rows, n_features)
        Any layout, byte order and numeric type; lists and DataFrames too. It is never changed.
    n_features : int
        The number of columns that the network was made for.
    dtype : numpy.dtype
        What becomes of types other than uint8, float32 and float64, which stay as they are.
    input_scale : float, optional
        Divides whole numbers other than uint8 (the engines divide uint8 themselves).
    name : str
        The argument's name, for error messages.

    Returns
    -------
    ndarray or SciPy CSR of shape (n_rows, n_features)
        uint8, float32 or float64 in native byte order, C-contiguous, finite; CSR has its indices
        sorted and without duplicates.

    Raises
    ------
    TypeError
        Where `x` is not numeric.
    ValueError
        Where the shape is wrong, there are no rows, or a value is not finite.
    """
    if _is_sparse(x):
        matrix = x.tocsr()  # type: ignore[union-attr]
        _check_shape(matrix.shape, n_features, name)
        values = _native(matrix.data, dtype, input_scale, name)
        if values is not matrix.data or not matrix.has_canonical_format:
            matrix = type(matrix)((values, matrix.indices, matrix.indptr), matrix.shape, copy=True)
            matrix.sum_duplicates()
        ends = matrix.indptr[1:]
        _check_finite(matrix.data, dtype, name, lambda i: np.searchsorted(ends, i, side="right"))
        return matrix
    array = as_numeric(x, name)
    _check_shape(array.shape, n_features, name)
    features = np.ascontiguousarray(_native(array, dtype, input_scale, name))
    _check_finite(features.reshape(-1), dtype, name, lambda i: i // n_features)
    return features


def as_labels(y: ArrayLike, n_rows: int, n_classes: int, name: str = "y") -> NDArray[np.intp]:
    """Return `y` as an intp array of `n_rows` labels, each in 0..n_classes-1.

    Raises
    ------
    TypeError
        Where `y` is not numeric.
    ValueError
        Where the shape is wrong, a label is not whole, or a label is outside the classes.
    """
    labels = as_numeric(y, name)
    if labels.ndim != 1:
        raise ValueError(
            f"{name} has shape {labels.shape}: give one label a row, a one-dimensional array "
            "(np.argmax(y, axis=1) turns one-hot rows into labels, np.ravel(y) a column)"
        )
    if len(labels) != n_rows:
        raise ValueError(f"{name} has {len(labels)} labels for {n_rows} rows: give one for each")
    if n_rows == 0:
        raise ValueError(f"{name} has no labels: give one at least")
    if labels.dtype.kind == "f" and not np.all(labels == np.floor(labels)):
        bad = labels[labels != np.floor(labels)][0]  # NaN differs from itself
        raise ValueError(f"{name} holds {bad}: labels must be whole numbers from 0")
    low, high = labels.min(), labels.max()
    if low < 0 or high >= n_classes:
        raise ValueError(
            f"{name} holds the label {low if low < 0 else high}, outside 0..{n_classes - 1}: "
            "number the classes from 0, or make the network with a larger output_size"
        )
    return np.ascontiguousarray(labels, dtype=np.intp)


def as_shaped(values: ArrayLike, shape: tuple[int | None, ...], name: str) -> NDArray[Any]:
    """Return `values` as float32 or float64 in this shape, where None stands for any length."""
    array = as_numeric(values, name)
    if array.ndim != len(shape) or any(
        wanted not in (None, found) for wanted, found in zip(shape, array.shape, strict=True)
    ):
        wanted = "(" + ", ".join("n" if size is None else str(size) for size in shape) + ")"
        raise ValueError(f"{name} has shape {array.shape}: give an array of shape {wanted}")
    return array if array.dtype in FEATURE_DTYPES[1:] else array.astype(np.float64)


def as_layers(
    arrays: Sequence[ArrayLike], shapes: Sequence[tuple[int, ...]], name: str
) -> list[NDArray[Any]]:
    """Return one array for each layer, in these shapes; the layer's number follows the name."""
    if len(arrays) != len(shapes):
        raise ValueError(
            f"{name}1..{name}{len(arrays)} for {len(shapes)} layers: give one for each"
        )
    pairs = zip(arrays, shapes, strict=True)
    return [as_shaped(a, shape, f"{name}{layer}") for layer, (a, shape) in enumerate(pairs, 1)]


def as_callables(callbacks: Iterable[Any], name: str) -> list[Callable[..., Any]]:
    """Return `callbacks` as a list of functions."""
    try:
        functions = list(callbacks)
    except TypeError:
        raise TypeError(f"{name} is {callbacks!r}: give a list of functions") from None
    for function in functions:
        if not callable(function):
            raise TypeError(f"{name} holds {function!r}: give functions, callback(epoch, logs)")
    return functions


def as_numeric(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return real numbers as an array, in whatever numeric type they have."""
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O":  # Python numbers too large for int64, pandas' nullable types
            array = array.astype(np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is not an array of numbers: give rows of equal length") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} holds {array.dtype} values: give real numbers")
    return array


def _as_number(value: object, name: str, wanted: str) -> float:
    try:
        if isinstance(value, (bool, np.bool_, str, bytes)):
            raise TypeError
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}: give {wanted}") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} is {value!r}: give {wanted}")
    return number


def _is_sparse(x: object) -> bool:
    scipy_sparse = sys.modules.get("scipy.sparse")  # nobody holds one without having imported it
    return scipy_sparse is not None and scipy_sparse.issparse(x)


def _check_shape(shape: tuple[int, ...], n_features: int, name: str) -> None:
    if len(shape) != 2:
        remedy = f"{name}.reshape(1, -1)" if len(shape) == 1 else f"{name}.reshape(len({name}), -1)"
        raise ValueError(f"{name} has shape {shape}: give two dimensions, as in {remedy}")
    if shape[1] != n_features:
        raise ValueError(
            f"{name} has {shape[1]} columns, the network takes {n_features}: "
            f"give {n_features} columns, or make the network with input_size={shape[1]}"
        )
    if shape[0] == 0:
        raise ValueError(f"{name} has no rows: give one at least")


def _native(
    values: NDArray[Any], dtype: np.dtype[Any], input_scale: float | None, name: str
) -> NDArray[Any]:
    """Return `values` as uint8, float32 or float64 in native byte order."""
    native = values.dtype.newbyteorder("=")
    if native in FEATURE_DTYPES:
        return values.astype(native, copy=False)
    converted = values.astype(dtype, order="C")
    if values.dtype.kind in "iu" and input_scale is not None:
        converted /= dtype.type(input_scale)
    return converted


def _check_finite(
    values: NDArray[Any], dtype: np.dtype[Any], name: str, row_of: Callable[[int], Any]
) -> None:
    """Raise where a value is NaN, infinite, or too large for `dtype`, looking at few at a time.

    A comparison with NaN is false, so that minimum and maximum find it without any temporary
    array, which for isfinite would be a quarter of the features' own size.
    """
    if values.dtype.kind != "f":
        return
    limit = min(np.finfo(dtype).max, np.finfo(values.dtype).max)
    for start in range(0, len(values), VALUES_PER_LOOK):
        look = values[start : start + VALUES_PER_LOOK]
        if not (look.min() >= -limit and look.max() <= limit):
            row = row_of(start + int(np.argmin(np.abs(look) <= limit)))
            raise ValueError(
                f"{name} holds NaN, infinity or a number too large for {dtype} in row {row}: "
                "remove such rows, or fill them, as with np.nan_to_num"
            )
