"""Read tables of text with cells of any kind: numbers, words, dates, gaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastmlp.data.archives import open_unpacked
from fastmlp.data.cells import MISSING
from fastmlp.data.columns import Columns
from fastmlp.data.csv_comments import skip_lines
from fastmlp.data.csv_layout import BLANKS, EIGHT_BIT, Layout, find_layout, no_table
from fastmlp.data.csv_stream import Watched
from fastmlp.data.csv_text import NOT_CSV, CsvText

if TYPE_CHECKING:
    import pandas as pd

Choose = Callable[[Sequence[str] | None, Sequence[Sequence[str]]], Columns]
AreText = Callable[[Sequence[str] | None, Columns], list[int]]
GAPS = sorted({form for word in MISSING for form in (word, word.upper(), word.title())})


def head_of(path: Path, label: str | None, encoding: str | None = None) -> Layout:
    """Return how a table is written, with its first rows.

    Raises
    ------
    ValueError
        If it is no table, or its header has another number of names than the rows have cells.
    """
    with open_unpacked(path) as stream:
        layout = find_layout(stream, label, path, encoding)
    n_columns = len(layout.rows[0]) if layout.rows else 0
    if n_columns == 0:
        raise ValueError(f"{path} has a header, but no rows: give a file with one row at least")
    if layout.names is not None and len(layout.names) != n_columns:
        raise _fault(path, layout)
    return layout


def columns_of(layout: Layout, choose: Choose) -> Columns:
    """Return which columns are label, ids and features, as `choose` tells by the first rows."""
    n_columns = len(layout.rows[0])
    return choose(layout.names, [row for row in layout.rows if len(row) == n_columns])


def read_csv_frame(
    path: Path, label: str | None, choose: Choose, are_text: AreText | None = None
) -> tuple[pd.DataFrame, Columns, Layout]:
    """Read a whole table.

    Parameters
    ----------
    path : Path
        A text file, packed or not.
    label : str, optional
        The name of a column, by which a header is known.
    choose : callable
        Called as ``choose(names, rows)``, see `fastmlp.data.columns.choose`.
    are_text : callable, optional
        Called as ``are_text(names, columns)``; returns the columns, by number, that are text also
        where all of their cells are numbers.

    Returns
    -------
    frame : DataFrame
        All columns of the file, numbered from 0. Numbers are numbers, words and dates are text.
    columns : Columns
    layout : Layout

    Raises
    ------
    ValueError
        If the file is empty, damaged or ragged.
    """
    layout = head_of(path, label)
    try:
        columns = columns_of(layout, choose)
        return _parse(path, layout, columns, are_text), columns, layout
    except UnicodeDecodeError:  # below the sample, which was in ASCII
        layout = head_of(path, label, EIGHT_BIT)
        columns = columns_of(layout, choose)
        return _parse(path, layout, columns, are_text), columns, layout


def _parse(path: Path, layout: Layout, columns: Columns, are_text: AreText | None) -> pd.DataFrame:
    import pandas as pd

    n_columns = len(layout.rows[0])
    as_text = [] if are_text is None else are_text(layout.names, columns)
    as_text += [i for i in (columns.ids, *columns.indices) if i is not None]  # "007" names a row
    with open_unpacked(path) as unpacked:
        skip_lines(unpacked, layout.n_comments)
        stream = Watched(unpacked, path, n_columns, 1, layout.unit, is_limited=False)
        try:
            frame: pd.DataFrame = pd.read_csv(
                stream,
                sep=r"\s+" if layout.separator == BLANKS else layout.separator,
                decimal=layout.decimal,
                header=None if layout.names is None else 0,
                names=range(n_columns),
                dtype=dict.fromkeys(as_text, str) or None,
                encoding=layout.encoding,
                na_values=GAPS,
                skipinitialspace=True,
                low_memory=False,
            )
        except (pd.errors.ParserError, UnicodeError) as error:
            if stream.error is not None:  # pandas may make an error of its own of it
                raise stream.error from None
            if isinstance(error, UnicodeDecodeError) and layout.may_be_8_bit:
                raise
            raise _fault(path, layout) from None
    # Pandas fills rows that are too short.
    if frame.iloc[:, -1].isna().any() and _is_ragged(path, layout, n_columns):
        raise _fault(path, layout)
    return frame


def _fault(path: Path, layout: Layout) -> ValueError:
    """Return an error for the first row that has not as many cells as there are columns."""
    return CsvText(path, layout).fault(lambda row: None, ()) or no_table(path)


def _is_ragged(path: Path, layout: Layout, n_columns: int) -> bool:
    try:
        with CsvText(path, layout).rows() as rows:
            return any(len(row) != n_columns for _, row in rows)
    except NOT_CSV:  # where pandas has read on
        raise no_table(path) from None
