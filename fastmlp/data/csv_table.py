"""Read tables of text, in any of the ways in which CSV files are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.archives import open_unpacked
from fastmlp.data.columns import Columns, choose
from fastmlp.data.csv_layout import EIGHT_BIT, Layout, find_layout, no_table
from fastmlp.data.csv_text import NOT_CSV, CsvText, FaultyTableError
from fastmlp.data.labels import LabelError, as_classes
from fastmlp.data.limits import check_room
from fastmlp.data.pixels import as_pixels
from fastmlp.data.raw import Raw

if TYPE_CHECKING:
    import pandas as pd

GOOD_CELLS = 100_000  # texts of valid cells that are remembered
TEXT = 64  # bytes that a cell of text takes at least, in Python


def read_csv(
    path: Path,
    *,
    label: str | None,
    feature_names: Sequence[str] | None = None,
    id_column: str | None = None,
) -> Raw:
    """Read a table of numbers: pixels, and at most a column of labels and one of ids.

    Parameters
    ----------
    path : Path
        A text file, packed or not.
    label : str, optional
        The column of the labels: its name, ``first``, ``last``, ``none``; None looks for it.
    feature_names : sequence of str, optional
        Columns that are known to be pixels, if the header has all of them.
    id_column : str, optional
        A column that names the rows, in addition to those known as ids.

    Raises
    ------
    ValueError
        If the file is empty, damaged or ragged, or a pixel is not a number.
    """
    try:
        return _read(path, label, feature_names, id_column)
    except UnicodeDecodeError:  # below the sample, which was ASCII
        return _read(path, label, feature_names, id_column, EIGHT_BIT)


def _read(
    path: Path,
    label: str | None,
    feature_names: Sequence[str] | None,
    id_column: str | None,
    encoding: str | None = None,
) -> Raw:
    """Read a table, or raise UnicodeDecodeError if it may be written in another encoding."""
    with open_unpacked(path) as stream:
        layout = find_layout(stream, label, path, encoding)
    table = CsvText(path, layout)
    if not layout.rows:
        raise ValueError(f"{path} has a header, but no rows: give a file with one row at least")
    if len(layout.rows[0]) != layout.n_columns:
        raise table.fault(lambda row: None, ()) or no_table(path)
    whole_rows = [row for row in layout.rows if len(row) == layout.n_columns]
    columns = choose(layout.names, whole_rows, label, path, feature_names, id_column)
    try:
        x, others = _parse(table, columns)
    except FaultyTableError:
        raise _fault(table, columns) from None
    if columns.label is not None:
        try:
            as_classes(np.concatenate(others[columns.label]))
        except LabelError as error:
            line = _line_of(table, error.row)
            raise ValueError(
                f"{path}, line {line}, {layout.column(columns.label)}: {error.problem}"
            ) from None
    return columns.raw(x, others, layout.names, path, [layout.words])


def _parse(table: CsvText, columns: Columns) -> tuple[NDArray[Any], dict[int, list[NDArray[Any]]]]:
    """Return the pixels, and the other columns in parts."""
    is_pixel = np.zeros(table.layout.n_columns, bool)
    is_pixel[list(columns.pixels)] = True
    parts: list[NDArray[Any]] = []
    others: dict[int, list[NDArray[Any]]] = {i: [] for i in columns.others}
    as_text = [i for i in others if i != columns.label]  # "007" names a row
    n_bytes = 0
    with table.frames(as_text) as frames:
        for frame in frames:
            pixels = frame.loc[:, is_pixel] if others else frame
            values = pixels.to_numpy()
            if values.dtype == object:
                values = _numbers(pixels, table.layout)
            parts.append(as_pixels(values))
            for i, cells in others.items():
                column = frame.iloc[:, i].to_numpy()
                # so that text in one part makes text of all
                cells.append(column if column.dtype.kind in "iuf" else column.astype(object))
            n_bytes += parts[-1].nbytes + TEXT * len(frame) * len(others)
            check_room(n_bytes, table.path)
    return np.concatenate(parts), others


def _numbers(frame: pd.DataFrame, layout: Layout) -> NDArray[Any]:
    """Return cells some of which pandas has left as text: whole numbers beyond 64 bits."""
    columns = []
    for _, column in frame.items():
        values = column.to_numpy()
        if values.dtype.kind not in "iuf":
            # None, for what is no number, becomes NaN, which `as_pixels` refuses
            values = np.array([layout.number(str(cell)) for cell in values], float)
        columns.append(as_pixels(values))
    return np.column_stack(columns)


def _fault(table: CsvText, columns: Columns) -> ValueError:
    """Return an error for the first fault in a table that pandas can't read."""
    pixels = set(columns.pixels)
    good = {str(value) for value in range(256)}

    def check(row: list[str]) -> tuple[int, str] | None:
        if good.issuperset(row):
            return None
        for i, cell in enumerate(row):
            value = table.layout.number(cell)
            if i in pixels and (value is None or not math.isfinite(value)):
                what = "no number" if value is None else "no finite number"
                return i, f"is {what}: correct it or remove the row"
            if value is not None and len(good) < GOOD_CELLS:
                good.add(cell)
        return None

    return table.fault(check, pixels, columns.label is not None) or no_table(table.path)


def _line_of(table: CsvText, wanted: int) -> int:
    """Return the line number of a row, which is counted from 0."""
    try:
        with table.rows() as rows:
            return next(islice(rows, wanted, None))[0]
    except NOT_CSV:  # where pandas has read on
        raise no_table(table.path) from None
