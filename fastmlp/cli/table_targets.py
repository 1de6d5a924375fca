"""A table's column of labels, as classes or as quantities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fastmlp.cli.table_kind import Task
from fastmlp.data.frames import Table
from fastmlp.data.labels import FRACTIONS, MANY_NUMBERS
from fastmlp.words import shortened, shown

MOST_CLASSES = 1000


def labels_of(table: Table, purpose: str) -> pd.Series[Any]:
    """Return the column of the labels.

    Raises
    ------
    ValueError
        If there is none, or a label is missing or infinite.
    """
    if table.y is None:
        raise ValueError(
            f"{table.name} has no labels, and {purpose} needs them: "
            "give a file with a column 'label', or name the column with --label"
        )
    y = table.y
    is_missing = y.isna().to_numpy(bool)
    if _is_numeric(y):
        is_missing = is_missing | np.isinf(y.to_numpy(np.float64, na_value=np.nan))
    else:
        is_missing = is_missing | np.array([not str(cell).strip() for cell in y], bool)
    if is_missing.any():
        row = int(is_missing.argmax()) + 1
        n = int(is_missing.sum())
        raise ValueError(
            f"{table.name}: the label of row {row:,} (counted from 1) is missing or infinite, as "
            f"are those of {n:,} rows: remove such rows"
            if n > 1
            else f"{table.name}: the label of row {row:,} (counted from 1) is missing or infinite: "
            "remove that row"
        )
    return y


def task_of(y: pd.Series[Any]) -> Task:
    """Say what labels are: quantities, if they are fractions, or many numbers with gaps.

    Fractions are counted from two of them, and one row in a hundred, on. More than 20 different
    whole numbers are quantities, unless they are numbered from 0 or 1 without gaps.
    """
    if not _is_numeric(y):
        return Task.classify
    values, counts = np.unique(y.to_numpy(np.float64), return_counts=True)
    n_fractions = int(counts[values % 1 != 0].sum())
    if n_fractions > 1 and n_fractions >= FRACTIONS * len(y):
        return Task.regress
    if len(values) <= MANY_NUMBERS:
        return Task.classify
    are_numbered = values[0] in (0, 1) and values[-1] - values[0] + 1 == len(values)
    return Task.classify if are_numbered else Task.regress


def as_targets(y: pd.Series[Any], task: Task, name: str) -> NDArray[Any]:
    """Return labels as the table classes take them.

    Classes are int64 if all of them are whole numbers, else text; quantities are float64.

    Raises
    ------
    ValueError
        If quantities are wanted and a label is no number, or if there is one class only, or more
        than 1,000.
    """
    if task is Task.regress:
        return as_quantities(y, name)
    classes = as_classes(y, _is_numeric(y))
    different = np.unique(classes).tolist()
    n_classes = len(different)
    if n_classes < 2:
        raise ValueError(
            f"{name} has the label {shortened(str(different[0]))} only: "
            "give data with two classes at least"
        )
    if n_classes > MOST_CLASSES:
        raise ValueError(
            f"{name} has {n_classes:,} different labels: give {MOST_CLASSES:,} classes at most, or "
            "--task regress if they are quantities"
        )
    return classes


def as_quantities(y: pd.Series[Any], name: str) -> NDArray[np.float64]:
    """Return labels as float64, or raise ValueError if one of them is no number."""
    if not _is_numeric(y):
        numbers = pd.to_numeric(y.astype(object), errors="coerce")
        if numbers.isna().any():
            row = int(numbers.isna().to_numpy().argmax())
            raise ValueError(
                f"{name}: the label of row {row + 1:,} (counted from 1) is "
                f"{shown(str(y.iloc[row]))}, which is no number: correct it, or "
                "give --task classify"
            )
        y = numbers
    return y.to_numpy(np.float64)


def as_classes(y: pd.Series[Any], are_numbers: bool) -> NDArray[Any]:
    """Return labels as int64 where that is asked for and they are whole; else as text."""
    if are_numbers and _is_numeric(y):
        values = y.to_numpy()
        if values.dtype.kind != "f" or (values % 1 == 0).all():
            return values.astype(np.int64)
    return np.array([_word(cell) for cell in y], np.str_)


def _word(cell: Any) -> str:
    is_whole = isinstance(cell, float) and cell.is_integer()
    return str(int(cell)) if is_whole else str(cell).strip()


def _is_numeric(y: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_numeric_dtype(y.dtype) and not pd.api.types.is_bool_dtype(y.dtype))
