"""Reads each column of a table as what it holds, and finds ids and repeated columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fastmlp.tables import cells
from fastmlp.tables.dates import ISO, forms_of
from fastmlp.words import listed, shown

IDS, FEW = 10, 16  # more levels than one in so many rows, and than so many, are taken for names


def are_categories(given: Any, labels: list[Any]) -> Iterable[bool]:
    """Return for each column whether `categorical_features` says that it is text."""
    if isinstance(given, str):
        return [False] * len(labels)
    given = np.asarray(given)
    if given.dtype == bool:
        if given.shape != (len(labels),):
            raise ValueError(
                f"categorical_features has {given.size} flags: give one for each of "
                f"{len(labels)} columns"
            )
        return given.tolist()
    flags = dict.fromkeys(range(len(labels)), False)
    place_of = {label: place for place, label in enumerate(labels)}
    for one in given.ravel().tolist():
        place = one if isinstance(one, int) and 0 <= one < len(labels) else place_of.get(one)
        if place is None:
            raise ValueError(
                f"categorical_features holds {shown(one)}, which is no column of X: give names "
                f"out of {listed(map(shown, labels))}, or places from 0"
            )
        flags[place] = True
    return flags.values()


class Read(NamedTuple):
    """A column as it was read: what it holds, the form of dates in text, and its cells."""

    kind: cells.Kind
    form: str
    values: Any


def read(column: pd.Series[Any], is_category: bool, is_typed: bool) -> Read:
    kind = cells.kind_of(column, is_category, is_typed)
    form = cells.form_of(column) if kind == "time" else ISO
    return Read(kind, form, read_as(kind, form, column))


def read_as(kind: cells.Kind, form: str, column: pd.Series[Any]) -> Any:
    if kind == "text":
        return cells.texts(column)
    return cells.times(column, form) if kind == "time" else cells.numbers(column)


def are_unclear_dates(found: Read) -> bool:
    """Whether text is different dates, whose days and months can't be told apart."""
    if found.kind != "text" or len(found.values.levels) < 2:
        return False
    return len(forms_of(found.values.levels)) > 1


def without_ids(texts: cells.Texts) -> cells.Texts:
    """Return words of which those of one row only are missing; as they are if levels are few."""
    codes, levels = texts
    if len(levels) <= FEW or len(levels) * IDS <= len(codes):
        return texts
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    places = np.cumsum(counts > 1) - 1
    places[counts < 2] = -1
    kept = [level for level, n in zip(levels, counts.tolist(), strict=True) if n > 1]
    return cells.Texts(np.where(codes >= 0, places[codes], -1), kept)


def fingerprint(kind: cells.Kind, values: Any) -> tuple[Any, ...]:
    """Return what two columns share if they hold the same."""
    if kind == "text":
        return kind, tuple(values.levels), hash(values.codes.tobytes())
    return kind, hash(np.ascontiguousarray(values).tobytes())
