"""Check what a parquet file says of itself, before pyarrow sees it.

The footer and each page's header say how much they hold, and pyarrow makes room for that first.
Where a footer makes no sense, some versions of pyarrow end the process.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any, NamedTuple

from fastmlp.data.limits import check_room
from fastmlp.data.parquet_pages import Texts, check_texts, unpacked_size
from fastmlp.data.thrift import BINARY, I32, I64, Fields, ThriftError, read_struct

# As in parquet.thrift. Lists that are not needed are there because pyarrow reads them.
_ANY: Fields = {}
_COLUMN: Fields = {
    1: ("type", I32), 2: ("", [I32]), 3: ("", [BINARY]), 4: ("codec", I32), 5: ("n_values", I64),
    7: ("size", I64), 8: ("", [_ANY]), 9: ("data_at", I64), 11: ("dictionary_at", I64),
    13: ("", [_ANY]), 16: ("", {2: ("", [I64]), 3: ("", [I64])}), 17: ("", {2: ("", [I32])}),
}  # fmt: skip
_CHUNK: Fields = {3: ("column", _COLUMN), 8: ("encryption", _ANY)}
_GROUP: Fields = {1: ("chunks", [_CHUNK]), 4: ("", [_ANY])}
_NODE: Fields = {
    1: ("type", I32), 2: ("width", I32), 3: ("repetition", I32), 5: ("n_children", I32),
}  # fmt: skip
_FOOTER: Fields = {
    2: ("nodes", [_NODE]), 3: ("n_rows", I64), 4: ("groups", [_GROUP]), 5: ("", [_ANY]),
    7: ("", [_ANY]),
}  # fmt: skip

_FIXED = 7  # the type of values whose width is in the schema
_REQUIRED, _REPEATED = 0, 2
_DEEPEST = 100  # groups of columns in each other: pyarrow calls itself for each
_END = b"PAR1"


def damaged(path: Path, reason: str) -> ValueError:
    """Return the error for a file that is no sound parquet."""
    return ValueError(f"{path} is damaged ({reason}): download or copy it again")


def check_claims(stream: IO[bytes], path: Path) -> set[int]:
    """Raise if a file's content can't be what it says, or takes more room than allowed.

    Parameters
    ----------
    stream : binary file
        It can be sought, and is left anywhere.
    path : Path

    Returns
    -------
    columns : set of int
        Those with texts written as lengths first, which pyarrow can't make dictionaries of.

    Raises
    ------
    ValueError
        If it is damaged, encrypted or too large.
    """
    try:
        return _check(stream, path)
    except ThriftError as error:
        raise damaged(path, str(error)) from None
    except KeyError as error:
        raise damaged(path, f"the metadata have no {error}") from None


def _check(stream: IO[bytes], path: Path) -> set[int]:
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - 8))
    end = stream.read()
    n_footer = int.from_bytes(end[:4], "little")
    if end[4:] != _END or n_footer > size - 8:
        raise ThriftError("it has no footer")
    stream.seek(size - 8 - n_footer)
    footer, _ = read_struct(stream.read(n_footer), _FOOTER)

    leaves = _leaves(footer["nodes"])
    columns: list[tuple[int, dict[str, Any], Leaf]] = []
    for group in footer["groups"]:
        if len(group["chunks"]) != len(leaves):
            raise ThriftError("it has other columns than it says")
        for i, (chunk, leaf) in enumerate(zip(group["chunks"], leaves, strict=True)):
            if "encryption" in chunk:
                raise ValueError(f"{path} has encrypted columns: save it without encryption")
            columns.append((i, chunk["column"], leaf))
    if min([footer["n_rows"], *(column["n_values"] for _, column, _ in columns)]) < 0:
        raise ThriftError("it has fewer rows than none")
    check_room(footer["n_rows"] * len(leaves), path)
    check_room(sum(column["n_values"] * leaf.width for _, column, leaf in columns), path)
    if sum(column["size"] for _, column, _ in columns) > size:
        raise ThriftError("its columns overlap")

    total, texts = 0, list[tuple[int, Texts]]()
    for i, column, leaf in columns:
        n_bytes, pages = unpacked_size(stream, size, column, leaf.n_levels)
        total += n_bytes
        texts += [(i, page) for page in pages]
    check_room(total, path)
    for _, page in texts:
        check_texts(stream, page)
    return {i for i, _ in texts}


class Leaf(NamedTuple):
    """A column: how many bytes a value takes at least, and how many lists of depths it has."""

    width: int
    n_levels: int


def _leaves(nodes: list[dict[str, Any]]) -> list[Leaf]:
    """Return the leaves of the tree of columns."""
    leaves: list[Leaf] = []
    around = [(1, False, False)]  # groups: nodes still to come, is any optional, any repeated
    for i, node in enumerate(nodes):
        if not around:
            raise ThriftError("its columns are no tree")
        n, may_miss, may_repeat = around.pop()
        around.append((n - 1, may_miss, may_repeat))
        if i:  # the root's own says nothing
            repetition = node.get("repetition", _REQUIRED)
            may_miss, may_repeat = may_miss or repetition > 0, may_repeat or repetition == _REPEATED
        n_children = node.get("n_children", 0)
        if n_children > 0:
            around.append((n_children, may_miss, may_repeat))
        elif "type" in node:
            width = max(1, node.get("width", 1)) if node["type"] == _FIXED else 1
            leaves.append(Leaf(width, may_miss + may_repeat))
        if len(around) > _DEEPEST:
            raise ThriftError("its columns are nested too deep")
        while around and not around[-1][0]:
            around.pop()
    return leaves
