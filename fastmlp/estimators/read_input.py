"""Checks X, y and sample_weight by scikit-learn's rules, and with its messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import _check_sample_weight, validate_data

from fastmlp.checks import refuse_missing, times
from fastmlp.checks.features import has_finite_sum
from fastmlp.checks.sparse import as_csr, own_structure
from fastmlp.engine import Features
from fastmlp.estimators import by_hand

Array = NDArray[Any]
NUMERIC_KINDS = "biufc"  # NumPy's letters for numeric dtypes
FLOAT32, FLOAT64, UINT8 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.uint8)


def read_rows(
    estimator: Any, X: Any, y: Any, reset: bool, n_epochs: int = 1, **y_rules: Any
) -> tuple[Any, Any, Features]:
    """Return features and targets that fit together, and the features as read by the engine.

    The engine prepares them for `n_epochs`. `y_rules` go to scikit-learn's check of y.
    """
    read = estimator._engine.read
    if isinstance(y, list | tuple):
        y = refuse_missing(y, "y")
    is_plain_x = _is_plain_array(X) if reset else is_plain(estimator, X)
    if is_plain_x and _are_plain_targets(y, len(X)):
        features = read(X, n_epochs)
        if features.are_finite or has_finite_sum(X):
            if reset:  # stores the number of columns, and removes earlier names
                validate_data(estimator, X, skip_check_array=True)
            return X, y, features
    y = refuse_missing(y, "y")
    X, y = _sound(X, "X"), _sound(y, "y")  # noqa: N806 - as scikit-learn has it
    _refuse_times(X, "X")
    if "y_numeric" in y_rules and times.kind_of(getattr(y, "dtype", None)) == "O":
        _refuse_times(y, "y")
    with _refusing_overflow("X or y"):
        x, y = validate_data(
            estimator, X, y, accept_sparse="csr", dtype=_dtypes(estimator, X), order="C",
            multi_output=True, reset=reset, **y_rules,
        )  # fmt: skip
    x = _canonical(x)
    return x, y, read(x, n_epochs)


def way_of_reading(estimator: Any, X: Any) -> tuple[Any, ...]:
    """Return what `read_rows` goes by, besides the rows: where it is equal, so is what it reads."""
    is_kept = getattr(X, "dtype", None) in (FLOAT64, FLOAT32, UINT8)
    dtypes = () if is_kept else tuple(_dtypes(estimator, X))
    return estimator._engine, dtypes, tuple(sorted(estimator._y_rules.items()))


def read_features(estimator: Any, X: Any) -> Any:
    """Return features with the columns that the estimator was fitted on."""
    x = X
    if not (is_plain(estimator, X) and has_finite_sum(X)):
        x = _sound(X, "X")
        _refuse_times(x, "X")
        with _refusing_overflow("X"):
            x = validate_data(
                estimator, x, accept_sparse="csr", dtype=_dtypes(estimator, x), order="C",
                reset=False,
            )  # fmt: skip
        x = _canonical(x)
    if x.shape[1] != (n_features := by_hand.n_features(estimator)):
        # scikit-learn does not check this without `n_features_in_`.
        raise ValueError(f"X has {x.shape[1]} features, but the network takes {n_features}")
    if x.dtype == FLOAT64 and np.asarray(estimator.coefs_[0]).dtype == FLOAT32:
        _check_range(x)
    return x


def _check_range(x: Any) -> None:
    """Raise ValueError if a value would be infinite in float32."""
    values = x if isinstance(x, np.ndarray) else x.data
    largest = max(values.max(initial=0), -values.min(initial=0))
    if largest > np.finfo(FLOAT32).max:
        raise ValueError(
            f"X holds {largest:g}, too large for the network's float32: scale the data "
            "(StandardScaler), or fit with dtype='float64'"
        )


def is_plain(estimator: Any, X: Any) -> bool:
    """Whether scikit-learn's checks would accept a finite `X` and return it unchanged.

    They take longer than predicting a row.
    """
    return (
        _is_plain_array(X)
        and X.shape[1] == by_hand.n_features(estimator)
        and not hasattr(estimator, "feature_names_in_")
    )


def _is_plain_array(X: Any) -> bool:
    """Whether `X` is an array that the engine takes as it is, if it is finite."""
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.size > 0
        and X.dtype in (FLOAT64, FLOAT32)
        and bool(X.flags.c_contiguous)
    )


def _are_plain_targets(y: Any, n_rows: int) -> bool:
    """Whether scikit-learn's checks would accept `y` and return it unchanged."""
    return (
        type(y) is np.ndarray
        and y.shape == (n_rows,)
        and (y.dtype.kind in "biu" or (y.dtype.kind == "f" and bool(np.isfinite(y).all())))
    )


def _dtypes(estimator: Any, X: Any) -> list[np.dtype[Any]]:
    """Return the dtypes that are not converted; others are converted to the first one."""
    is_narrow = estimator.dtype == "float32" or getattr(X, "dtype", None) == np.float16
    if estimator.dtype == "auto" and hasattr(X, "dtypes") and hasattr(X, "columns"):
        is_narrow = bool(len(X.columns)) and all(
            dtype in (np.float16, np.float32) for dtype in X.dtypes
        )
    return [FLOAT32, FLOAT64, UINT8] if is_narrow else [FLOAT64, FLOAT32, UINT8]


@contextmanager
def _refusing_overflow(name: str) -> Iterator[None]:
    """Turn NumPy's error on an integer that no float holds into a ValueError, as on infinity."""
    try:
        yield
    except OverflowError:
        raise ValueError(
            f"{name} holds an integer too large for float64: remove such rows"
        ) from None


def _refuse_times(given: Any, name: str) -> None:
    """Raise TypeError if there are dates or times, in columns or among object cells."""
    columns = times.columns_of(given)
    times.refuse_time_columns(columns, name)
    dtypes = [dtype for _, dtype in columns] or [getattr(given, "dtype", None)]
    if issparse(given) or all(times.kind_of(dtype) in NUMERIC_KINDS for dtype in dtypes):
        return
    try:
        array = np.asarray(given)
    except (TypeError, ValueError):  # scikit-learn's message is better
        return
    found = times.first_time(array) if array.dtype.kind == "O" else None
    dtype = array.dtype if found is None else found.dtype
    if times.is_time(dtype):
        raise TypeError(
            f"{name} holds {dtype} values: turn them into numbers, such as days since the first"
        )


def _sound(x: Any, name: str) -> Any:
    """Check the structure of sparse matrices, because SciPy's conversions trust the indices."""
    return own_structure(x, name) if issparse(x) else x


def _canonical(x: Any) -> Any:
    return x if isinstance(x, np.ndarray) else as_csr(x)


def network_dtype(setting: str, x: Any) -> np.dtype[Any]:
    """Return the dtype of weights for a fit on `x`."""
    if setting != "auto":
        return np.dtype(setting)
    return FLOAT32 if x.dtype == FLOAT32 else FLOAT64


def read_sample_weight(sample_weight: Any, x: Any, is_part: bool = False) -> Array | None:
    """Return weights (n_rows,), none of them negative; None stays None.

    Not all of them are 0, but of a part of the rows they may be.
    """
    if sample_weight is None:
        return None
    _refuse_times(sample_weight, "sample_weight")
    with _refusing_overflow("sample_weight"):
        weights: Array = _check_sample_weight(
            sample_weight, x, ensure_non_negative=True, allow_all_zero_weights=is_part
        )
    return weights
