"""Is a file a table, or does it hold images? By its cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastmlp.data.columns import MANY_PIXELS, Columns, choose, is_missing
from fastmlp.data.csv_frame import columns_of, head_of, read_csv_frame
from fastmlp.data.csv_layout import Layout
from fastmlp.data.formats import named_file
from fastmlp.data.labels import looks_like_regression
from fastmlp.data.limits import at_most
from fastmlp.data.parquet_frame import read_parquet_frame
from fastmlp.data.pipes import name_of
from fastmlp.data.pixels import PIXEL_MAX
from fastmlp.data.sniff import kind_of
from fastmlp.words import counted, shown

if TYPE_CHECKING:
    import pandas as pd


class Reason(NamedTuple):
    """Why a file is a table.

    Attributes
    ----------
    words : str
        What was seen, for messages.
    is_numeric : bool
        All cells seen are numbers, so that a network may be given them as they are.
    """

    words: str
    is_numeric: bool


def why_table(
    path: str | Path,
    *,
    label: str | None = None,
    id_column: str | None = None,
    max_bytes: int | None = None,
) -> Reason | None:
    """Say why a file is a table; None if it holds images, or arrays.

    A table has text, dates, gaps, negative numbers, fractions beyond 1 or values above 255 among
    its features, or fewer than 16 of them, or quantities for labels. Columns called pixel are an
    image's, and so are columns without names that make a square, unless the first rows say
    otherwise.

    Parameters
    ----------
    path, label, id_column, max_bytes
        As for `fastmlp.data.load`.

    Raises
    ------
    FileNotFoundError, OSError, ValueError
        If the file can't be read, its columns can't be told apart, or it is ragged.
    """
    with at_most(max_bytes), named_file(path, name_of(path)) as file:

        def chosen(names: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> Columns:
            return choose(names, rows, label, file, None, id_column)

        kind = kind_of(file)
        if kind == "csv":
            layout = head_of(file, label)
            columns = columns_of(layout, chosen)
            if _are_pixels(columns):
                return None
            found = _by_first_rows(layout, columns)
            if found is not None or columns.unit == "pixels":
                return found
            frame, columns, _ = read_csv_frame(file, label, chosen)
            return _by_all_rows(frame, columns)
        if kind == "parquet":
            read = read_parquet_frame(file, chosen, lambda columns: not _are_pixels(columns))
            return None if read is None else _by_all_rows(*read[:2])
        return None


def _are_pixels(columns: Columns) -> bool:
    return any(name.lower().startswith("pixel") for name in columns.pixel_names or ())


def _by_first_rows(layout: Layout, columns: Columns) -> Reason | None:
    rows, values = [row for row in layout.rows if len(row) == len(layout.rows[0])], []
    for place, i in enumerate(columns.pixels):
        where = f"column {_title(columns, place)}"
        for row in rows:
            if is_missing(row[i]):
                return Reason(f"{where} has gaps", False)
            value = layout.number(row[i])
            if value is None:
                return Reason(f"{where} holds {shown(row[i][:40])}", False)
            values.append(value)
    return _by_numbers(np.array(values), len(columns.pixels))


def _by_all_rows(frame: pd.DataFrame, columns: Columns) -> Reason | None:
    for place, i in enumerate(columns.pixels):
        column, where = frame[i], f"column {_title(columns, place)}"
        if column.isna().any():
            return Reason(f"{where} has gaps", False)
        if not isinstance(column.dtype, np.dtype) or column.dtype.kind not in "iuf":
            return Reason(f"{where} holds {shown(str(column.iloc[0])[:40])}", False)
    if columns.label is not None:
        labels: Any = frame[columns.label].dropna()
        if isinstance(labels.dtype, np.dtype) and labels.dtype.kind in "iuf":
            values, counts = np.unique(labels.to_numpy(), return_counts=True)
            if len(values) and looks_like_regression(values, counts):
                return Reason("its labels are quantities", True)
    return _by_numbers(frame[list(columns.pixels)].to_numpy(), len(columns.pixels))


def _by_numbers(values: np.ndarray[Any, Any], n_columns: int) -> Reason | None:
    low, high = values.min(), values.max()
    if low < 0:
        return Reason("it has negative numbers", True)
    if high > PIXEL_MAX:
        return Reason(f"it has values above {PIXEL_MAX}", True)
    if high > 1 and (values % 1).any():
        return Reason("it has fractions beyond 1", True)
    if n_columns < MANY_PIXELS:
        return Reason(f"{counted(n_columns, 'column')} are no image", True)
    return None


def _title(columns: Columns, place: int) -> str:
    return str(place + 1) if columns.pixel_names is None else shown(columns.pixel_names[place][:40])
