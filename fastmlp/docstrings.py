"""Fills docstrings with the entries of the reference's tables, so that new ones are described."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from fastmlp.problem import GRADIENT
from fastmlp.reference import ACTIVATIONS, LOSSES, OPTIMIZERS

Documented = TypeVar("Documented", bound=type)
WIDTH = 92  # of a text in a docstring, without its indent


def documented(**texts: str) -> Callable[[Documented], Documented]:
    """Fill the placeholders in a class's docstring.

    A placeholder is a name in angle brackets: that of one of `texts`, which may have placeholders
    themselves, or ``<ACTIVATIONS>``, ``<LOSSES>`` or ``<OPTIMIZERS>`` for the entries of a table.
    The text is indented like a placeholder that begins a line.
    """

    def fill(kind: Documented) -> Documented:
        filled = inspect.cleandoc(kind.__doc__ or "")
        for name, text in (texts | ENTRIES).items():
            pieces = re.split(rf"(^ +)?<{name}>", filled, flags=re.MULTILINE)
            filled = pieces[0]
            for indent, rest in zip(pieces[1::2], pieces[2::2], strict=True):
                filled += textwrap.indent(text, indent or "") + rest
        kind.__doc__ = filled
        return kind

    return fill


def described(names: Iterable[str], table: Mapping[str, Any]) -> str:
    """Return a bulleted list of entries, each with its description."""
    items = (f"- {name!r}: {table[name].about}" for name in names)
    return "\n".join(_wrapped(item, "  ") for item in items)


def _chosen(names: Iterable[str], table: Mapping[str, Any]) -> str:
    """Return the phrase "'a', 'b' (description) or 'c'." for these names."""
    items = [f"{n!r} ({about})" if (about := table[n].about) else repr(n) for n in names]
    return _wrapped(" or ".join(filter(None, (", ".join(items[:-1]), items[-1]))) + ".")


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


ENTRIES = {
    "ACTIVATIONS": _chosen(ACTIVATIONS, ACTIVATIONS),
    "LOSSES": described(LOSSES, LOSSES),
    "OPTIMIZERS": _chosen([name for name in OPTIMIZERS if name != GRADIENT], OPTIMIZERS),
}
