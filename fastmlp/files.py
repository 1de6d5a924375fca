"""Writing a file whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open `path` for writing bytes, so that it appears complete or stays as it was.

    The bytes go to a hidden neighbour, which takes the name at the end; after an error, or a
    Ctrl-C, the neighbour is removed. What is no regular file (``/dev/stdout``) is written to
    directly.

    Raises
    ------
    OSError
        If the file can't be written; the message is one line, names it and says what to do.
    """
    target = Path(os.path.realpath(path))
    part = target if _is_device(target) else _part(target)
    try:
        # A plain open, not tempfile: the file gets the permissions the user's umask gives.
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            if part != target:
                os.fsync(stream.fileno())
        if part != target:
            os.replace(part, target)
    except OSError as error:
        raise _with_remedy(error, path) from error
    finally:
        if part != target:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise what `atomic_write` would, before the work whose result it is to write.

    Raises
    ------
    OSError
        If `path` is a folder, or lies in none where a file can be made.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "Is a directory")
        if not _is_device(target):
            part = _part(target)
            part.touch()
            part.unlink()
    except OSError as error:
        raise _with_remedy(error, path) from error


def _is_device(target: Path) -> bool:
    return target.exists() and not target.is_file() and not target.is_dir()


def _part(target: Path) -> Path:
    # Same folder, because a rename across file systems is no longer atomic.
    return target.with_name(f".fastmlp-{os.urandom(8).hex()}.part")


def _with_remedy(error: OSError, path: str | os.PathLike[str]) -> OSError:
    return type(error)(
        f"can't write {path}: {error.strerror or error}; "
        "give a file in a folder that exists, is writable and has space"
    )
