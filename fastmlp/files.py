"""Writes files atomically: either the whole file appears, or nothing changes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PREFIX, SUFFIX = ".fastmlp-", ".part"  # of the name of a hidden file


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
    if _is_device(path):
        try:
            with Path(path).open("wb") as stream:
                yield stream
        except OSError as error:
            raise _with_remedy(error, path) from error
        return
    target = Path(os.path.realpath(path))
    part = part or _part(target)
    try:
        with _open(part) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            if os.name != "nt":  # which renames no open file; elsewhere, while it is locked
                os.replace(part, target)
        if os.name == "nt":
            os.replace(part, target)
    except OSError as error:
        raise _with_remedy(error, path) from error
    finally:
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


def remove_dead_parts(folder: str | os.PathLike[str]) -> None:
    """Remove the hidden files of `atomic_write` in a folder whose processes were killed."""
    for part in Path(folder).glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError):  # of a process that is alive
            if os.name == "nt":  # which removes no open file
                part.unlink()
            else:
                with part.open("rb+") as stream:
                    _lock(stream, wait=False)
                    part.unlink()


def _open(part: Path) -> BinaryIO:
    """Open a hidden file, locked, so that `remove_dead_parts` leaves it alone."""
    while True:
        # A plain open, not tempfile, so that the file's permissions follow the user's umask.
        stream = part.open("wb")
        with suppress(OSError):  # a file system without locks, where nothing is taken for dead
            _lock(stream, wait=True)
        if os.fstat(stream.fileno()).st_nlink:
            return stream
        stream.close()  # it was taken for dead before it was locked


def _lock(stream: BinaryIO, *, wait: bool) -> None:
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def _is_device(path: str | os.PathLike[str]) -> bool:
    # Tested on the path as given: /dev/stdout may link to a pipe, which has no real path.
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def _part(target: Path) -> Path:
    # In the same folder, because a rename across file systems is not atomic.
    return target.with_name(f"{PREFIX}{os.urandom(8).hex()}{SUFFIX}")


def _with_remedy(error: OSError, path: str | os.PathLike[str]) -> OSError:
    return type(error)(
        f"can't write {path}: {error.strerror or error}; "
        "give a file in a folder that exists, is writable and has space"
    )
