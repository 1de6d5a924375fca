"""Writing a file whole or not at all."""

from __future__ import annotations

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
    if target.exists() and not target.is_file() and not target.is_dir():
        with target.open("wb") as stream:
            yield stream
        return
    # Same folder, because a rename across file systems is no longer atomic.
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        # A plain open, not tempfile: the file gets the permissions the user's umask gives.
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, target)
    except OSError as error:
        raise type(error)(
            f"can't write {path}: {error.strerror or error}; "
            "give a file in a folder that exists, is writable and has space"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
