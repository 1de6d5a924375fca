"""Read digits from a CSV file in the layout of Kaggle's Digit Recognizer, and in no other.

Every pixel has to be a byte; `csv_table` reads any layout and any numbers.
"""

from __future__ import annotations

import contextlib
import gzip
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.archives import UNPACKING_ERRORS, check_is_file, damaged, open_zip
from fastmlp.data.cells import as_number, is_missing
from fastmlp.data.csv_comments import comment_fault, is_comment
from fastmlp.data.csv_layout import Layout
from fastmlp.data.csv_text import NOT_CSV, CsvText, FaultyTableError
from fastmlp.data.indices import ID_NAMES, NAME_IT, is_index_name, named_twice
from fastmlp.data.labels import LABEL_MAX
from fastmlp.data.limits import limited
from fastmlp.data.pixels import PIXEL_MAX, PixelError

LABEL = "label"
_GOOD = {str(value) for value in range(PIXEL_MAX + 1)}
_NO_PIXEL = (
    "is no pixel: leave it out (index=False in pandas' to_csv), or use fastmlp.data.load, "
    "which does so"
)


def load_csv(path: str | Path) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    """Load images, one per row, and their labels if the file has a column `label`.

    Parameters
    ----------
    path : str or Path
        A file ``.csv``, ``.csv.gz``, or ``.zip`` with one ``.csv`` in it. The first line names
        the columns. All but `label` are pixels, whole numbers from 0 to 255. A saved index is
        refused; `load` leaves it out.

    Returns
    -------
    x : uint8 ndarray of shape (n, n_features)
        Pixels, in the order of the columns.
    y : int64 ndarray of shape (n,), or None
        Labels, whole numbers from 0 up; None if there is no column `label`.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If `path` is not a file.
    ValueError
        If the file is empty, damaged or ragged, or a pixel or a label in it is invalid.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("digits.csv").write_text("label,pixel0,pixel1\\n7,0,255\\n")
    >>> load_csv("digits.csv")
    (array([[  0, 255]], dtype=uint8), array([7]))
    """
    path = Path(path)
    check_is_file(path)
    table = _open_table(path)
    names = cast(list[str], table.layout.names)
    if not table.layout.rows:
        raise ValueError(f"{path} has a header, but no rows: give a file with one image at least")
    is_label = np.array([_is_label(name) for name in names])
    try:
        x, y = _parse(table, is_label)
    except FaultyTableError:
        pixels = set(np.flatnonzero(~is_label).tolist())
        raise table.fault(lambda row: _check(row, names), pixels) or _no_table(path) from None
    for name, column in zip(np.array(names)[~is_label].tolist(), x.T, strict=True):
        if _may_number_rows(name) and (column[1:] > column[:-1]).all():
            raise ValueError(f"{path}: column {name[:40]!r} numbers the rows and {_NO_PIXEL}")
    return x, y


def _open_table(path: Path) -> CsvText:
    """Return the table with its header and its first row, if the header names the columns."""
    table = CsvText(path, Layout("utf-8-sig", ",", ".", names=None, rows=[]), _open)
    try:
        with table.rows() as rows:
            names = next(rows, (0, []))[1]
            first = [row for _, row in islice(rows, 1)]
    except NOT_CSV:
        raise _no_table(path) from None
    if not names:
        raise ValueError(f"{path} is empty: give a file with a header and rows")
    if all(as_number(name) is not None for name in names):
        raise ValueError(
            f"{path} starts with numbers, not with the columns' names: "
            "put a first line such as label,pixel0,pixel1,... above them"
        )
    if "" in names:
        raise ValueError(f"{path}: column {names.index('') + 1} has no name: {NAME_IT}")
    n_labels = sum(map(_is_label, names))
    if n_labels > 1:
        raise named_twice(LABEL, n_labels, path)
    if n_labels == len(names):
        raise ValueError(f"{path} has labels, but no pixels: give it a column for each pixel")
    if first and len(first[0]) != len(names) and is_comment(names[0]):
        raise comment_fault(f"{path}, line 1", names[0])
    longest = sum(len(cell) + 1 for cell in (first or [names])[0])
    layout = replace(table.layout, names=names, rows=first, longest=longest)
    return replace(table, layout=layout)


def _parse(
    table: CsvText, is_label: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    """Return pixels and labels."""
    # pandas would silently take the first columns of longer rows for an index
    if len(table.layout.rows[0]) != len(is_label):
        raise FaultyTableError
    pixels: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = []
    with table.frames() as frames:
        for frame in frames:
            if is_label.any():
                labels.append(_whole(frame.loc[:, is_label].to_numpy()[:, 0], LABEL_MAX, "i8"))
            pixels.append(_whole(frame.loc[:, ~is_label].to_numpy(), PIXEL_MAX, "u1"))
    return np.concatenate(pixels), np.concatenate(labels) if labels else None


def _whole(values: NDArray[Any], maximum: int, dtype: str) -> NDArray[Any]:
    """Return `values` as `dtype`, or raise if one of them is not a whole number in 0..maximum."""
    # Not "min < 0 or max > maximum": both are False for NaN.
    if values.dtype.kind not in "iuf" or not (values.min() >= 0 and values.max() <= maximum):
        raise PixelError
    whole = values.astype(dtype, order="C")
    if values.dtype.kind == "f" and not np.array_equal(whole, values):
        raise PixelError
    return whole


@contextlib.contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    """Open the table, unpacked if its name says that it is packed."""
    suffix = path.suffix.lower()
    with path.open("rb") as plain, contextlib.ExitStack() as stack:
        try:
            if suffix == ".gz":
                unpacked = cast(IO[bytes], stack.enter_context(gzip.open(plain)))
                yield limited(unpacked, path)
            elif suffix == ".zip":
                yield limited(stack.enter_context(open_zip(plain, path, "CSV file")), path)
            else:
                yield plain
        except UNPACKING_ERRORS:
            raise damaged(path) from None


def _is_label(name: str) -> bool:
    return name.strip().lower() == LABEL


def _may_number_rows(name: str) -> bool:
    return is_index_name(name) or name.strip().lower() in ID_NAMES


def _check(row: list[str], names: list[str]) -> tuple[int, str] | None:
    """Return the first invalid column of a row and what is wrong with its cell, if anything."""
    if _GOOD.issuperset(row):
        return None
    for i, (name, cell) in enumerate(zip(names, row, strict=True)):
        if problem := _problem(cell, _is_label(name)):
            is_number = as_number(cell) is not None and not is_missing(cell)
            return i, _NO_PIXEL if is_number and _may_number_rows(name) else problem
    return None


def _no_table(path: Path) -> ValueError:
    return ValueError(
        f"{path} is no table of numbers with commas between them: "
        "give a CSV file (if it is packed, its name has to end in .csv.gz or .zip)"
    )


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
