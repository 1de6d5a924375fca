"""Encoding, separator and header of a text table, inferred from its first rows."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from fastmlp.data.cells import as_number
from fastmlp.data.columns import LABEL_NAMES
from fastmlp.data.csv_comments import is_comment, n_above
from fastmlp.data.csv_stream import LONGEST_LINE
from fastmlp.data.indices import ID_NAMES, is_index_name
from fastmlp.words import counted

BLANKS = " "
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", BLANKS: "blanks"}
MARKS = {  # the longer one first: UTF-32's begins like UTF-16's
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
EIGHT_BIT = "cp1252"  # includes Latin-1; assumed for text that is not UTF-8
ASCII_LIKE = ("utf-8", "utf-8-sig", EIGHT_BIT)  # in which the byte 10 is always a line end
SAMPLE = 2**18  # bytes, a hundred rows of MNIST
MAX_COLUMNS = 1_000_000  # each of them costs pandas a kilobyte and more
ROWS_FOR_SEPARATOR = 20
MANY = 16  # a first row that counts so many columns is a header


@dataclass(frozen=True)
class Layout:
    """How a text table is written.

    Attributes
    ----------
    encoding : str
        Its name in Python.
    separator : str
        A comma, a semicolon, a tab, or a blank, which stands for any run of blanks and tabs.
    decimal : str
        A point or a comma.
    names : list of str, optional
        The header, if there is one.
    rows : list of list of str
        The first rows below it; none if there are none.
    may_be_8_bit : bool
        They are ASCII, so the rows below may be in UTF-8 or in an 8-bit encoding.
    longest : int
        Characters in the longest of these lines.
    n_comments : int
        Lines above the header that are comments, or blank lines between them.
    """

    encoding: str
    separator: str
    decimal: str
    names: list[str] | None
    rows: list[list[str]]
    may_be_8_bit: bool = False
    longest: int = 0
    n_comments: int = 0

    def number(self, cell: str) -> float | None:
        """Return the number in a cell, or None."""
        return as_number(cell, self.decimal)

    @property
    def n_columns(self) -> int:
        return len(self.rows[0] if self.names is None else self.names)

    def column(self, i: int) -> str:
        """Return what to call column `i`, counted from 0, in a message."""
        return f"column {i + 1 if self.names is None else repr(self.names[i][:40])}"

    @property
    def unit(self) -> int:
        """Bytes per digit."""
        return len("0".encode(self.encoding.removesuffix("-sig")))

    @property
    def words(self) -> str:
        """The layout in a few words."""
        header = "no header" if self.names is None else "a header"
        with_what = SEPARATORS[self.separator]
        encoding = "" if self.encoding.startswith("utf-8") else f", {self.encoding.upper()}"
        if self.encoding == EIGHT_BIT:
            encoding = f", read as {EIGHT_BIT}, as it is no UTF-8"
        decimal = ", decimal commas" if self.decimal == "," else ""
        skipped = f", {counted(self.n_comments, 'line')} of comments skipped"
        words = f"CSV with {with_what} and {header}{decimal}{encoding}"
        return words + skipped * (self.n_comments > 0)


def find_layout(
    stream: IO[bytes], label: str | None, path: Path, encoding: str | None = None
) -> Layout:
    """Read the beginning of a table, and infer its layout: all but the `encoding` if that is given.

    Raises
    ------
    ValueError
        If it is empty or not text.
    """
    sample = stream.read(SAMPLE)
    if sample.count(b"\n") < 2 and len(sample) == SAMPLE:
        sample += stream.read(LONGEST_LINE)
    encoding, text = _decoded(sample, encoding or _encoding(sample), path)
    if "\0" in text:
        raise no_table(path)
    lines = list(io.StringIO(text, newline=""))
    is_whole = not stream.read(1)
    if not is_whole:
        if len(lines) == 1:
            raise ValueError(f"{path} has a line that does not end: give a table of numbers")
        lines.pop()
    longest = max(lines[: ROWS_FOR_SEPARATOR + 1], key=len, default="")
    if max(map(longest.count, SEPARATORS)) >= MAX_COLUMNS:
        raise ValueError(f"{path} has more than {MAX_COLUMNS:,} columns: give a table of fewer")
    if not any(line.strip() for line in lines):
        raise ValueError(f"{path} is empty: give a file with rows of numbers")
    n_comments = n_above(lines) if encoding in ASCII_LIKE else 0
    separator, decimal = _separator(lines[n_comments:])
    while n_comments and _is_like_rows(lines[n_comments - 1], lines[n_comments:], separator):
        n_comments -= 1
    lines = lines[n_comments:]
    try:
        rows = [row for _, row in split(lines, separator)]
    except csv.Error:
        raise no_table(path) from None
    names = None
    if _is_header(rows, decimal, label):
        names = [name.strip() for name in rows.pop(0)]
    may_be_8_bit = encoding == "utf-8" and text.isascii()
    width = max(map(len, lines))
    return Layout(encoding, separator, decimal, names, rows, may_be_8_bit, width, n_comments)


def split(lines: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers, from 1, and rows; without blank ones, which pandas skips."""
    if separator == BLANKS:
        lines = (line.replace("\t", " ").strip() for line in lines)
    rows = csv.reader(
        lines, delimiter=separator, skipinitialspace=separator == BLANKS, strict=True
    )  # fmt: skip
    return ((rows.line_num, row) for row in rows if len(row) > 1 or "".join(row).strip())


def no_table(path: Path) -> ValueError:
    """Return the error for a file that is not a table of text."""
    return ValueError(
        f"{path} is no table of numbers in UTF-8, UTF-16 or {EIGHT_BIT}: "
        "give a CSV file, saved as UTF-8"
    )


def _is_like_rows(comment: str, below: list[str], separator: str) -> bool:
    """Say whether a comment has as many cells as the numbers below it, so that it is a row.

    The first column may be called ``#``.
    """
    first = (line for line in below if line.strip() and not is_comment(line))
    try:
        cells, row = [next(split([line], separator))[1] for line in (comment, next(first))]
    except (csv.Error, StopIteration):
        return False
    numbers = [as_number(cell, ",") for cell in row]
    return len(cells) == len(row) > 1 and numbers != [None] * len(row)


def _decoded(sample: bytes, encoding: str, path: Path) -> tuple[str, str]:
    """Decode a sample; return the encoding, `encoding` or else the 8-bit one, and the text."""
    for tried in (encoding, EIGHT_BIT) if encoding == "utf-8" else (encoding,):
        try:  # the last character may be cut
            return tried, codecs.getincrementaldecoder(tried)().decode(sample)
        except UnicodeDecodeError:
            if tried == "utf-8" and _is_mostly_utf_8(sample):
                break
    raise no_table(path)


def _is_mostly_utf_8(sample: bytes) -> bool:
    """Say whether a text is damaged UTF-8: bytes of another encoding rarely decode as UTF-8."""
    letters = [letter for letter in sample.decode("utf-8", "replace") if not letter.isascii()]
    return letters.count("\ufffd") < len(letters) / 2


def _encoding(sample: bytes) -> str:
    for mark, encoding in MARKS.items():
        if sample.startswith(mark):
            return encoding
    # Digits in UTF-16 have a zero byte each; text in UTF-8 has none.
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = sample[first:64:2]
        if half.count(0) > len(half) // 2:
            return encoding
    return "utf-8"


def _separator(lines: list[str]) -> tuple[str, str]:
    """Return the separator and the decimal sign with which most cells are numbers.

    Among equals, the ones with most cells: a blank after each comma is no separator.
    """
    best, found = (-2.0, 0), (",", ".")
    filled = [line for line in lines if line.strip()]
    rows_only = [line for line in filled if not is_comment(line)]
    first = (rows_only or filled)[: ROWS_FOR_SEPARATOR + 1]
    for separator in SEPARATORS:
        for decimal in ".," if separator != "," else ".":
            try:
                rows = [row for _, row in split(first, separator)]
            except csv.Error:
                continue
            counts = {len(row) for row in rows}
            below = rows[1:] or rows
            cells = [cell for row in below for cell in row]
            if max(counts) == 1 or not cells:
                continue
            numbers = sum(as_number(cell, decimal) is not None for cell in cells)
            score = (numbers / len(cells) - (len(counts) > 1), len(cells))
            if score > best:
                best, found = score, (separator, decimal)
    return found


def _is_header(rows: list[list[str]], decimal: str, label: str | None) -> bool:
    """Say whether the first row names the columns.

    Names are words above numbers. Names that are numbers, which pandas writes if there are no
    others, count from 0 or 1, unlike a row of many pixels.
    """
    number = partial(as_number, decimal=decimal)
    first, rest = rows[0], rows[1:]
    words = [i for i, cell in enumerate(first) if number(cell) is None]
    numbers = [value for value in map(number, first) if value is not None]
    if not words:
        return len(first) >= MANY and _counts(numbers)
    bare = {first[i].strip().lower() for i in words}
    known = {name for name in bare if name and is_index_name(name)} | {*LABEL_NAMES, *ID_NAMES}
    if bare & known or (label and label.lower() in bare):
        return True
    if len(words) == len(first):
        return len(first) > 1 or bool(bare - {""})
    above_numbers = all(
        len(row) > i and number(row[i]) is not None for row in rest for i in words
    )  # fmt: skip
    if above_numbers and rest:
        return _counts(numbers) and (bare == {""} or len(numbers) > 1)
    return len(first) >= MANY and _counts(numbers)


def _counts(numbers: list[float]) -> bool:
    """Say whether these are 0, 1, 2, ... or 1, 2, 3, ..."""
    n = len(numbers)
    return n > 0 and numbers in ([*range(n)], [*range(1, n + 1)])
