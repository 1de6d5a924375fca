"""Takes tables of any library apart into columns, all of them Series of pandas."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import _num_samples, validate_data

from fastmlp.checks.containers import is_frame, is_sparse
from fastmlp.words import shown


def read_columns(estimator: Any, X: Any, reset: bool) -> list[pd.Series[Any]]:
    """Return the columns of a table; the estimator learns, or checks, their number and names.

    Parameters
    ----------
    estimator : object
        Its `n_features_in_` and `feature_names_in_` are set if `reset`, else compared.
    X : DataFrame of pandas or polars, table of pyarrow, or array-like of shape (n_rows, n_columns)
    reset : bool

    Returns
    -------
    list of pandas.Series
        Their indexes are to be ignored.

    Raises
    ------
    TypeError
        For sparse matrices and what is no table.
    ValueError
        If there are no rows or columns, or others than in `fit`.
    """
    if is_sparse(X):
        raise TypeError("X is a sparse matrix: give a dense table, as X.toarray()")
    if type(X).__name__ == "LazyFrame":
        raise TypeError("X is a LazyFrame: give what it stands for, X.collect()")
    if hasattr(X, "column_names") and hasattr(X, "to_pandas"):  # pyarrow's table
        X = X.to_pandas()  # noqa: N806
    if _is_polars(X):
        _check(estimator, X, reset)
        return [_from_polars(column) for column in X.get_columns()]
    if is_frame(X):
        _check(estimator, X, reset)
        return [X.iloc[:, place] for place in range(X.shape[1])]
    if isinstance(X, list | tuple):
        X = _as_array(X)  # noqa: N806
    # NumPy's own: an array is of one type, and missing values are allowed.
    array = validate_data(estimator, X, dtype=None, ensure_all_finite=False, reset=reset)
    return [pd.Series(array[:, i], name=i, copy=False) for i in range(array.shape[1])]


def _is_polars(X: Any) -> bool:
    return type(X).__module__.startswith("polars.") and hasattr(X, "get_columns")


def _check(estimator: Any, X: Any, reset: bool) -> None:
    """Check a frame as scikit-learn checks an array, without making it one."""
    n_rows = _num_samples(X)
    for n, what in ((n_rows, "sample"), (X.shape[1], "feature")):
        if n == 0:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={X.shape}) while a minimum of 1 is required: "
                "give a table with rows and columns"
            )
    names = [name for name, n in Counter(X.columns).items() if n > 1]
    if names:
        raise ValueError(f"X has several columns of the name {shown(names[0])}: rename them")
    validate_data(estimator, X, skip_check_array=True, reset=reset)


def _as_array(rows: Any) -> Any:
    """Return rows in lists as an array; numbers beside words stay numbers."""
    try:
        array = np.asarray(rows)
    except ValueError:
        return rows  # of unequal length: scikit-learn's message is good
    return np.array(rows, object) if array.dtype.kind in "USO" else array


def _from_polars(column: Any) -> pd.Series[Any]:
    """Return a column of polars, without pyarrow, which `to_pandas` would need."""
    dtype = column.dtype
    name = type(dtype).__name__ if not isinstance(dtype, type) else dtype.__name__
    cells: Any
    if dtype.is_numeric():
        import polars as pl

        has_gaps = column.null_count() > 0 or name == "Decimal"
        cells = (column.cast(pl.Float64) if has_gaps else column).to_numpy()
    elif name == "Datetime":
        cells = column.dt.replace_time_zone(None).dt.cast_time_unit("us").to_numpy()
    elif name in ("Date", "Duration"):
        cells = column.to_numpy()
    elif name in ("Boolean", "String", "Utf8", "Categorical", "Enum", "Time", "Object", "Binary"):
        cells = np.empty(len(column), object)
        cells[:] = column.to_list()
    elif name == "Null":
        cells = np.full(len(column), np.nan)
    else:
        raise TypeError(
            f"X holds {dtype} values in its column {shown(column.name)}: drop that column, or turn "
            "it into numbers or text"
        )
    return pd.Series(cells, name=column.name, copy=False)
