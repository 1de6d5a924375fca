"""Encodes class names of any type that scikit-learn takes as JSON values, and decodes them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.words import shown

JSON_KINDS = "biufU"  # NumPy's letters for dtypes whose values JSON can hold
# The dtypes that files may name. NumPy would accept almost any text.
_TYPE = re.compile(r"O|[<>|=]?(b1|[iu][1248]|f[248]|[US]\d{1,9}|[mM]8(\[\w{1,20}\])?)", re.ASCII)
_VALUES: dict[str, tuple[type, ...]] = {
    "b": (bool,), "i": (int,), "u": (int,), "f": (float,), "U": (str,), "S": (str,),
    "m": (int,), "M": (int,), "O": (str, int, float, bool),
}  # fmt: skip
# Most characters of a padded array: the first limit, or this many times those of the names.
MOST_TEXT, MOST_PADDING = 2**22, 100


def encode_array(array: NDArray[Any]) -> dict[str, Any]:
    """Return a one-dimensional array of labels as JSON values, with its type.

    Raises
    ------
    TypeError
        If labels are neither numbers nor strings nor dates.
    ValueError
        If a few names are so much longer than the others that `decode_array` would refuse them.
    """
    kind = array.dtype.kind
    if kind in JSON_KINDS:
        values = array.tolist()
    elif kind == "S":
        values = [b.decode("latin-1") for b in array.tolist()]
    elif kind in "mM":
        values = array.astype(np.int64).tolist()
    elif kind == "O":
        values = [_plain_label(label) for label in array.tolist()]
    else:
        raise TypeError(f"labels are of {array.dtype}: give numbers or strings, to save them")
    _check_width(values)
    return {"type": "O" if kind == "O" else array.dtype.str, "values": values}


def _plain_label(given: Any) -> Any:
    label = given.item() if isinstance(given, np.generic) else given
    if not isinstance(label, str | int | float | bool):
        raise TypeError(f"{shown(label)} is a label: give numbers or strings, to save them")
    return label


def decode_array(encoded: dict[str, Any]) -> NDArray[Any]:
    """Return the array that `encode_array` was given; strings are as wide as the longest of them.

    Raises
    ------
    TypeError, ValueError, OverflowError, KeyError
        If `encoded` is not a result of `encode_array`.
    """
    name, values = encoded["type"], encoded["values"]
    if not isinstance(name, str) or _TYPE.fullmatch(name) is None:
        raise ValueError(f"labels are of type {shown(name)}")
    kind = np.dtype(name).kind
    if not isinstance(values, list) or any(type(value) not in _VALUES[kind] for value in values):
        raise TypeError(f"labels of type {shown(name)} are {shown(values)}")
    _check_width(values)
    if kind == "O":
        array = np.empty(len(values), object)
        array[:] = values
        return array
    if kind in "mM":
        return np.array(values, np.int64).astype(name)
    # The width in the type is not trusted; NumPy takes that of the values.
    if kind == "U":
        return np.array(values, np.str_)
    if kind == "S":
        return np.array([text.encode("latin-1") for text in values], np.bytes_)
    return np.array(values, name)


def _check_width(values: list[Any]) -> None:
    """Raise ValueError if padding all strings to the longest would take far more memory."""
    lengths = [len(value) for value in values if isinstance(value, str)]
    if len(lengths) * max(lengths, default=0) > max(MOST_TEXT, MOST_PADDING * sum(lengths)):
        raise ValueError(
            f"one of {len(lengths):,} labels has {max(lengths):,} characters, and arrays keep all "
            "of them that wide: give shorter labels"
        )
