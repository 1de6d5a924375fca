"""Prints text with control characters escaped, so that names can't control the terminal."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from fastmlp.words import printable, shortened

LONGEST_LINE = 1000  # characters


class Terminal(Console):
    """A console that escapes control characters.

    A printed text, or a cell of a table, is one line: a newline in it belongs to a name.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a string as `Text`; rich calls this for every string that it prints."""
        return super().render_str(printable(text), **options)

    def print_line(self, text: str) -> None:
        """Print a line of plain text; the terminal may wrap it."""
        self.print(shortened(text, LONGEST_LINE), soft_wrap=True, markup=False)


@contextmanager
def warnings_as_lines(errors: Terminal, said: set[str]) -> Iterator[None]:
    """Print warnings as lines when they come, each of them once; those in `said` have been."""

    def print_once(message: Warning | str, *_: object, **options: object) -> None:
        text = str(message)
        if text not in said:
            said.add(text)
            errors.print_line(f"Warning: {text}.")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = print_once
        yield


def tell(text: str) -> None:
    """Print a line on stderr, even with --quiet."""
    typer.echo(shortened(printable(text), LONGEST_LINE), err=True)


def complain(text: str) -> None:
    """Print an error on stderr, as one line."""
    line = shortened(printable(" ".join(text.split())), LONGEST_LINE)
    typer.echo(f"{typer.style('Error:', fg='red', bold=True)} {line}", err=True)
