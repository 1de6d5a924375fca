"""Converts containers of real values (lists, frames, object or masked arrays) to plain arrays.

The result depends on the values, not on the container. NumPy has no integer dtype for some
containers of integers: arrays of objects, or frames with columns of several types, which it
converts to floats. If at least one cell or column has an integer type, and all values are whole,
they become integers here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp.checks.times import TIMES, columns_of, first_time, refuse_time_columns
from fastmlp.words import shown

INTEGER_TYPES = (int, np.integer, np.bool_)
LARGEST = 2.0**63  # whole values from here on remain floats


def as_numeric(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return real numbers as an array, of whatever numeric type they have.

    Raises
    ------
    TypeError
        If there is anything but numbers; the message says what, and where.
    ValueError
        If a value is missing: masked, or pandas' NA.
    """
    return to_numbers(values, name)[0]


def to_numbers(values: ArrayLike, name: str) -> tuple[NDArray[Any], bool]:
    """Return `as_numeric`, and whether it recovered integers that had no integer dtype."""
    refuse_masked(values, name)
    if is_frame(values):
        return _from_frame(values, name)
    refuse_time_columns(columns_of(values), name)
    array = found = to_array(values, name)
    if found.dtype.kind == "O":
        array = _from_cells(found, name)
    elif found.dtype.kind == "f" and isinstance(values, list | tuple) and is_whole(found):
        array = _from_cells(np.array(values, dtype=object), name, found)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} holds {array.dtype} values: give real numbers")
    return array, array is not found and array.dtype.kind == "i"


def to_array(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return `values` as an array of any type, or raise TypeError saying why that is impossible."""
    refuse_no_array(values, name)
    try:
        return np.asarray(values)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is not an array of numbers: give rows of equal length") from None


def refuse_no_array(values: object, name: str) -> None:
    """Raise TypeError for containers that NumPy would treat as a single object."""
    kind = type(values).__name__
    if is_sparse(values):
        raise TypeError(f"{name} is a sparse {kind}: give an array, as in {name}.toarray()")
    if isinstance(values, Mapping):
        raise TypeError(
            f"{name} is a {kind}: give an array, as pd.DataFrame({name}) makes of named columns"
        )
    if isinstance(values, set | frozenset):
        raise TypeError(f"{name} is a {kind}, which has no order: give a list or an array")
    protocols = ("__getitem__", "__array__", "__array_interface__")
    if isinstance(values, Iterable) and not any(hasattr(values, name) for name in protocols):
        raise TypeError(f"{name} is a {kind}: give an array, as in np.array(list({name}))")


def refuse_masked(values: object, name: str) -> None:
    """Raise ValueError if a value of a masked array, or of a list of them, is masked."""
    if "numpy.ma" not in sys.modules:  # nobody has imported it (50 ms), so nothing is masked
        return
    if isinstance(values, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(values)
        if mask.any():
            where = np.argwhere(mask)[0]
            row = f"row {where[0]} (counted from 0)" if len(where) else "it"
            raise ValueError(
                f"{name} is masked in {row}, so {np.count_nonzero(mask)} values are missing: "
                f"remove such rows, or fill them, as with {name}.filled(0)"
            )
    elif isinstance(values, list | tuple):
        if not any(issubclass(kind, np.ma.MaskedArray) for kind in {*map(type, values)}):
            return  # without looking at each element, which is slow
        for i, cells in enumerate(values):
            if isinstance(cells, np.ma.MaskedArray) and np.ma.is_masked(cells):
                raise ValueError(
                    f"{name} is masked in row {i} (counted from 0), so values are missing: "
                    "remove such rows, or fill them, as with np.ma.filled"
                )


def is_sparse(x: object) -> bool:
    """Whether `x` is one of SciPy's sparse matrices or arrays."""
    scipy_sparse = sys.modules.get("scipy.sparse")  # if not imported, nothing is sparse
    return scipy_sparse is not None and scipy_sparse.issparse(x)


def is_frame(x: object) -> bool:
    """Whether `x` is a DataFrame of pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(x, pandas.DataFrame)


def is_whole(array: NDArray[Any]) -> bool:
    """Whether all values are whole, and fit into int64."""
    if array.dtype.kind != "f":
        return array.dtype != np.uint64 or not array.size or int(array.max()) < LARGEST
    # The first row alone rules out most floats, without temporary arrays of the whole size.
    for part in (array[:1], array) if array.ndim else (array,):
        with np.errstate(invalid="ignore"):
            if not (np.all(np.floor(part) == part) and np.all(np.abs(part) < LARGEST)):
                return False
    return True


def _from_frame(frame: Any, name: str) -> tuple[NDArray[Any], bool]:
    """Return a frame's numbers; the error names a column that holds anything else."""
    kinds = {dtype.kind if isinstance(dtype, np.dtype) else "" for dtype in set(frame.dtypes)}
    if len(kinds) <= 1 and kinds <= set("biuf"):
        return np.asarray(frame), False
    columns = [_column(cells, label, name) for label, cells in frame.items()]
    are_whole = any(c.dtype.kind in "biu" for c in columns) and all(map(is_whole, columns))
    if not are_whole and kinds <= set("iuf"):
        return np.asarray(frame), False
    array = np.empty(frame.shape, np.int64 if are_whole else np.float64)
    for place, column in enumerate(columns):
        array[:, place] = column
    return array, are_whole


def _column(cells: Any, label: object, name: str) -> NDArray[Any]:
    """Return one column of a frame as numbers."""
    array = np.asarray(cells)
    if array.dtype.kind == "O":
        return _from_cells(array, name, column=label)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} holds {array.dtype} values in its column {shown(label)}: "
            "drop that column, or turn it into numbers"
        )
    if array.dtype.kind == "f" and not isinstance(cells.dtype, np.dtype) and cells.isna().any():
        _refuse_missing(name, int(np.argmax(cells.isna())), f" of its column {shown(label)}")
    return array


def _from_cells(
    cells: NDArray[Any], name: str, floats: NDArray[Any] | None = None, column: object = None
) -> NDArray[Any]:
    """Return object cells as int64 if they are integers (see the module), else as float64.

    `floats` are the cells, if the caller has converted them already.
    """
    if floats is None:
        try:
            floats = cells.astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            _refuse_cell(cells, name, column)
        if first_time(cells) is not None:
            _refuse_cell(cells, name, column)
    if is_whole(floats) and any(map(_is_whole_cell, cells.flat)):
        return floats.astype(np.int64)
    return floats


def _is_whole_cell(cell: object) -> bool:
    return isinstance(cell, INTEGER_TYPES) or (isinstance(cell, str) and cell.strip().isdecimal())


def _refuse_cell(cells: NDArray[Any], name: str, column: object) -> NoReturn:
    """Raise for the first cell that is not a number, naming its position."""
    of_column = "" if column is None else f" of its column {shown(column)}"
    for place in np.ndindex(cells.shape):
        cell = cells[place]
        if isinstance(cell, np.ndarray | list | tuple):
            raise TypeError(
                f"{name} is not an array of numbers, but one of arrays: give rows of equal "
                f"length, as in np.stack({name})"
            )
        if isinstance(cell, TIMES):
            break
        try:
            float(cell)
        except OverflowError:
            raise ValueError(
                f"{name} holds a number too large for float64 in row {place[0]} "
                f"(counted from 0){of_column}: remove such rows"
            ) from None
        except (TypeError, ValueError):
            break
    if cell is None or cell is np.ma.masked or type(cell).__name__ in ("NAType", "NaTType"):
        _refuse_missing(name, place[0] if place else 0, of_column)
    where = f" in row {place[0]} (counted from 0){of_column}" if place else ""
    remedy = "give numbers" if column is None else "drop that column, or turn it into numbers"
    raise TypeError(f"{name} is not an array of numbers, it holds {shown(cell)}{where}: {remedy}")


def _refuse_missing(name: str, row: int, of_column: str) -> NoReturn:
    raise ValueError(
        f"{name} holds a missing value in row {row} (counted from 0){of_column}: "
        "remove such rows, or fill them, as with fillna(0)"
    )
