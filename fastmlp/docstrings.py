"""Docstrings that name the tables' entries: what is added to a table is described, too."""

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
    """Fill the places in a class's docstring that are kept for texts.

    A place is a name in angle brackets: that of one of `texts`, which may have places themselves,
    or ``<ACTIVATIONS>``, ``<LOSSES>`` or ``<OPTIMIZERS>`` for the entries of a table. A place in a
    line of its own gives the text its indent.
    """

    def fill(kind: Documented) -> Documented:
        filled = inspect.cleandoc(kind.__doc__ or "")
        for place, text in (texts | ENTRIES).items():
            pieces = re.split(rf"(^ +)?<{place}>", filled, flags=re.MULTILINE)
            filled = pieces[0]
            for indent, rest in zip(pieces[1::2], pieces[2::2], strict=True):
                filled += textwrap.indent(text, indent or "") + rest
        kind.__doc__ = filled
        return kind

    return fill


def described(names: Iterable[str], table: Mapping[str, Any]) -> str:
    """Return a list of entries, an item each, with what they are about."""
    items = (f"- {name!r}: {table[name].about}" for name in names)
    return "\n".join(_wrapped(item, "  ") for item in items)


def _chosen(names: Iterable[str], table: Mapping[str, Any]) -> str:
    """Return names as a sentence has them, with what is said of them in brackets."""
    said = [f"{n!r} ({about})" if (about := table[n].about) else repr(n) for n in names]
    return _wrapped(" or ".join(filter(None, (", ".join(said[:-1]), said[-1]))) + ".")


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


ENTRIES = {
    "ACTIVATIONS": _chosen(ACTIVATIONS, ACTIVATIONS),
    "LOSSES": described(LOSSES, LOSSES),
    "OPTIMIZERS": _chosen([name for name in OPTIMIZERS if name != GRADIENT], OPTIMIZERS),
}
