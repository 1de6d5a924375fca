"""Output to streams that may be closed, on a full disk, limited to ASCII, or narrow."""

from __future__ import annotations

import errno
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# The errors of writing to a pipe without a reader.
CLOSED = (errno.EPIPE, errno.EINVAL) if os.name == "nt" else (errno.EPIPE,)
PLAINER = {"·": ".", "\xd7": "x", "━": "-", "╸": "-", "╺": "-", "•": "*", "\u2013": "-"}


class Output:
    """A text stream that keeps its first failure instead of raising it, and then writes nothing.

    Attributes
    ----------
    failure : OSError or None
        Why it can't be written to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write `text`, replacing characters that the stream's encoding lacks by plainer ones."""
        try:
            self._try(self._stream.write, text)
        except UnicodeEncodeError:
            self.write(plainer(text, self._stream.encoding, self._stream.errors or "strict"))
        return len(text)

    def write_bytes(self, data: bytes) -> None:
        """Write bytes as they are, which are for a program to read."""
        self._try(self._stream.flush)
        self._try(self._stream.buffer.write, data)
        self._try(self._stream.buffer.flush)

    def flush(self) -> None:
        """Pass what was written on to the system."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def is_closed(self) -> bool:
        """Whether the reader has closed its end of the stream."""
        return self.failure is not None and self.failure.errno in CLOSED

    def _try(self, act: Callable[..., object], *arguments: object) -> None:
        """Call `act` unless the stream has failed before; keep its OSError as the failure."""
        try:
            if self.failure is None:
                act(*arguments)
        except OSError as error:
            self.failure = error
            # Python flushes the stream's buffer at its exit, and complains if that fails.
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
    """Return the guarded stream; None outside of `guarded`, or if there is no stdout at all."""
    # While rich shows a bar on a terminal, it replaces sys.stdout by a proxy.
    stream = getattr(sys.stdout, "rich_proxied_file", sys.stdout)
    return stream if isinstance(stream, Output) else None


def has_failed() -> bool:
    """Whether standard output can no longer be written to."""
    stream = standard_output()
    return stream is not None and stream.failure is not None


def plainer(text: str, encoding: str, errors: str = "strict") -> str:
    """Return `text` with characters that `encoding` lacks replaced by others."""

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
    """Make the console wide enough for tables, which lose digits when squeezed.

    The terminal may wrap their lines, but nothing is lost.
    """
    unlimited = console.options.update(width=10_000)
    widths = [console.measure(table, options=unlimited).maximum for table in tables]
    console.width = max(console.width, *widths)
