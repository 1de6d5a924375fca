"""The metadata of parquet files, in Thrift's compact protocol, taken apart and put together again.

A struct is a dictionary of its fields by number, each with its kind; a list has its elements' kind
in front. Kinds are as in the protocol: 5 and 6 are numbers, 8 bytes, 9 lists, 12 structs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Struct = dict[int, tuple[int, Any]]


def decoded(content: bytes, at: int = 0) -> tuple[Struct, int]:
    """The struct that starts at a place, and where it ends."""

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            at += 1
            value |= (content[at - 1] & 127) << shift
            shift += 7
            if content[at - 1] < 128:
                return value

    def number() -> int:
        n = varint()
        return (n >> 1) ^ -(n & 1)

    def part(n: int) -> bytes:
        nonlocal at
        at += n
        return content[at - n : at]

    def value(kind: int) -> Any:
        if kind in (1, 2):
            return None
        if kind in (4, 5, 6):
            return number()
        if kind in (3, 7):
            return part(1 if kind == 3 else 8)
        if kind == 8:
            return part(varint())
        if kind == 9:
            head = part(1)[0]
            n = head >> 4 if head >> 4 < 15 else varint()
            # Booleans take a byte here.
            return head & 15, [part(1) if head & 15 < 3 else value(head & 15) for _ in range(n)]
        assert kind == 12, kind
        found: Struct = {}
        field = 0
        while (head := part(1)[0]) & 15:
            field = field + (head >> 4) if head >> 4 else number()
            found[field] = head & 15, value(head & 15)
        return found

    return value(12), at


def encoded(struct: Struct) -> bytes:
    parts, before = [], 0
    for field, (kind, value) in struct.items():
        if 0 < field - before < 16:
            parts.append(bytes([(field - before) << 4 | kind]))
        else:
            parts.append(bytes([kind]) + _number(field))
        parts.append(_value(kind, value))
        before = field
    return b"".join(parts) + b"\0"


def _value(kind: int, value: Any) -> bytes:
    if kind in (1, 2):
        return b""
    if kind in (4, 5, 6):
        return _number(value)
    if kind in (3, 7):
        return bytes(value)
    if kind == 8:
        return varint(len(value)) + value
    if kind == 12:
        return encoded(value)
    inner, values = value
    n = len(values)
    head = bytes([n << 4 | inner]) if n < 15 else bytes([0xF0 | inner]) + varint(n)
    return head + b"".join(v if inner < 3 else _value(inner, v) for v in values)


def _number(n: int) -> bytes:
    return varint((n << 1 ^ n >> 63) % 2**64)


def varint(n: int) -> bytes:
    parts = []
    while n > 127:
        parts.append(n & 127 | 128)
        n >>= 7
    return bytes([*parts, n])


def numbers(struct: Struct) -> Iterator[tuple[Any, int]]:
    """Where there are numbers: structs and their fields, lists and their places."""
    for field, (kind, value) in struct.items():
        if kind in (4, 5, 6):
            yield struct, field
        elif kind == 12:
            yield from numbers(value)
        elif kind == 9:
            for i, inner in enumerate(value[1]):
                if value[0] in (4, 5, 6):
                    yield value[1], i
                elif value[0] == 12:
                    yield from numbers(inner)


# Whole files


def footer_of(content: bytes) -> Struct:
    n = int.from_bytes(content[-8:-4], "little")
    return decoded(content[-8 - n : -8])[0]


def with_footer(content: bytes, footer: Struct | bytes) -> bytes:
    n = int.from_bytes(content[-8:-4], "little")
    packed = footer if isinstance(footer, bytes) else encoded(footer)
    return content[: -8 - n] + packed + len(packed).to_bytes(4, "little") + b"PAR1"


def columns_of(footer: Struct) -> list[Struct]:
    """The metadata of each row group's columns."""
    return [chunk[3][1] for group in footer[4][1][1] for chunk in group[1][1][1]]


def pages_of(content: bytes) -> list[int]:
    """Where the headers of the first pages of all columns are."""
    columns = columns_of(footer_of(content))
    return [min(c[i][1] for i in (9, 11) if i in c and c[i][1]) for c in columns]


def with_page(content: bytes, at: int, header: Struct) -> bytes:
    """A file with another header of the page at a place; what comes later moves."""
    old = decoded(content, at)[1] - at
    new = encoded(header)
    footer = footer_of(content)
    for column in columns_of(footer):
        start = min(column[i][1] for i in (9, 11) if i in column and column[i][1])
        for i in (9, 10, 11):
            if i in column and column[i][1] > at:
                column[i] = 6, column[i][1] + len(new) - old
        if start <= at < start + column[7][1]:
            column[7] = 6, column[7][1] + len(new) - old
    return with_footer(content[:at] + new + content[at + old :], footer)
