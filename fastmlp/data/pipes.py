"""Copy data from a pipe, which can be read only once, to disk."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import IO

from fastmlp.data.limits import PIECE, TooMuchError, limit_of
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

    A first look recognises the format, and a pipe gives its bytes only once.

    Parameters
    ----------
    given : str or Path
        A file or a folder, which is yielded itself. Or a pipe, such as a shell's ``<(...)``, or
        ``"-"`` for standard input: then a copy is yielded, and removed after the block.

    Raises
    ------
    FileNotFoundError, OSError
        If there is nothing, or it can't be read.
    ValueError
        If a pipe gives more than its limit.
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
        source = nullcontext(_standard_input()) if given == "-" else path.open("rb")
        with source as stream, copy.open("wb") as target:
            _pour(stream, target, name_of(given))
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
    limit, n_bytes = limit_of(None), 0
    while piece := source.read(PIECE):
        n_bytes += len(piece)
        if n_bytes > limit:
            raise TooMuchError(name, limit)
        target.write(piece)
