"""Labels as a file has them, numbers or words, as classes 0, 1, ... and their names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

LABEL_MAX = 2**31 - 1


class LabelError(ValueError):
    """A label is none; `row` says whose it is, as arrays count: from 0."""

    def __init__(self, row: int, problem: str) -> None:
        super().__init__(f"row {row + 1} (counted from 1) has the label {problem}")
        self.row = row
        self.problem = problem


def as_classes(labels: NDArray[Any]) -> tuple[NDArray[np.int64], tuple[str, ...] | None]:
    """Return labels as classes, and the classes' names if the labels are words.

    Numbers stay the numbers that they are, also where they are written as text. Words are sorted,
    and numbered in that order. Numbers and words together are words, unless a word stands there
    only once: that looks like a mistake.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
        Of any dtype.

    Returns
    -------
    y : int64 ndarray of shape (n_rows,)
    class_names : tuple of str, or None
        The name of each class; None where the labels are numbers.

    Raises
    ------
    LabelError
        If a label is missing, a number that is negative or not whole, or a word among numbers.
    """
    import pandas as pd

    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8")
    if labels.dtype.kind not in "iufb":
        labels = labels.astype(object)
    codes, values = pd.factorize(labels, use_na_sentinel=False)
    texts = [_text(value) for value in values]
    numbers = [as_number(text) for text in texts]
    is_word = np.array([number is None for number in numbers], bool)
    counts = np.bincount(codes, minlength=len(texts))
    for i in range(len(texts)):
        if problem := _problem(texts[i], numbers[i], is_word, int(counts[i])):
            raise LabelError(int(np.argmax(codes == i)), f"{texts[i][:40]!r}, {problem}")
    if is_word.any():
        names = sorted(set(texts))
        places = np.array([names.index(text) for text in texts], np.int64)
        return places[codes], tuple(names)
    whole = np.array([int(number) for number in numbers if number is not None], np.int64)
    return whole[codes], None


def as_number(text: str) -> float | None:
    """Return the number that a text is for pandas; Python takes more for numbers, such as 1_000."""
    try:
        return float(text) if text.isascii() and "_" not in text else None
    except ValueError:
        return None


def _text(value: object) -> str:
    if value is None or value != value:  # NaN, in each of pandas' forms
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value).strip()


def _problem(text: str, number: float | None, is_word: NDArray[Any], count: int) -> str | None:
    remedy = "correct it or remove the row"
    if text == "":
        return f"which is missing: {remedy}"
    if number is None:
        if count == 1 and not is_word.all():
            return f"a word among numbers: {remedy}"
        return None
    if not math.isfinite(number) or (number != int(number) and not is_word.any()):
        return f"which is no whole number: {remedy}"
    if not 0 <= number <= LABEL_MAX and not is_word.any():
        return f"which is out of range: {remedy} (labels are whole numbers, 0 to {LABEL_MAX})"
    return None
