"""Parses JSON from untrusted files: strictly, and to a limited depth."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from fastmlp.words import shown

DEEPEST = 16  # levels of nesting; this package's own files have four
_PART = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{\]}]', re.DOTALL)  # a string, or a bracket


def parse(text: str) -> Any:
    """Return the value of a JSON text, in which NaN and Infinity are allowed.

    Raises
    ------
    ValueError
        If `text` is not JSON, has a number with more digits than Python reads, is nested deeper
        than DEEPEST, or has an object with the same name twice, which JSON parsers treat
        differently.
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


def as_members(
    value: Any, known: Mapping[str, Callable[[Any], Any]], name: str
) -> tuple[dict[str, Any], list[str]]:
    """Return an object's known members, each as its function returns it, and other names in it.

    Raises
    ------
    TypeError
        If `value`, which messages call `name`, is no object.
    ValueError
        If one of the functions raises TypeError, ValueError or OverflowError, which says what the
        member is not.
    """
    if not isinstance(value, dict):
        raise TypeError(f"{name} is {shown(value)}, not an object")
    found = {}
    for key in filter(value.__contains__, known):
        try:
            found[key] = known[key](value[key])
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{key} is {shown(value[key])}, {error}") from None
    return found, sorted(value.keys() - known.keys())


def as_number(value: object) -> float:
    """Return a number as a float; else raise TypeError, which says what the value is not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    return float(value)


def as_text(value: object) -> str:
    """Return a string; else raise TypeError, which says what the value is not."""
    if not isinstance(value, str):
        raise TypeError("not a name")
    return value


def as_texts(value: object) -> tuple[str, ...]:
    """Return a list of strings as a tuple; else raise TypeError, which says what it is not."""
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise TypeError("not a list of names")
    return tuple(value)
