"""Check what a parquet file says of itself, before pyarrow sees it.

The footer and each page's header say how much they hold, and pyarrow makes room for that first.
Where a footer makes no sense, some versions of pyarrow end the process.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any

from fastmlp.data.limits import check_room
from fastmlp.data.thrift import BINARY, I32, I64, CutShortError, Fields, ThriftError, read_struct

# As in parquet.thrift. Lists that are not needed are there because pyarrow reads them.
_ANY: Fields = {}
_COLUMN: Fields = {
    1: ("type", I32), 2: ("", [I32]), 3: ("", [BINARY]), 4: ("codec", I32), 5: ("n_values", I64),
    7: ("size", I64), 8: ("", [_ANY]), 9: ("data_at", I64), 11: ("dictionary_at", I64),
    13: ("", [_ANY]), 16: ("", {2: ("", [I64]), 3: ("", [I64])}), 17: ("", {2: ("", [I32])}),
}  # fmt: skip
_CHUNK: Fields = {3: ("column", _COLUMN), 8: ("encryption", _ANY)}
_GROUP: Fields = {1: ("chunks", [_CHUNK]), 4: ("", [_ANY])}
_NODE: Fields = {1: ("type", I32), 2: ("width", I32), 5: ("n_children", I32)}
_FOOTER: Fields = {
    2: ("nodes", [_NODE]), 3: ("n_rows", I64), 4: ("groups", [_GROUP]), 5: ("", [_ANY]),
    7: ("", [_ANY]),
}  # fmt: skip
_DATA: Fields = {1: ("n_values", I32)}
_PAGE: Fields = {
    1: ("type", I32), 2: ("unpacked", I32), 3: ("packed", I32),
    5: ("data", _DATA), 7: ("dictionary", _DATA), 8: ("data v2", _DATA),
}  # fmt: skip

_PAGES = {0: "data", 2: "dictionary", 3: "data v2"}  # pyarrow passes over all others
_FIXED = 7  # the type of values whose width is in the schema
_DEEPEST = 100  # groups of columns in each other: pyarrow calls itself for each
_UNPACKED, _ANY_RATIO = 0, 2**31
_RATIOS = {_UNPACKED: 1, 1: 22, 2: 1100, 5: 256, 6: 2**16, 7: 256}
"""How far snappy, gzip, lz4, zstd and lz4's other form can pack; brotli knows no bound."""
_END = b"PAR1"
_HEADER, _LONGEST_HEADER = 2**9, 2**24  # bytes of a page's header to read, first and at most
_PADDING = 100  # bytes that pyarrow reads on, because Java's writer once left them out of a size


def damaged(path: Path, reason: str) -> ValueError:
    """Return the error for a file that is no sound parquet."""
    return ValueError(f"{path} is damaged ({reason}): download or copy it again")


def check_claims(stream: IO[bytes], path: Path) -> None:
    """Raise if a file's content can't be what it says, or takes more room than allowed.

    Parameters
    ----------
    stream : binary file
        It can be sought, and is left anywhere.
    path : Path

    Raises
    ------
    ValueError
        If it is damaged, encrypted or too large.
    """
    try:
        _check(stream, path)
    except ThriftError as error:
        raise damaged(path, str(error)) from None
    except KeyError as error:
        raise damaged(path, f"the metadata have no {error}") from None


def _check(stream: IO[bytes], path: Path) -> None:
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - 8))
    end = stream.read()
    n_footer = int.from_bytes(end[:4], "little")
    if end[4:] != _END or n_footer > size - 8:
        raise ThriftError("it has no footer")
    stream.seek(size - 8 - n_footer)
    footer, _ = read_struct(stream.read(n_footer), _FOOTER)

    widths = _widths(footer["nodes"])
    columns: list[tuple[dict[str, Any], int]] = []
    for group in footer["groups"]:
        if len(group["chunks"]) != len(widths):
            raise ThriftError("it has other columns than it says")
        for chunk, width in zip(group["chunks"], widths, strict=True):
            if "encryption" in chunk:
                raise ValueError(f"{path} has encrypted columns: save it without encryption")
            columns.append((chunk["column"], width))
    if min([footer["n_rows"], *(column["n_values"] for column, _ in columns)]) < 0:
        raise ThriftError("it has fewer rows than none")
    check_room(footer["n_rows"] * len(widths), path)
    check_room(sum(column["n_values"] * width for column, width in columns), path)
    if sum(column["size"] for column, _ in columns) > size:
        raise ThriftError("its columns overlap")

    check_room(sum(_unpacked(stream, size, column) for column, _ in columns), path)


def _widths(nodes: list[dict[str, Any]]) -> list[int]:
    """Return how many bytes a value of each column takes at least, from the tree of columns."""
    widths: list[int] = []
    missing = [1]  # children of each group around the next node
    for node in nodes:
        if not missing:
            raise ThriftError("its columns are no tree")
        missing[-1] -= 1
        n_children = node.get("n_children", 0)
        if n_children > 0:
            missing.append(n_children)
        elif "type" in node:
            widths.append(max(1, node.get("width", 1)) if node["type"] == _FIXED else 1)
        if len(missing) > _DEEPEST:
            raise ThriftError("its columns are nested too deep")
        while missing and not missing[-1]:
            missing.pop()
    return widths


def _unpacked(stream: IO[bytes], size: int, column: dict[str, Any]) -> int:
    """Return how many bytes the pages of a column are unpacked to, those that pyarrow will read."""
    at, dictionary_at, codec = column["data_at"], column.get("dictionary_at", 0), column["codec"]
    if 0 < dictionary_at < at:
        at = dictionary_at
    end = at + column["size"]
    if at < 0 or column["size"] < 0 or end > size:
        raise ThriftError("a column is outside of the file")
    n_values, total = column["n_values"], 0
    while n_values > 0 and at < min(end + _PADDING, size):
        page, n_header = _header(stream, at)
        packed, unpacked = page["packed"], page["unpacked"]
        at += n_header + packed
        if packed < 0 or at > size:
            raise ThriftError("a page is outside of the file")
        if page["type"] not in _PAGES:
            continue
        kind = _PAGES[page["type"]]
        n = page[kind]["n_values"]
        if codec == _UNPACKED:
            unpacked = packed
        if n < 0 or not 0 <= unpacked <= packed * _RATIOS.get(codec, _ANY_RATIO):
            raise ThriftError("a page can't hold what it says")
        if kind == "dictionary":
            if n > unpacked:
                raise ThriftError("a dictionary can't hold what it says")
        else:
            n_values -= n
        total += unpacked
    if n_values < 0:
        raise ThriftError("a column has more values than it says")
    return total


def _header(stream: IO[bytes], at: int) -> tuple[dict[str, Any], int]:
    """Return a page's header, and its length."""
    n = _HEADER
    while True:
        stream.seek(at)
        content = stream.read(n)
        try:
            return read_struct(content, _PAGE)
        except CutShortError:  # long ones have long texts in their statistics
            if len(content) < n or n >= _LONGEST_HEADER:
                raise
        n *= 8
