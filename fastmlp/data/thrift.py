"""Read Thrift's compact protocol, which parquet's metadata are written in, from untrusted bytes.

pyarrow makes room for as many elements as a list says it has, so a few bytes can ask for gigabytes.
Here no length is believed that is longer than what is left of the bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TRUE, FALSE, I8, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
DEPTH = 32  # of structs and lists in each other; parquet's have up to 8
_BITS = {I16: 2**16 - 1, I32: 2**32 - 1, I64: 2**64 - 1}  # of numbers
_OF: dict[Any, int] = {dict: STRUCT, list: LIST}

Fields = Mapping[int, tuple[str, Any]]
"""A struct's fields: by number, a name, and I32, I64, BINARY, `Fields`, or a list with one of them.

Values with an empty name are checked, and not kept. Fields that are not listed are skipped.
"""


class ThriftError(ValueError):
    """Bytes are no struct with these fields."""


class CutShortError(ThriftError):
    """A struct goes on after the last byte."""


def read_struct(content: bytes, fields: Fields) -> tuple[dict[str, Any], int]:
    """Read the struct that some bytes begin with.

    Parameters
    ----------
    content : bytes
    fields : Fields

    Returns
    -------
    found : dict
        The values of those fields that have names.
    end : int
        How many bytes it takes.

    Raises
    ------
    ThriftError
        If it is damaged, or a field is of another kind than it should be.
    """
    try:
        return _struct(content, 0, fields, DEPTH)
    except IndexError:
        raise CutShortError("the metadata are cut short") from None


def _struct(content: bytes, at: int, fields: Fields, depth: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    number = 0
    while kind := (head := content[at]) & 15:
        at += 1
        if head > 15:
            number += head >> 4
        else:
            number, at = _number(content, at, I32)
        if not -(2**15) <= number < 2**15:  # which C++ would take for another one
            raise ThriftError("the metadata have a field without a number")
        name, wanted = fields.get(number, ("", None))
        value, at = _value(content, at, kind, wanted, depth)
        if name in found:  # C++ would add to a struct
            raise ThriftError(f"the metadata have {name!r} twice")
        if name:
            found[name] = value
    return found, at + 1


def _value(content: bytes, at: int, kind: int, wanted: Any, depth: int) -> tuple[Any, int]:
    """Return a value of a kind, which has to be the one that is `wanted`, unless that is None."""
    if wanted is not None and kind != _OF.get(type(wanted), wanted):
        raise ThriftError("the metadata have a field of another kind than it should be")
    if kind in _BITS:
        if (byte := content[at]) < 128:  # most are small
            return (byte >> 1) ^ -(byte & 1), at + 1
        return _number(content, at, kind)
    if kind == BINARY:
        n, at = varint(content, at)
        return None, _after(content, at, n)
    if kind in (TRUE, FALSE):
        return kind == TRUE, at
    if kind in (I8, DOUBLE):
        return None, _after(content, at, 1 if kind == I8 else 8)
    if not depth:
        raise ThriftError(f"the metadata are nested deeper than {DEPTH}")
    if kind == STRUCT:
        return _struct(content, at, wanted or {}, depth - 1)
    if kind in (LIST, SET):
        head, at = content[at], at + 1
        n = head >> 4
        if n == 15:
            n, at = varint(content, at)
        return _values(content, at, n, (head & 15,), wanted[0] if wanted else None, depth - 1)
    if kind == MAP:
        n, at = varint(content, at)
        kinds, at = (content[at], at + 1) if n else (0, at)
        return _values(content, at, n, (kinds >> 4, kinds & 15), None, depth - 1)
    raise ThriftError("the metadata have a field of an unknown kind")


def _values(
    content: bytes, at: int, n: int, kinds: tuple[int, ...], wanted: Any, depth: int
) -> tuple[list[Any], int]:
    """Return the elements of a list; those of a map, or of lists that nobody wants, are skipped."""
    _after(content, at, n)  # each takes a byte at least
    values = []
    for _ in range(n):
        for kind in kinds:
            if kind in (TRUE, FALSE):  # a byte of its own here
                at += 1
                continue
            value, at = _value(content, at, kind, wanted, depth)
            if wanted is not None:
                values.append(value)
    return values, at


def _after(content: bytes, at: int, n: int) -> int:
    if n > len(content) - at:
        raise CutShortError("the metadata are cut short")
    return at + n


def _number(content: bytes, at: int, kind: int) -> tuple[int, int]:
    """Return a number written as 0, -1, 1, -2, ...; it wraps around as in C++, which is next."""
    n, at = varint(content, at)
    n &= _BITS[kind]
    return (n >> 1) ^ -(n & 1), at


def varint(content: bytes | memoryview, at: int) -> tuple[int, int]:
    """Return the natural number at a place, seven bits a byte, and where it ends."""
    byte = value = content[at]
    shift = 0
    while byte > 127:
        at, shift = at + 1, shift + 7
        if shift > 63:
            raise ThriftError("the metadata have a number without an end")
        byte = content[at]
        value += (byte - 1) << shift  # without the bit that said that this byte follows
    return value, at + 1
