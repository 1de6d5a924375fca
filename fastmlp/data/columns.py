"""Which of a table's columns is the label, which ones are no pixels, and which are pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.archives import listed
from fastmlp.data.labels import as_number

LABEL_NAMES = ("label", "class", "target", "y")
ID_NAMES = ("id", "imageid", "image_id", "index")
INDEX_NAMES = ("", "unnamed: 0", "__index_level_0__")  # what pandas' saved indices are called
MANY = 12  # so many rows whose first value counts them are no chance

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Columns:
    """A table's columns, by number from 0.

    Attributes
    ----------
    label : int, optional
    ids : int, optional
        The column that numbers or names the rows.
    index : int, optional
        A pandas index, which says nothing about the rows.
    pixels : tuple of int
        All others.
    words : tuple of str
        What was taken for what.
    """

    label: int | None
    ids: int | None
    index: int | None
    pixels: tuple[int, ...]
    words: tuple[str, ...]


def choose(
    names: Sequence[str] | None,
    rows: Rows,
    label: str | None,
    path: Path,
    id_column: str | None = None,
) -> Columns:
    """Tell a table's columns apart.

    Parameters
    ----------
    names : sequence of str, optional
        The header, if there is one.
    rows : sequence of sequence of str
        The first rows, one at least, as many cells each as there are columns.
    label : str, optional
        A column's name, ``first``, ``last`` or ``none``; by default it is looked for.
    path : Path
        For error messages.
    id_column : str, optional
        A column that names the rows, if there is one of this name.

    Raises
    ------
    ValueError
        If there is no such column, if there are several, or if one can't tell.
    """
    n_columns = len(rows[0])
    bare = [""] * n_columns if names is None else [name.strip().lower() for name in names]
    ids = index = None
    if names is not None:
        index = next((i for i, name in enumerate(bare[:1]) if name in INDEX_NAMES), None)
        if index is None and "__index_level_0__" in bare:  # pandas puts it last into parquet
            index = bare.index("__index_level_0__")
        wanted = (id_column or "").strip().lower()
        known = (wanted,) if wanted and wanted in bare else ID_NAMES
        ids = next((i for i, name in enumerate(bare) if name in known), None)
    chosen = _named(names, label, n_columns, path) if label is not None else None
    counted = 0 if _counts_up(rows) and 0 not in (index, ids, chosen) else None
    if counted is not None and bare[0] not in LABEL_NAMES:
        if names is None:
            index = 0
        else:
            ids = 0 if ids is None else ids
    if label is None:
        rest = [i for i in range(n_columns) if i not in (ids, index)]
        chosen = _find(None if names is None else bare, rows, rest, path)
    ids, index = (None if i == chosen else i for i in (ids, index))
    pixels = tuple(i for i in range(n_columns) if i not in (chosen, ids, index))
    if not pixels:
        raise ValueError(f"{path} has labels, but no pixels: give it a column for each pixel")
    unnamed = next((i for i in pixels if names is not None and bare[i] == ""), None)
    if unnamed is not None:
        raise ValueError(
            f"{path}: column {unnamed + 1} has no name: "
            "name it, or leave it out (index=False in pandas' to_csv)"
        )
    words = ["no labels" if chosen is None else f"labels: {_word(names, chosen, n_columns)}"]
    if ids is not None:
        words.append(f"{_word(names, ids, n_columns)} names the rows and is no pixel")
    if index is not None:
        words.append(f"{_word(names, index, n_columns)} is a saved index, skipped")
    return Columns(chosen, ids, index, pixels, tuple(words))


def as_ids(values: NDArray[np.object_]) -> NDArray[np.object_] | NDArray[np.int64]:
    """Return texts as the whole numbers that they are, or else as texts."""
    texts = [str(value).strip() for value in values]
    if all(text.isascii() and text.isdigit() and len(text) < 19 for text in texts):
        numbers = np.array(texts, np.int64)
        if [str(number) for number in numbers.tolist()] == texts:  # "007" is a name
            return numbers
    return np.array(texts, object)


def check_index(values: Iterable[object], name: str, path: Path) -> None:
    """Raise unless a column that looks like a saved index has another number in every row."""
    texts = [str(value).strip() for value in values]
    numbers = {as_number(text) for text in texts}
    if len(numbers) < len(texts) or any(n is None or n != n or n % 1 for n in numbers):
        raise ValueError(
            f"{path}: {name} looks like a saved index, but does not number the rows: "
            "name it, or leave it out (index=False in pandas' to_csv)"
        )


def _named(
    names: Sequence[str] | None, label: str, n_columns: int, path: Path
) -> int | None:  # fmt: skip
    """Return the column that the user asked for."""
    wanted = label.strip()
    for found in (names or [], [name.strip().lower() for name in names or []]):
        places = [i for i, name in enumerate(found) if name in (wanted, wanted.lower())]
        if len(places) > 1:
            raise ValueError(f"{path} has {len(places)} columns named {label}: give it one at most")
        if places:
            return places[0]
    if wanted.lower() == "none":
        return None
    if wanted.lower() in ("first", "last"):
        return 0 if wanted.lower() == "first" else n_columns - 1
    if names is None:
        raise ValueError(f"{path} has no header, so no column {label!r}: {_REMEDY}")
    raise ValueError(
        f"{path} has no column {label!r}, but {listed(list(names))}: give one of them, or {_REMEDY}"
    )


_REMEDY = "say where the labels are: first, last or none (--label on the command line)"


def _find(names: Sequence[str] | None, rows: Rows, rest: list[int], path: Path) -> int | None:
    """Look for the label among the columns `rest`; `names` are in small letters."""
    if names is not None:
        places = [i for i in rest if names[i] in LABEL_NAMES]
        if len(places) > 1:
            found = " and ".join(names[i] for i in places)
            if len({names[i] for i in places}) == 1:
                raise ValueError(
                    f"{path} has {len(places)} columns named {names[places[0]]}: "
                    "give it one at most"
                )
            raise ValueError(
                f"{path} has the columns {found}: name the one with the labels "
                "(label='...', on the command line --label)"
            )
        if places:
            return places[0]
    wordy = [i for i in rest if all(as_number(row[i]) is None and row[i].strip() for row in rows)]
    if len(wordy) == 1 and len(rest) > 1:
        return wordy[0]
    if names is not None and not all(names[i].isdigit() for i in rest):
        return None
    return _find_unnamed(rows, rest, path)


def _find_unnamed(rows: Rows, rest: list[int], path: Path) -> int | None:
    """Look for the label at both ends of columns without names.

    Images are square, grey or in three colours: then it is clear whether there is a label. It has
    small numbers, not always the same one, and goes beyond the pixels or has fewer gaps than they.
    """
    n = len(rest)
    if _is_image(n):
        return None
    ends = [rest[0], rest[-1]]
    columns = [[as_number(row[i]) for row in rows] for i in ends]
    likely = [i for i, values in zip(ends, columns, strict=True) if _looks_like_labels(values)]
    if len(likely) == 2:
        middle = [as_number(row[i]) or 0 for row in rows for i in rest[1:-1]]
        largest = max(middle, default=0)
        beyond = [i for i in ends if max(as_number(row[i]) or 0 for row in rows) > largest]
        likely = beyond if len(beyond) == 1 else likely
    if len(likely) == 1 and n > 1:
        return likely[0]
    raise ValueError(
        f"{path} has {n} columns without names, and one can't tell which holds the labels: "
        f"{_REMEDY}"
    )


def _looks_like_labels(values: list[float | None]) -> bool:
    distinct = set(values)
    if len(distinct) < 2 or None in distinct:
        return False
    numbers = [value for value in distinct if value is not None]
    if not all(value >= 0 and value % 1 == 0 for value in numbers):
        return False
    return max(numbers) < 2 * len(numbers) + 10


def _is_image(n: int) -> bool:
    """Say whether so many pixels are a square in grey, or in three colours."""
    roots = [round(n**0.5), round((n / 3) ** 0.5)]
    return n in (roots[0] ** 2, 3 * roots[1] ** 2)


def _counts_up(rows: Rows) -> bool:
    """Say whether the first column numbers the rows, which no pixel does."""
    numbers = [as_number(row[0]) for row in rows]
    return len(rows) >= MANY and numbers in (
        list(range(len(rows))),
        list(range(1, len(rows) + 1)),
    )


def _word(names: Sequence[str] | None, i: int, n_columns: int) -> str:
    if names is not None:
        return f"column {names[i][:40]!r}" if names[i].strip() else f"the nameless column {i + 1}"
    return {0: "the first column", n_columns - 1: "the last column"}.get(i, f"column {i + 1}")
