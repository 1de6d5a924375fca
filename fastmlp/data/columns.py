"""Which of a table's columns is the label, which ones number the rows, and which are features."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.cells import as_number, is_missing
from fastmlp.data.indices import NAME_IT, check_index, find_indices, named_twice
from fastmlp.data.raw import Raw, Unit
from fastmlp.words import listed, shortened

LABEL_NAMES = ("label", "class", "target", "y")
MANY = 12  # rows; in fewer, the first column may count up by chance
MANY_PIXELS = 16  # of the smallest image: four or nine columns are taken for features

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Columns:
    """A table's columns, by number from 0.

    Attributes
    ----------
    label : int, optional
    ids : int, optional
        The column that numbers or names the rows.
    indices : tuple of int
        Indices saved by pandas or the like, which say nothing about the rows.
    pixels : tuple of int
        All others.
    unit : {"pixels", "features"}
        What to call these.
    words : tuple of str
        What the columns were taken for.
    pixel_names : tuple of str, optional
        The header's names of the pixels.
    """

    label: int | None
    ids: int | None
    indices: tuple[int, ...]
    pixels: tuple[int, ...]
    unit: Unit
    words: tuple[str, ...]
    pixel_names: tuple[str, ...] | None = None

    @property
    def others(self) -> list[int]:
        """All columns but the pixels."""
        return [i for i in (self.label, self.ids, *self.indices) if i is not None]

    def raw(
        self,
        x: NDArray[Any],
        parts: Mapping[int, Sequence[NDArray[Any]]],
        names: Sequence[str] | None,
        path: Path,
        words: Sequence[str],
    ) -> Raw:
        """Return the rows of a table, of which `parts` has the `others`."""
        others = {i: np.concatenate(parts[i]) for i in self.others}
        for i in self.indices:
            name = "" if names is None else names[i]
            where = i + 1 if names is None else repr(name)
            check_index(others[i], i, name, f"{path}: column {where}")
        labels = None if self.label is None else others[self.label]
        ids = None if self.ids is None else as_ids(others[self.ids].astype(object))
        words = (*words, *self.words)
        return Raw(x, labels, ids, words, unit=self.unit, feature_names=self.pixel_names)


def choose(
    names: Sequence[str] | None,
    rows: Rows,
    label: str | None,
    path: Path,
    features: Sequence[str] | None = None,
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
    features : sequence of str, optional
        If the header has all of these names, they are pixels, whatever they look like.
    id_column : str, optional
        A column that names the rows, if there is one of this name.

    Raises
    ------
    ValueError
        If there is no such column, if there are several, or if none is clearly the label.
    """
    n_columns = len(rows[0])
    bare = [""] * n_columns if names is None else [name.strip().lower() for name in names]
    known = _known(names, features)
    ids: int | None = None
    indices: list[int] = []
    if names is not None:
        bare = ["a feature" if i in known else name for i, name in enumerate(bare)]
        ids, indices = find_indices(bare, rows, path, id_column)
    chosen = _named(names, label, n_columns, path) if label is not None else None
    is_free = 0 not in (*indices, ids, chosen, *known) and bare[0] not in LABEL_NAMES
    if is_free and _counts_up(rows, bool(known)):
        if names is None:
            indices = [0]
        elif ids is None:
            ids = 0
    if label is None:
        rest = [i for i in range(n_columns) if i not in (ids, *indices) and i not in known]
        chosen = _find(None if names is None else bare, rows, rest, path, bool(known))
    ids = None if ids == chosen else ids
    indices = [i for i in indices if i != chosen]
    pixels = tuple(i for i in range(n_columns) if i not in (chosen, ids, *indices))
    if not pixels:
        raise ValueError(
            f"{path} has nothing but {'ids' if chosen is None else 'labels'}: "
            "give it a column for each feature, or pixel"
        )
    unnamed = next((i for i in pixels if names is not None and bare[i] == ""), None)
    if unnamed is not None:
        raise ValueError(f"{path}: column {unnamed + 1} has no name: {NAME_IT}")
    unit = unit_of(len(pixels), None if names is None else [names[i] for i in pixels])
    words = ["no labels" if chosen is None else f"labels: {_word(names, chosen, n_columns)}"]
    if ids is not None:
        words.append(f"{_word(names, ids, n_columns)} names the rows and is no {unit[:-1]}")
    words += [f"{_word(names, i, n_columns)} is a saved index, skipped" for i in indices]
    pixel_names = None if names is None else tuple(names[i].strip() for i in pixels)
    return Columns(chosen, ids, tuple(indices), pixels, unit, tuple(words), pixel_names)


def unit_of(n: int, names: Sequence[str] | None = None) -> Unit:
    """Return what to call the `n` values of a row: pixels if they look like an image's.

    That is so if names begin with "pixel", or if there are as many as an image has and their names,
    if any, differ by numbers only.
    """
    names = [] if names is None else [name.strip().lower() for name in names]
    if any(name.startswith("pixel") for name in names):
        return "pixels"
    stems = {re.sub(r"[\d\s._-]", "", name) for name in names}
    return "pixels" if n >= MANY_PIXELS and _is_image(n) and len(stems) <= 1 else "features"


def _known(names: Sequence[str] | None, features: Sequence[str] | None) -> frozenset[int]:
    """Return the columns that are known to be features."""
    stripped = [name.strip() for name in names or ()]
    wanted = set(features or ())
    if not wanted <= set(stripped):
        return frozenset()
    return frozenset(i for i, name in enumerate(stripped) if name in wanted)


def as_ids(values: NDArray[np.object_]) -> NDArray[np.object_] | NDArray[np.int64]:
    """Return ids as int64 if all of them are written as int64 are, else as text."""
    texts = [str(value).strip() for value in values]
    if all(text.isascii() and text.isdigit() and len(text) < 19 for text in texts):
        numbers = np.array(texts, np.int64)
        if [str(number) for number in numbers.tolist()] == texts:  # "007" is a name
            return numbers
    return np.array(texts, object)


def _named(
    names: Sequence[str] | None, label: str, n_columns: int, path: Path
) -> int | None:  # fmt: skip
    """Return the column that the user asked for."""
    wanted = label.strip()
    for found in (names or [], [name.strip().lower() for name in names or []]):
        places = [i for i, name in enumerate(found) if name in (wanted, wanted.lower())]
        if len(places) > 1:
            raise named_twice(label, len(places), path)
        if places:
            return places[0]
    if wanted.lower() == "none":
        return None
    if wanted.lower() in ("first", "last"):
        return 0 if wanted.lower() == "first" else n_columns - 1
    if names is None:
        raise ValueError(f"{path} has no header, so no column {shortened(label)!r}: {_REMEDY}")
    raise ValueError(
        f"{path} has no column {shortened(label)!r}, but {listed(list(names))}: "
        f"give one of them, or {_REMEDY}"
    )


_REMEDY = "say where the labels are: first, last or none (--label on the command line)"


def _find(
    names: Sequence[str] | None, rows: Rows, rest: list[int], path: Path, has_known: bool
) -> int | None:
    """Look for the label among the columns `rest`; `names` are in lower case.

    `has_known`: there are other columns, which are known to be pixels.
    """
    if names is not None:
        places = [i for i in rest if names[i] in LABEL_NAMES]
        if len(places) > 1:
            found = " and ".join(names[i] for i in places)
            if len({names[i] for i in places}) == 1:
                raise named_twice(names[places[0]], len(places), path)
            raise ValueError(
                f"{path} has the columns {found}: name the one with the labels "
                "(label='...', on the command line --label)"
            )
        if places:
            return places[0]
    wordy = [
        i
        for i in rest
        if all(as_number(row[i]) is None and row[i].strip() for row in rows)
        and not all(is_missing(row[i]) for row in rows)
    ]
    if len(wordy) == 1 and len(rest) + has_known > 1:
        return wordy[0]
    if has_known or (names is not None and not all(names[i].isdigit() for i in rest)):
        return None
    return _find_unnamed(rows, rest, path)


def _find_unnamed(rows: Rows, rest: list[int], path: Path) -> int | None:
    """Look for the label at both ends of columns without names.

    Images are square, grey or in three colours, so the number of columns may say that there is no
    label. A label has small whole numbers, not always the same, with few gaps; if both ends are
    like that, the label's are larger than all pixels.
    """
    n = len(rest)
    if _is_image(n):
        return None
    ends = {i: [as_number(row[i]) for row in rows] for i in (rest[0], rest[-1])}
    likely = [i for i, values in ends.items() if _looks_like_labels(values)]
    if len(likely) == 2:
        middle = [as_number(row[i]) or 0 for row in rows for i in rest[1:-1]]
        largest = max(middle, default=0)
        beyond = [i for i, values in ends.items() if max(v or 0 for v in values) > largest]
        likely = beyond if len(beyond) == 1 else likely
    if len(likely) == 1 and n > 1:
        return likely[0]
    raise ValueError(
        f"{path} has {n} columns without names, and one can't tell which holds the labels: "
        f"{_REMEDY}"
    )


def _looks_like_labels(values: list[float | None]) -> bool:
    distinct = set(values)
    whole = [value for value in distinct if value is not None and value >= 0 and value % 1 == 0]
    return 1 < len(whole) == len(distinct) and max(whole) < 2 * len(whole) + 10


def _is_image(n: int) -> bool:
    """Say whether `n` values can be the pixels of a square image, grey or in three colours."""
    roots = [round(n**0.5), round((n / 3) ** 0.5)]
    return n in (roots[0] ** 2, 3 * roots[1] ** 2)


def _counts_up(rows: Rows, from_anywhere: bool) -> bool:
    """Say whether the first column counts the rows, which no pixel does.

    It counts from 0 or 1, or `from_anywhere` if it is known not to be a pixel: the rows of one file
    may continue those of another.
    """
    numbers = [as_number(row[0]) for row in rows]
    first = numbers[0]
    if len(rows) < MANY or first is None or (first not in (0, 1) and not from_anywhere):
        return False
    return first % 1 == 0 and numbers == [first + i for i in range(len(rows))]


def _word(names: Sequence[str] | None, i: int, n_columns: int) -> str:
    if names is not None:
        return f"column {names[i][:40]!r}" if names[i].strip() else f"the nameless column {i + 1}"
    return {0: "the first column", n_columns - 1: "the last column"}.get(i, f"column {i + 1}")
