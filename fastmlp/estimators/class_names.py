"""Names of classes, of any type that scikit-learn takes, as what JSON can hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS_AS_THEY_ARE = "biufU"  # NumPy's kinds of numbers and strings that JSON has too


def encode_array(array: NDArray[Any]) -> dict[str, Any]:
    """Return a one-dimensional array of labels as what JSON can hold, with its type."""
    kind = array.dtype.kind
    if kind in KINDS_AS_THEY_ARE:
        return {"type": array.dtype.str, "values": array.tolist()}
    if kind == "S":
        return {"type": array.dtype.str, "values": [b.decode("latin-1") for b in array.tolist()]}
    if kind in "mM":
        return {"type": array.dtype.str, "values": array.astype(np.int64).tolist()}
    if kind != "O":
        raise TypeError(f"labels are of {array.dtype}: give numbers or strings, to save them")
    values = []
    for given in array.tolist():
        label = given.item() if isinstance(given, np.generic) else given
        if not isinstance(label, str | int | float | bool):
            raise TypeError(f"{label!r} is a label: give numbers or strings, to save them")
        values.append(label)
    return {"type": "O", "values": values}


def decode_array(encoded: dict[str, Any]) -> NDArray[Any]:
    """Return what `encode_array` was given."""
    dtype, values = np.dtype(encoded["type"]), encoded["values"]
    if dtype.kind == "S":
        return np.array([text.encode("latin-1") for text in values], dtype)
    if dtype.kind in "mM":
        return np.array(values, np.int64).view(dtype)
    if dtype.kind == "O":
        array = np.empty(len(values), object)
        array[:] = values
        return array
    if dtype.kind not in KINDS_AS_THEY_ARE:
        raise ValueError(f"labels of {dtype}")
    return np.array(values, dtype)
