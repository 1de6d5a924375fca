"""Parses JSON from untrusted files: strictly, and to a limited depth."""

from __future__ import annotations

import json
import re
from typing import Any

DEEPEST = 16  # levels of nesting; what this package writes has four
_PART = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{\]}]', re.DOTALL)  # a string, or a bracket


def parse(text: str) -> Any:
    """Return the value of a JSON text, in which NaN and Infinity are allowed.

    Raises
    ------
    ValueError
        If `text` is not JSON, has a number with more digits than Python reads, is nested deeper
        than DEEPEST, or has an object with the same name twice, which readers take differently.
    """
    # Python's own limit can be set so high that the stack overflows first.
    depth = 0
    for part in _PART.finditer(text):
        bracket = part[0]
        depth += (bracket in "[{") - (bracket in "]}")
        if depth > DEEPEST:
            raise ValueError(f"nested deeper than {DEEPEST} levels")
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def as_number(value: object) -> float:
    """Return a number as a float; else raise TypeError, which says what the value is not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("no number")
    return float(value)


def as_name(value: object) -> str:
    """Return a string; else raise TypeError, which says what the value is not."""
    if not isinstance(value, str):
        raise TypeError("no name")
    return value


def as_names(value: object) -> str | tuple[str, ...]:
    """Return a string, or several as a tuple; else raise TypeError."""
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return tuple(value)
    if not isinstance(value, str):
        raise TypeError("no name, nor a list of names")
    return value
