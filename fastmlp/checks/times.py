"""Refuses dates and times, which NumPy would convert to counts of some unit since 1970.

The values would depend on the unit, and NaT would become the lowest one.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.words import shown

TIMES = (np.datetime64, np.timedelta64)  # float() converts these; it refuses datetime's own
KINDS = "mM"  # NumPy's letters for their dtypes


def is_time(dtype: Any) -> bool:
    """Whether a dtype of NumPy, pandas, polars or pyarrow is one of dates or times."""
    pyarrow = sys.modules.get("pyarrow")  # if not imported, no dtype is one of its own
    if pyarrow is not None and isinstance(dtype, pyarrow.DataType):
        return bool(pyarrow.types.is_temporal(dtype))
    if getattr(dtype, "is_temporal", bool)():
        return True
    return kind_of(dtype) in KINDS


def kind_of(dtype: Any) -> str:
    """Return the letter of a dtype of NumPy or pandas; "none" for those of other libraries."""
    return str(getattr(dtype, "kind", "none"))


def columns_of(table: Any) -> list[tuple[Any, Any]]:
    """Return the name and dtype of each column of a table, for categories that of their values.

    An array has no such columns.
    """
    if isinstance(table, np.ndarray | list | tuple):
        return []
    if hasattr(table, "columns") and hasattr(table, "dtypes"):  # of pandas, polars
        return list(zip(table.columns, map(_of_cells, table.dtypes), strict=True))
    schema = getattr(table, "schema", None)  # of pyarrow
    if schema is None or not (hasattr(schema, "names") and hasattr(schema, "types")):
        return []
    return list(zip(schema.names, map(_of_cells, schema.types), strict=True))


def refuse_time_columns(columns: list[tuple[Any, Any]], name: str) -> None:
    """Raise TypeError for the first column of dates or times."""
    for label, dtype in columns:
        if is_time(dtype):
            raise TypeError(
                f"{name} holds {dtype} values in its column {shown(label)}: drop that column, or "
                "turn it into numbers"
            )


def first_time(cells: NDArray[Any]) -> np.datetime64 | np.timedelta64 | None:
    """Return the first date or time among object cells."""
    if not any(issubclass(kind, TIMES) for kind in {*map(type, cells.flat)}):
        return None
    return next(cell for cell in cells.flat if isinstance(cell, TIMES))


def _of_cells(dtype: Any) -> Any:
    categories = getattr(dtype, "categories", None)  # of pandas
    if categories is not None:
        return categories.dtype
    return getattr(dtype, "value_type", dtype)  # of a dictionary of pyarrow
