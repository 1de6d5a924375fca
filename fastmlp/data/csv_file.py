"""Read digits from a CSV file in the layout of Kaggle's Digit Recognizer, and in no other.

`csv_table` reads any layout, and settles what is a pixel; here a pixel is a byte, and what is none
is an error.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import math
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.archives import UNPACKING_ERRORS, check_is_file, damaged
from fastmlp.data.columns import is_missing, is_text, text_remedy
from fastmlp.data.csv_comments import comment_fault, is_comment
from fastmlp.data.csv_layout import split
from fastmlp.data.csv_stream import LongLineError, Watched, lines_of
from fastmlp.data.indices import ID_NAMES, is_index_name
from fastmlp.data.labels import as_number
from fastmlp.data.limits import check_room, limited
from fastmlp.data.pixels import PIXEL_MAX
from fastmlp.words import counted, listed

ROWS_AT_A_TIME = 4096  # pandas parses to int64, eight times what is kept of it
LABEL = "label"
LABEL_MAX = 2**31 - 1


class _FaultyTableError(Exception):
    """Somewhere in the table is what should not be there; `_find_fault` finds out where."""


def load_csv(path: str | Path) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    """Load images, one a row, and their labels if the file has a column `label`.

    Parameters
    ----------
    path : str or Path
        A file ``.csv``, ``.csv.gz``, or ``.zip`` with one ``.csv`` in it. The first line names
        the columns. All but `label` are pixels, whole numbers from 0 to 255. A saved index is none,
        and refused; `load` knows what to do with it.

    Returns
    -------
    x : uint8 ndarray of shape (n, n_features)
        Pixels, in the order of the columns.
    y : int64 ndarray of shape (n,), or None
        Labels, whole numbers from 0 up; None if there is no column `label`.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If `path` is no file.
    ValueError
        If the file is empty, damaged or ragged, or holds what is no pixel or no label.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("digits.csv").write_text("label,pixel0,pixel1\\n7,0,255\\n")
    >>> load_csv("digits.csv")
    (array([[  0, 255]], dtype=uint8), array([7]))
    """
    path = Path(path)
    check_is_file(path)
    try:
        x, y = _parse(path)
    except UNPACKING_ERRORS:
        raise damaged(path) from None
    except _FaultyTableError:
        raise ValueError(f"{path}{_find_fault(path)}") from None
    if len(x) == 0:
        raise ValueError(f"{path} has a header, but no rows: give a file with one image at least")
    return x, y


def _parse(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    """Read the table at pandas' speed, which tells that something is wrong, but not always where.

    A row that is too short comes out of pandas as one with empty cells, and with
    ``na_filter=False`` any cell that is no number makes text of its column: both show in the type.
    """
    import pandas as pd

    names, longest = _read_header(path)
    is_label = np.array([_is_label(name) for name in names])
    stream: Watched | None = None
    pixels: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = []
    try:
        with (
            _open(path) as unpacked,
            Watched(unpacked, path, len(names), ROWS_AT_A_TIME, longest=longest) as stream,
            pd.read_csv(
                stream, chunksize=stream.rows_at_a_time, na_filter=False, low_memory=False
            ) as chunks,
        ):
            for chunk in chunks:
                stream.got_rows()
                if is_label.any():
                    labels.append(_whole(chunk.loc[:, is_label].to_numpy()[:, 0], LABEL_MAX, "i8"))
                pixels.append(_whole(chunk.loc[:, ~is_label].to_numpy(), PIXEL_MAX, "u1"))
    except (pd.errors.ParserError, UnicodeDecodeError):
        if stream is not None and stream.error is not None:  # of which pandas has made its own
            raise stream.error from None
        raise _FaultyTableError from None
    x = np.concatenate(pixels)
    for name, column in zip(np.array(names)[~is_label].tolist(), x.T, strict=True):
        if _may_number_rows(name) and len(x) and (column[1:] > column[:-1]).all():
            raise ValueError(f"{path}: column {name[:40]!r} numbers the rows and {_NO_PIXEL}")
    return x, np.concatenate(labels) if labels else None


def _read_header(path: Path) -> tuple[list[str], int]:
    """Return the columns' names, if they are names, and as many as the first row has values.

    With them, return the letters of that row.

    (Pandas would take the first columns of longer rows for an index, and say nothing.)
    """
    try:
        with _rows(path) as rows:
            _, names = next(rows, (0, []))
            _, first = next(rows, (0, names))
    except (UnicodeDecodeError, csv.Error, LongLineError):
        raise _FaultyTableError from None
    if not names:
        raise ValueError(f"{path} is empty: give a file with a header and rows")
    if all(as_number(name) is not None for name in names):
        raise ValueError(
            f"{path} starts with numbers, not with the columns' names: "
            "put a first line such as label,pixel0,pixel1,... above them"
        )
    if "" in names:
        raise ValueError(
            f"{path}: column {names.index('') + 1} has no name: "
            "name it, or leave it out (index=False in pandas' to_csv)"
        )
    n_labels = sum(map(_is_label, names))
    if n_labels > 1:
        raise ValueError(f"{path} has {n_labels} columns named label: give it one at most")
    if n_labels == len(names):
        raise ValueError(f"{path} has labels, but no pixels: give it a column for each pixel")
    if len(first) != len(names):
        raise _FaultyTableError
    return names, sum(len(cell) + 1 for cell in first)


def _whole(values: NDArray[Any], maximum: int, dtype: str) -> NDArray[Any]:
    """Return `values` as `dtype`, or raise if one of them is no whole number in 0..maximum."""
    if values.size == 0:
        return values.astype(dtype)
    # Not "min < 0 or max > maximum": both are False for NaN.
    if values.dtype.kind not in "iuf" or not (values.min() >= 0 and values.max() <= maximum):
        raise _FaultyTableError
    whole = values.astype(dtype, order="C")
    if values.dtype.kind == "f" and not np.array_equal(whole, values):
        raise _FaultyTableError
    return whole


@contextlib.contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    """Open the table, unpacked."""
    if path.suffix.lower() == ".gz":
        with gzip.open(path) as unpacked:
            yield limited(cast(IO[bytes], unpacked), path)
    elif path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = [
                name for name in archive.namelist()
                if name.lower().endswith(".csv") and not name.startswith("__MACOSX/")
            ]  # fmt: skip
            if len(names) != 1:
                raise ValueError(
                    f"{path} should hold one CSV file, and holds {listed(names)}: "
                    "unpack it and give the CSV file itself"
                )
            if archive.getinfo(names[0]).flag_bits & 1:
                raise ValueError(f"{path} is encrypted: unpack it and give the CSV file itself")
            check_room(archive.getinfo(names[0]).file_size, path)
            with archive.open(names[0]) as stream:
                yield limited(stream, path)
    else:
        with path.open("rb") as stream:
            yield stream


def _is_label(name: str) -> bool:
    return name.strip().lower() == LABEL


_NO_PIXEL = (
    "is no pixel: leave it out (index=False in pandas' to_csv), or use fastmlp.data.load, "
    "which does so"
)


def _may_number_rows(name: str) -> bool:
    return is_index_name(name) or name.strip().lower() in ID_NAMES


@contextlib.contextmanager
def _rows(path: Path) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Open the table as rows with their lines' numbers, without blank ones."""
    with _open(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        yield split(lines_of(text), ",")


def _find_fault(path: Path) -> str:
    """Read the table again, slowly, and say what is wrong first, beginning at the path's end."""
    good = {str(value) for value in range(PIXEL_MAX + 1)}
    try:
        with _rows(path) as rows:
            _, names = next(rows)
            for n_before, (number, row) in enumerate(rows):
                line = f", line {number}"
                if len(row) != len(names) and is_comment(row[0]):
                    return str(comment_fault(line, row[0]))
                if len(row) != len(names) and is_comment(names[0]):
                    return str(comment_fault(", line 1", names[0]))
                if len(row) != len(names):
                    return (
                        f"{line} has {counted(len(row), 'value')}, "
                        f"the header {counted(len(names), 'name')}: "
                        "give every row as many values as there are columns"
                    )
                if good.issuperset(row):
                    continue
                for i, (name, cell) in enumerate(zip(names, row, strict=True)):
                    if problem := _problem(cell, _is_label(name)):
                        value = None if is_missing(cell) else as_number(cell)
                        if _may_number_rows(name) and value is not None:
                            problem = _NO_PIXEL
                        elif value is None and not _is_label(name):
                            cells = ["0"] * n_before + [cell] + _below(rows, i)
                            if all(map(is_missing, cells)):
                                return f": column {name[:40]!r} is empty: remove it"
                            if is_text(cells):
                                problem = f"stands in a text column: {text_remedy(True)}"
                        return f"{line}, column {name[:40]!r}: {cell[:40]!r} {problem}"
    except UNPACKING_ERRORS:  # cut short after what made pandas stumble
        raise damaged(path) from None
    except (UnicodeDecodeError, csv.Error, LongLineError):
        pass
    return (
        " is no table of numbers with commas between them: "
        "give a CSV file (if it is packed, its name has to end in .csv.gz or .zip)"
    )


def _below(rows: Iterator[tuple[int, list[str]]], i: int) -> list[str]:
    """Return a column's cells in the next rows, as far as they can be read."""
    cells = []
    with contextlib.suppress(UnicodeDecodeError, csv.Error, *UNPACKING_ERRORS):
        for _, row in islice(rows, ROWS_AT_A_TIME):
            cells.append(row[i] if i < len(row) else "")
    return cells


def _problem(cell: str, is_label: bool) -> str | None:
    """Say what is wrong with one cell's text, if anything."""
    what, maximum = ("labels", LABEL_MAX) if is_label else ("pixels", PIXEL_MAX)
    number = as_number(cell)
    if number is None:
        fault = "is no number"
    elif not math.isfinite(number) or number != int(number):
        fault = "is no whole number"
    elif not 0 <= number <= maximum:
        fault = "is out of range"
    else:
        return None
    return f"{fault}: correct it or remove the row ({what} are whole numbers, 0 to {maximum})"
