"""Read tables of text, in any of the ways in which CSV files are written."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.archives import open_unpacked
from fastmlp.data.columns import Columns, as_ids, choose, is_missing, is_text, text_remedy
from fastmlp.data.csv_comments import comment_fault, is_comment, is_empty, skip_lines
from fastmlp.data.csv_layout import BLANKS, EIGHT_BIT, Layout, find_layout, no_table, split
from fastmlp.data.csv_stream import LongLineError, Watched, lines_of
from fastmlp.data.indices import check_index
from fastmlp.data.labels import LabelError, as_classes
from fastmlp.data.limits import check_room
from fastmlp.data.pixels import PixelError, as_pixels
from fastmlp.data.raw import Raw
from fastmlp.words import counted

if TYPE_CHECKING:
    import pandas as pd

ROWS_AT_A_TIME = 4096  # pandas parses to int64, eight times what is kept of it
GOOD_CELLS = 100_000  # that are remembered
TEXT = 64  # bytes that a cell of text takes at least, in Python


class _FaultyTableError(Exception):
    """Somewhere in the table is what should not be there; `fault` finds out where."""


def read_csv(
    path: Path,
    *,
    label: str | None,
    prefer: Literal["train", "t10k"],
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
    prefer : str
        Ignored.
    feature_names : sequence of str, optional
        Columns that are known to be pixels, where the header has all of them.
    id_column : str, optional
        A column that names the rows, besides those that are known to.

    Raises
    ------
    ValueError
        If the file is empty, damaged or ragged, or holds what is no number.
    """
    try:
        return _read(path, label, feature_names, id_column)
    except UnicodeDecodeError:  # below the sample, which was in ASCII
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
    n_columns = len(layout.rows[0]) if layout.rows else 0
    if n_columns == 0:
        raise ValueError(f"{path} has a header, but no rows: give a file with one row at least")
    if layout.names is not None and len(layout.names) != n_columns:
        raise fault(path, layout, columns=None)
    whole_rows = [row for row in layout.rows if len(row) == n_columns]
    columns = choose(layout.names, whole_rows, label, path, feature_names, id_column)
    try:
        x, texts = _parse(path, layout, columns, n_columns)
    except _FaultyTableError:
        raise fault(path, layout, columns) from None
    labels = ids = None
    if columns.label is not None:
        labels = texts[columns.label]
        try:
            as_classes(labels)
        except LabelError as error:
            line = _line_of(path, layout, error.row)
            raise ValueError(
                f"{path}, line {line}, {_name(layout, columns.label)}: {error.problem}"
            ) from None
    if columns.ids is not None:
        ids = as_ids(texts[columns.ids])
    for i in columns.indices:
        name = "" if layout.names is None else layout.names[i]
        check_index(texts[i], i, name, f"{path}: {_name(layout, i)}")
    words = (layout.words, *columns.words)
    return Raw(x, labels, ids, words, unit=columns.unit, feature_names=columns.pixel_names)


def _parse(
    path: Path, layout: Layout, columns: Columns, n_columns: int
) -> tuple[NDArray[Any], dict[int, NDArray[Any]]]:
    """Return the pixels, and the other columns by number, at pandas' speed.

    Pandas tells that something is wrong, but not always where. A row that is too short comes out
    of it as one with empty cells, and with ``na_filter=False`` any cell that is no number makes
    text of its column: both show in the type.
    """
    import pandas as pd

    is_pixel = np.zeros(n_columns, bool)
    is_pixel[list(columns.pixels)] = True
    others = np.flatnonzero(~is_pixel).tolist()
    as_text = [i for i in others if i != columns.label]  # "007" names a row
    pixels: list[NDArray[Any]] = []
    texts: dict[int, list[NDArray[Any]]] = {i: [] for i in others}
    n_bytes = 0
    with open_unpacked(path) as unpacked:
        skip_lines(unpacked, layout.n_comments)
        stream = Watched(unpacked, path, n_columns, ROWS_AT_A_TIME, layout.unit, layout.longest)
        try:
            with pd.read_csv(
                stream,
                sep=r"\s+" if layout.separator == BLANKS else layout.separator,
                decimal=layout.decimal,
                header=None if layout.names is None else 0,
                names=range(n_columns),
                dtype=dict.fromkeys(as_text, object)
                or None,  # an empty one costs a sixth of the time
                encoding=layout.encoding,
                chunksize=stream.rows_at_a_time,
                na_filter=False,
                low_memory=False,
            ) as chunks:
                for chunk in chunks:
                    stream.got_rows()
                    values = chunk.to_numpy() if not others else chunk.loc[:, is_pixel].to_numpy()
                    if values.dtype == object:
                        values = _numbers(chunk.loc[:, is_pixel], layout)
                    pixels.append(as_pixels(values))
                    for i in others:
                        texts[i].append(chunk.iloc[:, i].to_numpy())
                    n_bytes += pixels[-1].nbytes + TEXT * len(chunk) * len(others)
                    check_room(n_bytes, path)
        except (pd.errors.ParserError, UnicodeError, PixelError) as error:
            if stream.error is not None:  # pandas may make an error of its own of it
                raise stream.error from None
            if isinstance(error, UnicodeDecodeError) and layout.may_be_8_bit:
                raise
            raise _FaultyTableError from None
    return np.concatenate(pixels), {i: _joined(parts) for i, parts in texts.items()}


def _numbers(chunk: pd.DataFrame, layout: Layout) -> NDArray[Any]:
    """Return cells of which pandas has left some as texts: whole numbers beyond 64 bits."""
    columns = []
    for _, column in chunk.items():
        values = column.to_numpy()
        if values.dtype.kind not in "iuf":
            values = np.array([_number(cell, layout) for cell in values])
        columns.append(as_pixels(values))
    return np.column_stack(columns)


def _number(cell: object, layout: Layout) -> float:
    number = layout.number(str(cell))
    if number is None:
        raise _FaultyTableError
    return number


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Join a column's parts, as texts if one of them holds texts."""
    if any(part.dtype.kind not in "iuf" for part in parts):
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)


def fault(path: Path, layout: Layout, columns: Columns | None) -> ValueError:
    """Read the table again, slowly, and return an error that says what is wrong first."""
    names = layout.names
    n_columns = len(layout.rows[0] if names is None else names)
    of_what = "the first row" if names is None else f"the header {counted(n_columns, 'name')}"
    pixels = set(columns.pixels) if columns else set()
    good = {str(value) for value in range(256)}
    try:
        with numbered_rows(path, layout) as rows:
            for number, row in rows:
                where = f"{path}, line {number}"
                if len(row) != n_columns and is_comment(row[0]):
                    return comment_fault(where, row[0])
                if len(row) != n_columns:
                    wanted = f"{of_what} {n_columns}" if names is None else of_what
                    return ValueError(
                        f"{where} has {counted(len(row), 'value')}, {wanted}: "
                        "give every row as many values as there are columns"
                    )
                if good.issuperset(row):
                    continue
                for i, cell in enumerate(row):
                    value = layout.number(cell)
                    if i in pixels and (value is None or not math.isfinite(value)):
                        if i == 0 and is_comment(cell):
                            return comment_fault(where, cell)
                        sample = [row[i] for row in layout.rows if len(row) == n_columns]
                        if all(map(is_missing, sample)) and is_empty(i, rows):
                            return ValueError(f"{path}: {_name(layout, i)} is empty: remove it")
                        where = f"{where}, {_name(layout, i)}: {cell[:40]!r}"
                        if value is None and is_text(sample, layout.number):
                            has_label = columns is not None and columns.label is not None
                            remedy = text_remedy(has_label)
                            return ValueError(f"{where} stands in a text column: {remedy}")
                        what = "no number" if value is None else "no finite number"
                        return ValueError(f"{where} is {what}: correct it or remove the row")
                    if value is not None and len(good) < GOOD_CELLS:
                        good.add(cell)
    except (UnicodeError, csv.Error, LongLineError):
        pass
    return no_table(path)


def _line_of(path: Path, layout: Layout, wanted: int) -> int:
    """Return the line of a row that is counted from 0."""
    try:
        with numbered_rows(path, layout) as rows:
            return next(number for row, (number, _) in enumerate(rows) if row == wanted)
    except (csv.Error, LongLineError):  # which pandas has not minded
        raise no_table(path) from None


@contextmanager
def numbered_rows(path: Path, layout: Layout) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Open the table as rows below the header, with their lines' numbers."""
    with (
        open_unpacked(path) as stream,
        io.TextIOWrapper(stream, layout.encoding, newline="") as text,
    ):
        skip_lines(text, layout.n_comments)
        rows = (
            (layout.n_comments + number, row)
            for number, row in split(lines_of(text), layout.separator)
        )
        if layout.names is not None:
            next(rows)
        yield rows


def _name(layout: Layout, i: int) -> str:
    return f"column {i + 1 if layout.names is None else repr(layout.names[i][:40])}"
