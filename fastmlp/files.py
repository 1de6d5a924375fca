"""Writes files atomically: either the whole file appears, or nothing changes."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_write(path: str | os.PathLike[str], part: Path | None = None) -> Iterator[BinaryIO]:
    """Open `path` for writing bytes, so that it ends up complete or stays as it was.

    The bytes go to a hidden file in the same folder, which is renamed to `path` at the end, and
    removed after an error or a Ctrl-C. A path that is not a regular file (``/dev/stdout``) is
    written to directly.

    Parameters
    ----------
    path : path-like
    part : Path, optional
        The hidden file, which is overwritten; by default one with a name of its own. Given by those
        who write again and again, so that a process that is killed leaves one file at most.

    Raises
    ------
    OSError
        If the file can't be written; the message is one line, names it and says what to do.
    """
    is_device = _is_device(path)
    target = Path(path if is_device else os.path.realpath(path))
    part = target if is_device else part or _part(target)
    try:
        # A plain open, not tempfile, so that the file's permissions follow the user's umask.
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            if not is_device:
                os.fsync(stream.fileno())
        if not is_device:
            os.replace(part, target)
    except OSError as error:
        raise _with_remedy(error, path) from error
    finally:
        if not is_device:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the names of a folder's files outlast a loss of power, as far as the system can."""
    if os.name == "nt":  # where folders can't be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise what `atomic_write` would, before the work whose result is to be written.

    Raises
    ------
    OSError
        If `path` is a folder, or no file can be created there.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "Is a directory")
        if not _is_device(path):
            part = _part(target)
            try:
                part.touch()
            finally:
                with suppress(OSError):
                    part.unlink()
    except OSError as error:
        raise _with_remedy(error, path) from error


def _is_device(path: str | os.PathLike[str]) -> bool:
    # Tested on the path as given: /dev/stdout may link to a pipe, which has no real path.
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def _part(target: Path) -> Path:
    # In the same folder, because a rename across file systems is not atomic.
    return target.with_name(f".fastmlp-{os.urandom(8).hex()}.part")


def _with_remedy(error: OSError, path: str | os.PathLike[str]) -> OSError:
    return type(error)(
        f"can't write {path}: {error.strerror or error}; "
        "give a file in a folder that exists, is writable and has space"
    )
