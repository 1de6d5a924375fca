"""Output that loses nothing: where it is closed, on a full disk, in ASCII, or narrow."""

from __future__ import annotations

import errno
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# What a pipe says whose reader has gone; on Windows it says EINVAL.
CLOSED = (errno.EPIPE, errno.EINVAL) if os.name == "nt" else (errno.EPIPE,)
PLAINER = {"·": ".", "\xd7": "x", "━": "-", "╸": "-", "╺": "-", "•": "*", "\u2013": "-"}


class Output:
    """A text stream whose failures are kept instead of raised, and nothing written after one.

    Attributes
    ----------
    failure : OSError or None
        Why it can't be written to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write `text`, in plainer characters where the stream's encoding lacks some of its own."""
        try:
            if self.failure is None:
                self._stream.write(text)
        except UnicodeEncodeError:
            self.write(plainer(text, self._stream.encoding, self._stream.errors or "strict"))
        except OSError as error:
            self._give_up(error)
        return len(text)

    def write_bytes(self, data: bytes) -> None:
        """Write data that are for a program to read: as they are, in no other encoding."""
        try:
            if self.failure is None:
                self._stream.flush()
                self._stream.buffer.write(data)
                self._stream.buffer.flush()
        except OSError as error:
            self._give_up(error)

    def flush(self) -> None:
        """Hand what was written to the system."""
        try:
            if self.failure is None:
                self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def is_closed(self) -> bool:
        """Whether whoever has read it does so no longer."""
        return self.failure is not None and self.failure.errno in CLOSED

    def _give_up(self, error: OSError) -> None:
        self.failure = error
        # What the stream still holds has to go somewhere, or Python complains at its exit.
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def guarded() -> Iterator[None]:
    """Put an `Output` around both streams."""
    before = sys.stdout, sys.stderr
    try:
        sys.stdout, sys.stderr = (stream and Output(stream) for stream in before)
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream:
                stream.flush()
        sys.stdout, sys.stderr = before


def standard_output() -> Output | None:
    """Return the guarded stream; None outside of `guarded`, or where there is no stdout at all."""
    # On a terminal, rich may have put something of its own before it.
    stream = getattr(sys.stdout, "rich_proxied_file", sys.stdout)
    return stream if isinstance(stream, Output) else None


def has_failed() -> bool:
    """Whether nothing more can be printed."""
    stream = standard_output()
    return stream is not None and stream.failure is not None


def plainer(text: str, encoding: str, errors: str = "strict") -> str:
    """Return `text` with other characters for those that `encoding` lacks."""

    def fits(part: str) -> bool:
        try:
            part.encode(encoding, errors)
        except UnicodeEncodeError:
            return False
        return True

    def replacement(character: str) -> str:
        if fits(character):
            return character
        bare = "".join(filter(fits, unicodedata.normalize("NFKD", character)))
        return PLAINER.get(character) or bare or "?"

    return "".join(map(replacement, text))


def widen(console: Console, *tables: Table) -> None:
    """Have tables fit: squeezed into a narrow pipe or terminal they lose digits.

    Lines that the terminal wraps are at least whole.
    """
    unlimited = console.options.update(width=10_000)
    widths = [console.measure(table, options=unlimited).maximum for table in tables]
    console.width = max(console.width, *widths)
