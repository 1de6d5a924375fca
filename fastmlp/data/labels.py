"""Labels as a file has them, numbers or words, as classes 0, 1, ... and their names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.cells import as_number

LABEL_MAX = 2**31 - 1
MANY_NUMBERS = 20  # classes that may be whole numbers with gaps in a row or two each
FRACTIONS = 0.01  # share of the rows; fewer fractions are typing errors

REGRESSION = (
    "this looks like regression, which MLPRegressor does (from fastmlp import MLPRegressor); "
    "classes are whole numbers from 0 without gaps, or words"
)


class LabelError(ValueError):
    """Raised for an invalid label in `row`, counted from 0."""

    def __init__(self, row: int, problem: str) -> None:
        super().__init__(f"row {row + 1} (counted from 1) has the label {problem}")
        self.row = row
        self.problem = problem


def as_classes(labels: NDArray[Any]) -> tuple[NDArray[np.int64], tuple[str, ...] | None]:
    """Return labels as classes, and the classes' names if the labels are words.

    Numbers stay as they are, even if they are written as text. Words are sorted and counted in that
    order. Numbers and words together are words, unless a word occurs only once, which looks like a
    mistake.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
        Of any dtype.

    Returns
    -------
    y : int64 ndarray of shape (n_rows,)
    class_names : tuple of str, or None
        The name of each class; None if the labels are numbers.

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
    if found := _find_problem(texts, numbers, is_word, counts):
        i, problem = found
        raise LabelError(int(np.argmax(codes == i)), f"{texts[i][:40]!r}, {problem}")
    if is_word.any():
        names, places = np.unique(np.array(texts, object), return_inverse=True)
        return places.astype(np.int64)[codes], tuple(names.tolist())
    whole = np.array([int(number) for number in numbers if number is not None], np.int64)
    return whole[codes], None


def _text(value: object) -> str:
    if value is None or value != value:  # any of pandas' missing values
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value).strip()


def looks_like_regression(values: NDArray[Any], counts: NDArray[Any]) -> bool:
    """Say whether the numbers in a column of labels are quantities rather than classes.

    They are if there are fractions in at least two rows and one per cent of the rows. Whole numbers
    are if there are more than `MANY_NUMBERS` different ones with gaps between them, most of them in
    one row or two, some in one row only. So these are classes: up to `MANY_NUMBERS` whole numbers;
    those from 0 or 1 without gaps; and those that have two rows each, or more.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        The different numbers, all of them finite.
    counts : ndarray of shape (n_values,)
        The number of rows of each.
    """
    n_fractions = int(counts[values % 1 != 0].sum())
    if n_fractions > 1 and n_fractions >= FRACTIONS * counts.sum():
        return True
    n_values = len(values)
    if n_values <= MANY_NUMBERS or np.count_nonzero(counts <= 2) <= n_values / 2:
        return False
    low, high = values.min(), values.max()
    return bool(counts.min() == 1 and (low not in (0, 1) or high - low + 1 > n_values))


def _find_problem(
    texts: list[str], numbers: list[float | None], is_word: NDArray[Any], counts: NDArray[Any]
) -> tuple[int, str] | None:
    """Return the place of the first invalid label and what is wrong with it; None if all are valid.

    `texts` are the different labels, `counts` says in how many rows each of them stands.
    """
    finite = {i: n for i, n in enumerate(numbers) if n is not None and math.isfinite(n)}
    impossible = [i for i, n in finite.items() if n % 1 or not 0 <= n <= LABEL_MAX]
    has_words = any(is_word[i] and texts[i] for i in range(len(texts)))
    quantities = np.array([*finite.values()]), counts[[*finite]]
    if impossible and not has_words and looks_like_regression(*quantities):
        what = "no whole number" if finite[impossible[0]] % 1 else "out of range"
        return impossible[0], f"which is {what}: {REGRESSION}"
    remedy = "correct it or remove the row"
    all_words, any_word = bool(is_word.all()), bool(is_word.any())
    for i, (text, number) in enumerate(zip(texts, numbers, strict=True)):
        if text == "":
            return i, f"which is missing: {remedy}"
        if number is None:
            if counts[i] == 1 and not all_words:
                return i, f"a word among numbers: {remedy}"
        elif not math.isfinite(number) or (number % 1 and not any_word):
            return i, f"which is no whole number: {remedy}"
        elif not 0 <= number <= LABEL_MAX and not any_word:
            remedy += f" (labels are whole numbers, 0 to {LABEL_MAX})"
            return i, f"which is out of range: {remedy}"
    return None
