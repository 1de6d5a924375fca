"""Data that come once, from a pipe: kept on the disk while they are looked at and read."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO

from fastmlp.data.limits import PIECE, TooMuchError, stream_limit
from fastmlp.words import encodable

STDIN = "standard input"
_STDIN_PATHS = ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")

_kept: ContextVar[tuple[str, Path] | None] = ContextVar("kept", default=None)


def name_of(given: str | Path) -> str:
    """Return what to call a source of data in a message."""
    return STDIN if given == "-" or str(given) in _STDIN_PATHS else encodable(str(Path(given)))


@contextmanager
def on_disk(given: str | Path) -> Iterator[Path]:
    """Yield a path that can be read again and again.

    Formats are told by a first look, and a pipe gives its bytes only once.

    Parameters
    ----------
    given : str or Path
        A file or a folder, which is what is yielded; a pipe, as shells make them of ``<(...)``, or
        ``"-"`` for standard input, of which it is a copy, removed after the block.

    Raises
    ------
    FileNotFoundError, OSError
        If there is nothing, or it can't be read.
    ValueError
        If more comes out of a pipe than may.
    """
    path = Path(given)
    if (kept_one := _kept.get()) is not None and kept_one[0] == str(given):
        yield kept_one[1]
        return
    if given != "-":
        if not path.exists():
            raise FileNotFoundError(
                f"{name_of(given)} does not exist: check the path for typing errors"
            )
        if path.is_file() or path.is_dir():
            yield path
            return
    with tempfile.TemporaryDirectory(prefix="fastmlp-") as folder:
        copy = Path(folder) / ("stdin" if given == "-" else path.name)
        with copy.open("wb") as target:
            if given == "-":
                _pour(_standard_input(), target, name_of(given))
            else:
                with path.open("rb") as source:
                    _pour(source, target, name_of(given))
        yield copy


@contextmanager
def kept(given: str | Path) -> Iterator[None]:
    """Have `on_disk` yield the same copy of a pipe, as often as it is asked for in the block.

    It raises what `on_disk` raises.
    """
    with on_disk(given) as path:
        token = _kept.set((str(given), path))
        try:
            yield
        finally:
            _kept.reset(token)


def _standard_input() -> IO[bytes]:
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None or sys.stdin.closed:
        raise OSError("standard input is closed: give a file")
    return stream


def _pour(source: IO[bytes], target: IO[bytes], name: str) -> None:
    limit, n_bytes = stream_limit(), 0
    while piece := source.read(PIECE):
        n_bytes += len(piece)
        if n_bytes > limit:
            raise TooMuchError(name, limit)
        target.write(piece)
