"""Comments in text tables, which CSV doesn't have, and empty columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO

from fastmlp.data.cells import MISSING, is_missing

COMMENT = ("#", "%")


def is_comment(text: str) -> bool:
    """Say whether a line, or its first cell, looks like a comment."""
    text = text.strip()
    return text.startswith(COMMENT) and text.lower() not in MISSING


def n_above(lines: Sequence[str]) -> int:
    """Return the number of lines down to the last comment above the table.

    0 if all lines look like comments: then they are rows whose first cells begin with such a sign.
    """
    n_comments = 0
    for i, line in enumerate(lines):
        if line.strip() and not is_comment(line):
            return n_comments
        if not line.endswith("\n"):
            break
        if line.strip():
            n_comments = i + 1
    return 0


def skip_lines(stream: IO[bytes] | IO[str], n_lines: int) -> None:
    for _ in range(n_lines):
        stream.readline()


def comment_fault(where: str, cell: str) -> ValueError:
    """Return the error for a comment among the rows."""
    return ValueError(
        f"{where} begins with {cell.strip()[0]} and looks like a comment: remove such lines"
    )


def is_empty(i: int, rows: Iterable[tuple[int, Sequence[str]]]) -> bool:
    """Say whether column `i`, counted from 0, has no values in the remaining rows."""
    return all(i >= len(row) or is_missing(row[i]) for _, row in rows)
