"""What Jupyter notebooks show in the place of text."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from html import escape

from fastmlp.words import printable


def in_notebook() -> bool:
    """Whether this is a notebook's kernel, which shows HTML and pictures."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def html_table(
    caption: str,
    headings: Sequence[str],
    lines: Iterable[Sequence[object]],
    notes: Iterable[str] = (),
    *,
    bold: int | None = None,
) -> str:
    """Return a table as HTML, which looks as notebooks have it: light or dark.

    Parameters
    ----------
    caption : str
    headings : sequence of str
    lines : iterable of sequences
        Cells; the first one of a line is its name.
    notes : iterable of str
        What is to be said below the table.
    bold : int, optional
        The line to stand out, from 0; negative ones count from the end.

    Returns
    -------
    str
    """
    lines = list(lines)
    outstanding = None if bold is None else bold % len(lines)
    rows = [_row("th", headings)]
    for i, line in enumerate(lines):
        rows.append(_row("td", line, "font-weight: bold" if i == outstanding else ""))
    items = "".join(f"<li>{_text(note)}</li>" for note in notes)
    return (
        f"<p><b>{_text(caption)}</b></p>\n<table>\n{''.join(rows)}</table>\n"
        + f"<ul>{items}</ul>\n" * bool(items)
    )


def _row(tag: str, cells: Iterable[object], style: str = "") -> str:
    first, *others = (_text(str(cell)) for cell in cells)
    name = f'<{tag} style="text-align: left">{first}</{tag}>'
    figures = "".join(f'<{tag} style="text-align: right">{cell}</{tag}>' for cell in others)
    return f'<tr style="{style}">{name}{figures}</tr>\n' if style else f"<tr>{name}{figures}</tr>\n"


def _text(text: str) -> str:
    return escape(printable(text))
