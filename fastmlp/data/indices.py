"""Columns that number the rows of a table: ids, and indices saved by pandas or the like."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from fastmlp.data.cells import as_number
from fastmlp.words import shortened

INDEX = "index"  # an id, unless there is another
ID_NAMES = ("id", "imageid", "image_id", INDEX)
NAME_IT = "name it, or leave it out (index=False in pandas' to_csv)"


def find_indices(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    path: Path,
    id_column: str | None = None,
) -> tuple[int | None, list[int]]:
    """Return the columns of ids and of saved indices, by their names, which are in lower case.

    If there is a column called `id_column`, it has the ids.

    A column with the name of an index is one if its numbers increase from row to row. A nameless
    first column, and what parquet calls an index, are taken for one in any case, as the rows may
    have been shuffled; `check_index` refuses those that don't number the rows.
    """
    wanted = (id_column or "").strip().lower()
    known = (wanted,) if wanted and wanted in names else ID_NAMES
    named = [i for i, name in enumerate(names) if name in known]
    ids = next((i for i in named if names[i] != INDEX), named[0] if named else None)
    if ids is not None and names.count(names[ids]) > 1:
        raise named_twice(names[ids], names.count(names[ids]), path)
    indices = [
        i
        for i, name in enumerate(names)
        if (i != ids and is_index_name(name))
        and (_is_surely_index(i, name) or increases(row[i] for row in rows))
    ]
    return ids, indices


def named_twice(name: str, n: int, path: Path) -> ValueError:
    """Return the error for `n` columns of one name."""
    return ValueError(f"{path} has {n} columns named {shortened(name)}: give it one at most")


def is_index_name(name: str) -> bool:
    """Say whether a saved index may have this name: ``Unnamed: 0``, ``index``, none at all.

    pandas calls a nameless column ``Unnamed: 3``, a second one of this name ``Unnamed: 3.1``, and
    an index in parquet ``__index_level_0__``.
    """
    name = name.strip().lower()
    return name in ("", INDEX) or bool(
        re.fullmatch(r"unnamed: \d+(\.\d+)*|__index_level_\d+__", name)
    )


def numbers_rows(values: Iterable[object]) -> bool:
    """Say whether a column holds whole numbers, a different one in every row, as an index does.

    They need not increase: the rows may have been shuffled.
    """
    numbers = _whole(values)
    return numbers is not None and len(set(numbers)) == len(numbers)


def increases(values: Iterable[object]) -> bool:
    """Say whether a column holds whole numbers, each larger than the one above it."""
    numbers = _whole(values)
    return numbers is not None and all(a < b for a, b in itertools.pairwise(numbers))


def _is_surely_index(i: int, name: str) -> bool:
    return (i == 0 and name in ("", "unnamed: 0")) or name.startswith("__index_level_")


def _whole(values: Iterable[object]) -> list[float] | None:
    """Return the numbers in a column; None if one of its values is not a whole number."""
    numbers = []
    for value in values:
        number = _exact(str(value).strip())
        if number is None or not math.isfinite(number) or number % 1:
            return None
        numbers.append(number)
    return numbers


def _exact(text: str) -> float | None:
    """Return a number; a long whole one exactly, as its neighbour may be the same float."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 40 else as_number(text)


def check_index(values: Iterable[object], i: int, name: str, where: str) -> None:
    """Raise unless a column that looks like a saved index numbers the rows, to the last one.

    It is column `i`, counted from 0, called `name`; `where` names it in the error.
    """
    is_sure = _is_surely_index(i, name.strip().lower())
    if not (numbers_rows(values) if is_sure else increases(values)):
        raise ValueError(
            f"{where} looks like a saved index, but does not number the rows: {NAME_IT}"
        )
