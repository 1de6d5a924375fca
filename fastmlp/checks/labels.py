"""Checks labels: integers from 0, or words that name the classes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp.checks.containers import as_numeric, refuse_masked, to_array
from fastmlp.checks.missing import refuse_missing
from fastmlp.words import shown


def as_class_names(names: Iterable[str] | None, n_classes: int) -> tuple[str, ...] | None:
    """Return the class names, one for each class, all different; None stays None."""
    if names is None:
        return None
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise TypeError(f"class_names is {shown(names)}: give a list of {n_classes} words")
    words = tuple(str(word) if isinstance(word, str) else word for word in names)
    for word in words:
        if not isinstance(word, str):
            raise TypeError(
                f"class_names holds {shown(word)}: give words, in the order of the classes"
            )
    if len(words) != n_classes:
        raise ValueError(
            f"class_names has {len(words)} words for {n_classes} classes: give one for each"
        )
    seen: set[str] = set()
    for word in words:
        if word in seen or not word:
            twice = " twice" if word else ""
            raise ValueError(
                f"class_names holds {shown(word)}{twice}: give each class a name of its own"
            )
        seen.add(word)
    return words


def as_labels(
    y: ArrayLike,
    n_rows: int | None,
    n_classes: int,
    name: str = "y",
    class_names: Sequence[str] | None = None,
) -> NDArray[np.intp]:
    """Return `y` as an intp array of `n_rows` labels, each in 0..n_classes-1; it is a copy.

    Parameters
    ----------
    y : array_like of shape (n_rows,)
        Integers, also as text.
    n_rows : int or None
        None accepts any number of rows.
    n_classes : int
    name : str
        The argument's name, for error messages.
    class_names : sequence of str, optional
        Words that stand for 0, 1, ...; other text in `y` is read as a number.

    Raises
    ------
    TypeError
        If `y` is not numeric.
    ValueError
        If the shape is wrong, or a label is missing, not whole, or outside the classes.
    """
    if y is None:
        raise ValueError(f"{name} is None, which has shape (): give one label a row")
    y = refuse_missing(y, name)
    # Copied before it is checked, so that nobody can change it in between.
    labels = as_numeric(_words_as_numbers(y, name, class_names), name).copy()
    if labels.ndim != 1:
        remedy = ""
        if n_rows is None or labels.size == n_rows:
            remedy = f", as in np.ravel({name})"
        elif labels.ndim == 2 and labels.shape[1] == n_classes:
            remedy = f", as in np.argmax(np.asarray({name}), axis=1)"
        raise ValueError(
            f"{name} has shape {labels.shape}: give one label a row, a one-dimensional array"
            + remedy
        )
    if n_rows is not None and len(labels) != n_rows:
        raise ValueError(f"{name} has {len(labels)} labels for {n_rows} rows: give one for each")
    if len(labels) == 0:
        raise ValueError(f"{name} has no labels: give at least one")
    if labels.dtype.kind == "f" and not np.all(labels == np.floor(labels)):
        bad = labels[labels != np.floor(labels)][0]  # NaN differs from itself
        raise ValueError(f"{name} holds {bad}: labels must be whole numbers from 0")
    low, high = labels.min(), labels.max()
    if low < 0 or high >= n_classes:
        raise ValueError(
            f"{name} holds the label {low if low < 0 else high}, outside 0..{n_classes - 1}: "
            "number the classes from 0, or make the network with a larger output_size"
        )
    return np.ascontiguousarray(labels, dtype=np.intp)


def _words_as_numbers(y: ArrayLike, name: str, class_names: Sequence[str] | None) -> Any:
    """Return `y`, where words are replaced by the labels that they stand for."""
    if isinstance(y, np.ndarray) and y.dtype.kind in "biuf":
        return y
    refuse_masked(y, name)
    array = to_array(y, name)
    if array.dtype.kind not in "OSUT":
        return y
    cells = array.astype(object)
    if not any(isinstance(cell, str | bytes) for cell in cells.flat):
        return y
    classes = {word: label for label, word in enumerate(class_names or ())}
    # If class names are digits themselves, other digits can't be meant as a label.
    may_be_digits = all(_parsed(word) is None for word in classes)
    known: dict[object, float] = {}  # a cache: words repeat
    for row, cell in enumerate(cells.flat):
        if not isinstance(cell, str | bytes):
            continue
        if cell not in known:
            word = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
            label = classes.get(word, _parsed(word) if may_be_digits else None)
            if label is None:
                _refuse_word(word, row, name, array.dtype, classes)
            known[cell] = label
        cells.flat[row] = known[cell]
    return cells


def _refuse_word(
    word: str, row: int, name: str, dtype: np.dtype[Any], classes: Collection[str]
) -> NoReturn:
    if classes:
        first = ", ".join(map(shown, list(classes)[:3]))
        raise ValueError(
            f"{name} holds the label {shown(word)} in row {row} (counted from 0), which is none "
            f"of class_names: add it to them, or correct it ({first}, ...)"
        )
    raise TypeError(
        f"{name} holds {dtype} values, such as {shown(word)} in row {row} (counted from 0): "
        "number the classes from 0, or name them to MLP.train, with class_names"
    )


def _parsed(word: str) -> float | None:
    """Return a word's numeric value, an int if it is whole; None for other words."""
    if "_" in word:  # Python would read 1_0 as 10
        return None
    try:
        value = float(word)
    except ValueError:
        return None
    return int(value) if value.is_integer() else value
