"""A CSV file of known layout: pandas reads it fast, the csv module finds out what is wrong."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from fastmlp.data.archives import open_unpacked
from fastmlp.data.cells import is_missing, is_text, text_remedy
from fastmlp.data.csv_comments import comment_fault, is_comment, is_empty, skip_lines
from fastmlp.data.csv_layout import BLANKS, Layout, split
from fastmlp.data.csv_stream import LongLineError, Watched, lines_of
from fastmlp.data.pixels import PixelError
from fastmlp.words import counted

if TYPE_CHECKING:
    import pandas as pd

ROWS_AT_A_TIME = 4096  # pandas parses to int64, eight times what is kept of it
NOT_CSV = (UnicodeError, csv.Error, LongLineError)
"""What `CsvText.rows` raises where no more rows can be read."""

Rows = Iterator[tuple[int, list[str]]]
Check = Callable[[list[str]], tuple[int, str] | None]


class FaultyTableError(Exception):
    """Somewhere in the table is an invalid cell or row; `CsvText.fault` finds out where."""


@dataclass(frozen=True)
class CsvText:
    """A table of text on disk.

    Attributes
    ----------
    path : Path
    layout : Layout
    open : callable
        Opens and unpacks the file.
    """

    path: Path
    layout: Layout
    open: Callable[[Path], AbstractContextManager[IO[bytes]]] = open_unpacked

    @contextmanager
    def frames(self, as_text: Sequence[int] = ()) -> Iterator[Iterator[pd.DataFrame]]:
        """Open the table as frames of `ROWS_AT_A_TIME` rows or fewer, whose columns are 0, 1, ...

        pandas notices that something is wrong, but not always where. A row that is too short gets
        empty cells, and with ``na_filter=False`` a cell that is no number makes its whole column
        text: both show in the dtype.

        Parameters
        ----------
        as_text : sequence of int
            Columns whose cells stay text.

        Raises
        ------
        FaultyTableError
            If pandas can't parse the table, or the block raises PixelError.
        UnicodeDecodeError
            If the table may be in an 8-bit encoding instead.
        """
        import pandas as pd

        layout = self.layout
        with self.open(self.path) as unpacked:
            skip_lines(unpacked, layout.n_comments)
            stream = Watched(
                unpacked, self.path, layout.n_columns, ROWS_AT_A_TIME, layout.unit, layout.longest
            )
            try:
                with pd.read_csv(
                    stream,
                    sep=r"\s+" if layout.separator == BLANKS else layout.separator,
                    decimal=layout.decimal,
                    header=None if layout.names is None else 0,
                    names=range(layout.n_columns),
                    dtype=dict.fromkeys(as_text, object)
                    or None,  # an empty dict costs a sixth of the time
                    encoding=layout.encoding,
                    chunksize=stream.rows_at_a_time,
                    na_filter=False,
                    low_memory=False,
                ) as frames:
                    yield stream.watch(frames)
            except (pd.errors.ParserError, UnicodeError, PixelError) as error:
                if stream.error is not None:  # pandas may have replaced it by its own
                    raise stream.error from None
                if isinstance(error, UnicodeDecodeError) and layout.may_be_8_bit:
                    raise
                raise FaultyTableError from None

    @contextmanager
    def rows(self) -> Iterator[Rows]:
        """Open the table as rows below the header, with their line numbers; without blank ones."""
        layout = self.layout
        with (
            self.open(self.path) as stream,
            io.TextIOWrapper(stream, layout.encoding, newline="") as text,
        ):
            skip_lines(text, layout.n_comments)
            rows = split(lines_of(text), layout.separator)
            if layout.names is not None:
                next(rows)
            yield ((layout.n_comments + line, row) for line, row in rows)

    def fault(
        self, check: Check, pixels: Collection[int], has_label: bool = True
    ) -> ValueError | None:
        """Read the table again, slowly; return an error for its first fault, or None.

        Parameters
        ----------
        check : callable
            Returns the first invalid column of a row and what is wrong with its cell, or None.
        pixels : collection of int
            The columns of pixels.
        has_label : bool
            The column of the labels is known.
        """
        n_columns = self.layout.n_columns
        with contextlib.suppress(*NOT_CSV), self.rows() as rows:
            for n_before, (line, row) in enumerate(rows):
                where = f"{self.path}, line {line}"
                if len(row) != n_columns and is_comment(row[0]):
                    return comment_fault(where, row[0])
                if len(row) != n_columns:
                    names = self.layout.names
                    header = f"the header {counted(n_columns, 'name')}"
                    return ValueError(
                        f"{where} has {counted(len(row), 'value')}, "
                        f"{f'the first row {n_columns}' if names is None else header}: "
                        "give every row as many values as there are columns"
                    )
                if not (found := check(row)):
                    continue
                i, problem = found
                cell, number, column = row[i], self.layout.number, self.layout.column(i)
                if i in pixels and (is_missing(cell) or number(cell) is None):
                    if i == 0 and is_comment(cell):
                        return comment_fault(where, cell)
                    cells = ["0"] * n_before + [cell, *_below(i, rows)]
                    if all(map(is_missing, cells)) and is_empty(i, rows):
                        return ValueError(f"{self.path}: {column} is empty: remove it")
                    if is_text(cells, number):
                        problem = f"stands in a text column: {text_remedy(has_label)}"
                return ValueError(f"{where}, {column}: {cell[:40]!r} {problem}")
        return None


def _below(i: int, rows: Rows) -> list[str]:
    """Return the cells of column `i` in the next rows, as far as these can be read."""
    cells: list[str] = []
    with contextlib.suppress(*NOT_CSV):
        cells.extend(row[i] for _, row in islice(rows, ROWS_AT_A_TIME) if i < len(row))
    return cells
