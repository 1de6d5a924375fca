"""Finds out what a column holds, and reads it as that.

There are four kinds. Missing are None, NaN, NA, NaT and blank text, in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from numbers import Real
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fastmlp.tables.dates import ISO, date_of, forms_of
from fastmlp.words import shown

Kind = Literal["number", "boolean", "time", "text"]
KINDS: tuple[Kind, ...] = ("number", "boolean", "time", "text")
MOST_LEVELS_OF_CODES = 64  # numerals in text with more levels than that are numbers
GAPS = frozenset(("na", "n/a", "nan", "null", "none", "?", "-", "."))  # among numerals
_CODE = re.compile(r"\d+", re.ASCII)


class Texts(NamedTuple):
    """Words, each stored once.

    Attributes
    ----------
    codes : ndarray of shape (n_rows,) of intp
        The place of each row's word; -1 where it is missing.
    levels : list of str
        The different words, in the order in which they come.
    """

    codes: NDArray[np.intp]
    levels: list[str]


def kind_of(column: pd.Series[Any], is_category: bool = False, is_typed: bool = True) -> Kind:
    """Return what a column holds.

    Categories, and columns that are said to be, are text. Text is 'time' if all of it is dates in
    one form, which tells day and month apart (see `dates`), and 'number' if there are more than
    `MOST_LEVELS_OF_CODES` different words and all of them are numerals, but for words for gaps;
    but whole numbers without such words are codes, if a column holds numbers (`is_typed`):
    whoever keeps these as text means it. Objects are what all of them are; where they are of
    several kinds, text.

    Raises
    ------
    ValueError
        For complex numbers.
    """
    dtype: Any = column.dtype
    if pd.api.types.is_complex_dtype(dtype):
        raise ValueError(
            f"Complex data not supported: X holds {dtype} in its column {shown(column.name)}, give "
            "real and imaginary parts a column each"
        )
    if is_category or isinstance(dtype, pd.CategoricalDtype | pd.IntervalDtype):
        return "text"
    if pd.api.types.is_bool_dtype(dtype):
        return "boolean"
    if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return "time"
    return _kind_of_objects(column, is_typed)


def holds_numbers(column: pd.Series[Any]) -> bool:
    """Return whether all cells are numbers, not Booleans or numerals in text, in any container."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return False
    if column.dtype != object:
        return pd.api.types.is_numeric_dtype(column.dtype)
    types = {type(cell) for cell in column.dropna()}
    return bool(types) and all(
        issubclass(found, Real | Decimal) and not issubclass(found, bool) for found in types
    )


def _kind_of_objects(column: pd.Series[Any], is_typed: bool) -> Kind:
    cells = column.dropna()
    types = {type(cell) for cell in cells}
    candidates: list[tuple[tuple[type, ...], Kind]] = [
        ((bool, np.bool_), "boolean"),
        ((Real, Decimal, np.bool_), "number"),
        ((timedelta, np.timedelta64), "number"),
        ((time,), "number"),
        ((date, np.datetime64), "time"),
    ]
    for kinds, kind in candidates:
        if all(issubclass(found, kinds) for found in types):
            return kind if types else "number"
    return _kind_of_words(texts(column).levels, is_typed)


def _kind_of_words(levels: list[str], is_typed: bool) -> Kind:
    if len(forms_of(levels)) == 1:
        return "time"
    if len(levels) > MOST_LEVELS_OF_CODES:
        if is_typed and all(map(_CODE.fullmatch, levels)):
            return "text"
        words = [level for level in levels if level.lower() not in GAPS]
        if len(words) > MOST_LEVELS_OF_CODES and all(_number_of(w) is not None for w in words):
            return "number"
    return "text"


def numbers(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Return a column as float64, missing values as NaN; durations and times of day as seconds.

    Raises
    ------
    ValueError
        If a cell is no number; the message names the column.
    """
    dtype: Any = column.dtype
    if pd.api.types.is_timedelta64_dtype(dtype):
        seconds: NDArray[np.float64] = column.dt.total_seconds().to_numpy(np.float64)
        return seconds
    if pd.api.types.is_numeric_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype):
        if isinstance(dtype, np.dtype):
            return column.to_numpy().astype(np.float64, copy=False)
        return column.to_numpy(np.float64, na_value=np.nan)
    return _each(column, _number_of, np.float64, np.nan, "a number")


def form_of(column: pd.Series[Any]) -> str:
    """Return the form of the dates in a column that is 'time', if they are text."""
    if not (pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column)):
        return ISO
    return next(iter(forms_of(texts(column).levels)), ISO)


def times(column: pd.Series[Any], form: str = ISO) -> NDArray[np.datetime64]:
    """Return a column as datetime64[us], wall-clock time where it has a zone; NaT where missing.

    Text has this form.

    Raises
    ------
    ValueError
        If a cell is no date; the message names the column.
    """
    dtype: Any = column.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_localize(None)
    elif isinstance(dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    elif isinstance(dtype, pd.ArrowDtype):  # days, and times with zones, have no array of NumPy's
        column = column.astype(object)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column.to_numpy().astype("datetime64[us]")
    missing = np.datetime64("NaT", "us")
    read = partial(_time_of, form=form)
    return _each(column, read, np.dtype("datetime64[us]"), missing, "a date")


def texts(column: pd.Series[Any]) -> Texts:
    """Return a column as words. Whole floats are written as integers; blanks around are cut off."""
    dtype: Any = column.dtype
    values: Any
    if isinstance(dtype, pd.CategoricalDtype):
        codes, values = column.cat.codes.to_numpy().astype(np.intp), column.cat.categories
    else:
        if pd.api.types.is_object_dtype(dtype) and {bool, np.bool_} & {
            type(cell) for cell in column
        }:
            column = _as_words(column)  # True and 1 are equal, and not the same word
        codes, values = _factorized(column)
    places: dict[str, int] = {}
    place_of = np.full(len(values) + 1, -1, np.intp)  # the last one: of missing values
    for i, value in enumerate(values):
        word = word_of(value)
        if word:
            place_of[i] = places.setdefault(word, len(places))
    codes = place_of[codes]
    # Categories that no row has are no levels, and the order is that of the rows.
    order = np.asarray(pd.unique(codes[codes >= 0]))
    words = list(places)
    renumbered = np.full(len(words) + 1, -1, np.intp)
    renumbered[order] = np.arange(len(order))
    return Texts(renumbered[codes], [words[place] for place in order])


def word_of(value: Any) -> str:
    """Return a cell as a word; "" where it is missing."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    if isinstance(value, float | np.floating) and abs(number := float(value)) < 2**53:
        return str(int(number)) if number.is_integer() else str(value)
    return "" if value is None or (np.ndim(value) == 0 and bool(pd.isna(value))) else str(value)


def _factorized(column: pd.Series[Any]) -> tuple[NDArray[np.intp], Any]:
    cells: Any = column.to_numpy()
    if not isinstance(column.dtype, np.dtype) or column.dtype.kind == "O":
        cells = np.asarray(column.astype(object))
    try:
        return pd.factorize(cells)
    except TypeError:  # cells that are lists, which have no hash
        return _factorized(_as_words(column))


def _as_words(column: pd.Series[Any]) -> pd.Series[Any]:
    return pd.Series([word_of(cell) or None for cell in column], dtype=object, name=column.name)


def _each(
    column: pd.Series[Any], read: Callable[[Any], Any], dtype: Any, missing: Any, what: str
) -> NDArray[Any]:
    """Read each different cell of a column once."""
    codes, values = _factorized(
        column.astype(object) if isinstance(column.dtype, pd.CategoricalDtype) else column
    )
    found = np.full(len(values) + 1, missing, dtype)
    for i, value in enumerate(values):
        known = read(value)
        if known is None:
            word = word_of(value)
            if word and word.lower() not in GAPS:
                raise ValueError(
                    f"X holds {shown(value)} in its column {shown(column.name)}, which is not "
                    f"{what}, as that column had in fit: correct it, or leave it empty"
                )
            continue
        found[i] = known
    return found[codes]


def _number_of(cell: Any) -> float | None:
    """Return a number, and durations and times of day in seconds; None where it is neither."""
    if isinstance(cell, timedelta | np.timedelta64):
        return pd.Timedelta(cell).total_seconds()
    if isinstance(cell, time):
        return 3600.0 * cell.hour + 60 * cell.minute + cell.second + cell.microsecond / 1e6
    if isinstance(cell, date | np.datetime64):
        return None
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return None


def _time_of(cell: Any, form: str) -> np.datetime64 | None:
    """Return a date or time in microseconds, without its zone; None where it is none."""
    if isinstance(cell, datetime):
        return np.datetime64(cell.replace(tzinfo=None), "us")
    if isinstance(cell, date):
        return np.datetime64(cell, "us")
    if isinstance(cell, np.datetime64):
        return cell.astype("datetime64[us]")
    return date_of(word_of(cell), form) if isinstance(cell, str | bytes) else None
