"""Rows, targets and weights in every form that a caller may give them: right, odd and wrong ones.

Each table has functions of plain values and a generator; most return equal values in another form.
"""

from __future__ import annotations

import array
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

Make = Callable[[Any, random.Random], Any]
FORMATS = ("csr", "csc", "coo", "bsr", "lil", "dok", "dia")


class Raising:
    """Claims to be an array, and is none."""

    def __array__(self, *args: Any, **keywords: Any) -> Any:
        raise ValueError("no array today")


class Growing:
    """Is another array each time that it is asked."""

    def __init__(self, values: Any) -> None:
        self.values, self.n = values, 0

    def __array__(self, *args: Any, **keywords: Any) -> Any:
        self.n += 1
        return np.array(self.values[: self.n])


def unaligned(a: Any, rng: random.Random) -> Any:
    raw = np.zeros(a.nbytes + 1, np.uint8)
    moved = raw[1:].view(a.dtype).reshape(a.shape)
    moved[...] = a
    return moved


def read_only(a: Any, rng: random.Random) -> Any:
    a = a.copy()
    a.flags.writeable = False
    return a


def spaced(a: Any, rng: random.Random) -> Any:
    """Every second row, or the rows from the last one to the first, of something larger."""
    wide = np.full((2 * len(a), *a.shape[1:]), 77).astype(a.dtype)
    wide[::2] = a
    return wide[::2] if rng.random() < 0.5 else np.ascontiguousarray(a[::-1])[::-1]


def broadcast(a: Any, rng: random.Random) -> Any:
    """One row for all of them, in the memory of one."""
    return np.broadcast_to(a[0], a.shape)


def of_dtype(*names: str) -> Make:
    def make(a: Any, rng: random.Random) -> Any:
        with np.errstate(all="ignore"):
            return a.astype(rng.choice(names))

    return make


def with_value(*values: Any) -> Make:
    """One value replaced by one that is odd, or wrong."""

    def make(a: Any, rng: random.Random) -> Any:
        value = rng.choice(values)
        a = a.astype(object if isinstance(value, str | type(None) | int | Fraction) else float)
        if a.size:
            a.flat[rng.randrange(a.size)] = value
        return a

    return make


def masked(a: Any, rng: random.Random) -> Any:
    return np.ma.MaskedArray(a, rng.choice((False, np.arange(a.size).reshape(a.shape) == 1)))


SAME: dict[str, Make] = {
    "plain": lambda a, rng: a, "dtype": of_dtype("u1", "i2", "i8", "f4", "f8", "f2", "?", "g"),
    "byte order": of_dtype(">u2", ">i4", ">i8", ">f4", ">f8", ">f2"), "unaligned": unaligned,
    "read-only": read_only, "fortran": lambda a, rng: np.asfortranarray(a), "spaced": spaced,
    "broadcast": broadcast, "list": lambda a, rng: a.tolist(), "tuple": lambda a, rng: tuple(a),
    "list of rows": lambda a, rng: list(a), "objects": lambda a, rng: a.astype(object),
    "masked": masked, "subclass": lambda a, rng: a.view(type("Own", (np.ndarray,), {})),
    "memoryview": lambda a, rng: memoryview(np.ascontiguousarray(a)),
    "fractions": with_value(Fraction(1, 3)), "words": with_value("0.5", "1", " 2 "),
    "subnormal": with_value(5e-324, -1e-310, 1e-40), "huge": with_value(1e300, -1e38, 1e19, 3e38),
}  # fmt: skip

WRONG: dict[str, Make] = {
    "NaN": with_value(np.nan), "infinite": with_value(np.inf, -np.inf),
    "None": lambda a, rng: None, "gap": with_value(None), "letters": with_value("x", "", "nan"),
    "too large": with_value(10**400, 2**63, -(2**63) - 1), "complex": of_dtype("c16"),
    "text": of_dtype("U", "S"), "times": of_dtype("M8[s]", "m8[D]"),
    "3-d": lambda a, rng: a[None], "flat": lambda a, rng: a.ravel(),
    "0-d": lambda a, rng: a.ravel()[0], "none": lambda a, rng: a[:0],
    "short": lambda a, rng: a[:-1], "long": lambda a, rng: np.concatenate([a, a]),
    "dict": lambda a, rng: {0: a}, "set": lambda a, rng: {1, 2}, "word": lambda a, rng: "x",
    "bytes": lambda a, rng: a.tobytes(), "iterator": lambda a, rng: iter(a.tolist()),
    "array.array": lambda a, rng: array.array("d", a.ravel().tolist()),
    "ragged": lambda a, rng: [*a.tolist(), [1]], "structured": lambda a, rng: np.zeros(
        len(a), [("a", "f8"), ("b", "i4")]), "void": lambda a, rng: np.zeros(a.shape, "V8"),
    "raising": lambda a, rng: Raising(), "growing": lambda a, rng: Growing(a),
    "nested": lambda a, rng: np.array([*a.tolist(), None], object)[:-1],
    "object": lambda a, rng: object(), "negative": lambda a, rng: -1.0 - a,
}  # fmt: skip


def frame(a: Any, rng: random.Random) -> Any:
    """A DataFrame, of columns of several types."""
    table = pd.DataFrame(a, columns=[f"c{i}" for i in range(a.shape[1])])
    way = rng.randrange(6)
    if way == 1:
        table = table.convert_dtypes()
    elif way == 2:
        table[table.columns[0]] = pd.Categorical(["a", "b"] * (len(a) // 2) + ["a"] * (len(a) % 2))
    elif way == 3:
        table.columns = ["c"] * a.shape[1]
    elif way == 4:
        table = table.astype(object)
    elif way == 5:
        table.iloc[0, 0] = np.nan
    return table


def sparse_rows(a: Any, rng: random.Random) -> Any:
    """Rows in any of SciPy's formats."""
    kind = rng.choice(("array", "matrix"))
    return getattr(sparse, f"{rng.choice(FORMATS)}_{kind}")(a * (a > np.median(a)))


def broken_rows(a: Any, rng: random.Random) -> Any:
    """Rows in one of SciPy's formats, with something in them that makes no sense."""
    rows = sparse_rows(a, rng)
    parts = [name for name in ("indptr", "indices", "data", "offsets") if hasattr(rows, name)]
    if rows.format in ("lil", "dok") or not parts:
        if rows.format == "lil":
            rows.rows[rng.randrange(len(rows.rows))] = rng.choice(([-1], [10**6], [2**70], [0, 0]))
        return rows
    name = rng.choice(parts)
    part = np.array(getattr(rows, name))
    if part.size and rng.random() < 0.7:
        number = rng.choice((-1, 1, 2**31 - 1, -(2**31), 7, part.size, np.nan, np.inf))
        part = part.astype(rng.choice((part.dtype, np.dtype("i8"), np.dtype("f8"))))
        with np.errstate(all="ignore"):
            part.flat[rng.randrange(part.size)] = np.array(number).astype(part.dtype)
    else:
        part = rng.choice((part[:-1], part[:0], part.astype("f8"), part.astype(object),
                           np.concatenate([part, part]), part[::-1], part[None]))  # fmt: skip
    setattr(rows, name, part)
    return rows


ROWS = SAME | WRONG | {
    "frame": frame, "sparse": sparse_rows, "broken": broken_rows, "wide": lambda a, rng: a[:, 1:],
    "matrix": lambda a, rng: sparse.csr_matrix(a).todense(), "no columns": lambda a, rng: a[:, :0],
}  # fmt: skip

LABELS = SAME | WRONG | {
    "series": lambda a, rng: pd.Series(a.ravel()), "column": lambda a, rng: a.reshape(len(a), -1),
    "categories": lambda a, rng: pd.Categorical([f"w{n:g}" for n in a.ravel()]),
    "named": lambda a, rng: np.array([f"w{n:g}" for n in a.ravel()]),
    "fraction": lambda a, rng: a + 0.5,
    "one class": lambda a, rng: a * 0, "sparse": lambda a, rng: sparse.csr_array(np.atleast_2d(a)),
    "gaps": lambda a, rng: a * 3, "nullable": lambda a, rng: pd.array([None, *a.ravel()[1:]]),
}  # fmt: skip

WEIGHTS = SAME | WRONG | {"zeros": lambda a, rng: a * 0, "one": lambda a, rng: 2.0}


def any_of(table: dict[str, Make], values: Any, rng: random.Random, odd: float) -> tuple[str, Any]:
    """Return the values in some form, plain but for a share `odd`, and what the form is called.

    Forms that the values can't have are called as they are, and give the plain values.
    """
    name = rng.choice(list(table)) if rng.random() < odd else "plain"
    try:
        return name, table[name](values, rng)
    except (TypeError, ValueError, OverflowError, IndexError):
        return "plain", values
