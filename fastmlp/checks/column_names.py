"""Matches columns by name: a table may have them in another order than the training data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks.containers import is_frame
from fastmlp.words import listed, shown


def names_of(x: Any) -> tuple[str, ...] | None:
    """Return the column names of a frame if all of them are strings; else None.

    A frame is anything with named columns: a DataFrame of pandas or polars, a pyarrow table.
    """
    if isinstance(x, np.ndarray | list | tuple):
        return None
    columns = getattr(x, "columns", None)
    if not is_frame(x):  # a frame of pandas may have a column "column_names" as an attribute
        columns = getattr(x, "column_names", columns)  # pyarrow's, whose `columns` are the values
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        return None
    names = tuple(columns)
    if not names or not all(isinstance(name, str) for name in names):
        return None
    return tuple(map(str, names))


def names_to_keep(
    names: Sequence[str] | None, known: Sequence[str] | None = None
) -> tuple[str, ...] | None:
    """Return the column names that a training on columns of these `names` stores.

    They are `known`, those of an earlier training, if `names` are the same in another order: a
    network that is trained further keeps its order. None if a name occurs twice.
    """
    if names is None or len(set(names)) < len(names):
        return None
    return tuple(known if known is not None and set(known) == set(names) else names)


def as_feature_names(names: Any, n_features: int) -> tuple[str, ...] | None:
    """Return `names`, a different string for each feature, as a tuple; None stays None."""
    if names is None:
        return None
    words = tuple(names) if isinstance(names, Iterable) and not isinstance(names, str) else ()
    if len(words) != n_features or not all(isinstance(word, str) for word in words):
        raise ValueError(
            f"feature_names are {shown(names)}: give a string for each of {n_features} features, "
            "or None"
        )
    if len(set(words)) < n_features:
        raise ValueError(f"feature_names are {shown(names)}: give each feature a name of its own")
    return tuple(map(str, words))


def order_of(names: Sequence[str], known: Sequence[str]) -> NDArray[np.intp] | None:
    """Return the position of each `known` name among `names`; None if columns stay in place.

    Consecutive integers, such as 0, 1, 2, are the default names of a table without names. If either
    side has such names and the other has different ones, columns are matched by position.

    Raises
    ------
    ValueError
        If names are missing, new or given twice. The message begins with a verb, so that the caller
        can put the name of the table before it.
    """
    if tuple(names) == tuple(known):
        return None
    place = {name: i for i, name in enumerate(names)}
    if len(place) == len(names) == len(known) and all(name in place for name in known):
        return np.array([place[name] for name in known], np.intp)
    if _are_consecutive(names) or _are_consecutive(known):
        return None
    if twice := [name for name, n in Counter(names).items() if n > 1]:
        raise ValueError(f"has two columns named {listed(map(repr, twice))}")
    expected = set(known)
    missing = [name for name in known if name not in place]
    new = [name for name in names if name not in expected]
    problems = [f"lacks {_columns(missing)}"] * bool(missing) + [f"has {_columns(new)}"] * bool(new)
    raise ValueError(" and ".join(problems))


def _columns(names: list[str]) -> str:
    return f"the column{'s' * (len(names) > 1)} {listed(map(repr, names))}"


def _are_consecutive(names: Sequence[str]) -> bool:
    """Whether names are consecutive integers, as 0, 1, 2."""
    if not all(name.isascii() and name.isdigit() and len(name) < 10 for name in names):
        return False
    numbers = [int(name) for name in names]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))
