"""The stream from which pandas reads a text table: it stops endless rows and keeps errors."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

T = TypeVar("T")
CELLS_AT_A_TIME = 2**25  # that pandas holds as int64 before they become pixels
CELL = 40  # characters, more than a number takes, unless the first rows have wider cells
WORDS = 1024  # bytes a row, more than a label and a name take
AHEAD = 2**20  # bytes that pandas may read ahead
LONGEST_LINE = 2**24  # characters


class LongLineError(ValueError):
    """A line is longer than `LONGEST_LINE`."""


class Watched(io.RawIOBase):
    """A table's stream, for pandas to read a few rows at a time.

    `error` is the exception that reading has raised, such as an interrupt or a damaged archive:
    pandas may replace it by one of its own. A row that doesn't end is an error here before it fills
    the memory: pandas keeps it, at many times its size, until its end.

    Parameters
    ----------
    stream : binary file
    path : Path
        For the error.
    n_columns : int
    rows_at_a_time : int
        The most rows that pandas may be asked for between two calls of `got_rows`.
    unit : int
        Bytes per character.
    longest : int
        Characters in the longest row that has been seen: later rows may be twice as long.
    is_limited : bool
        Whether rows that don't end are an error; not where pandas reads all rows in one go.
    """

    def __init__(
        self,
        stream: IO[bytes],
        path: Path,
        n_columns: int,
        rows_at_a_time: int,
        unit: int = 1,
        longest: int = 0,
        is_limited: bool = True,
    ) -> None:
        self.stream = stream
        self.error: BaseException | None = None
        row = max(CELL * n_columns, 2 * longest)
        self.rows_at_a_time = max(1, min(rows_at_a_time, CELL * CELLS_AT_A_TIME // row))
        self._path = path
        self._n_columns = n_columns
        self._is_limited = is_limited
        self._allowed = AHEAD + unit * self.rows_at_a_time * (row + WORDS)
        self.got_rows()

    def got_rows(self) -> None:
        """Note that the rows which pandas was asked for are there."""
        self._left = self._allowed

    def watch(self, chunks: Iterable[T]) -> Iterator[T]:
        """Yield the chunks of rows that are read from this stream; call `got_rows` for each."""
        for chunk in chunks:
            self.got_rows()
            yield chunk

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def read(self, size: int = -1) -> bytes:
        try:
            content = self.stream.read(size)
            self._left -= len(content) * self._is_limited
            if self._left < 0 and content.isspace():
                raise ValueError(
                    f"{self._path} has a run of blanks or blank lines that does not end: remove it"
                )
            if self._left < 0:
                raise ValueError(
                    f"{self._path} has a row that does not end, far longer than its "
                    f"{self._n_columns} columns: give a table of numbers"
                )
            return content
        except BaseException as error:
            self.error = error
            raise


def lines_of(text: IO[str]) -> Iterator[str]:
    """Yield the lines of a text, but read no endless one.

    Raises
    ------
    LongLineError
        If a line is longer than `LONGEST_LINE`.
    """
    while line := text.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise LongLineError
        yield line
