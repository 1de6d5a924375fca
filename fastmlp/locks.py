"""Locks that one process at a time can hold, and that end with it, however it ends.

On Windows a lock is a file that the system removes; elsewhere, it is a lock of the system's on a
folder or a file.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

POLL = 0.01  # seconds between looks: to wait inside the system could take for ever

if sys.platform == "win32":

    def _take(path: Path) -> int:
        file = path / ".fastmlp-lock" if path.is_dir() else path
        try:
            return os.open(file, os.O_CREAT | os.O_EXCL | os.O_TEMPORARY)
        except FileExistsError:
            raise BlockingIOError from None

    def _give_back(path: Path, descriptor: int) -> None:
        os.close(descriptor)

else:
    import fcntl

    def _take(path: Path) -> int:
        # A folder itself is locked, so that no lock file can be left behind in it.
        while True:
            flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
            descriptor = os.open(path, flags, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise
            except OSError:
                return descriptor  # a file system without locks
            if _is_at(path, descriptor):
                return descriptor
            os.close(descriptor)  # who held it has removed it since it was opened

    def _give_back(path: Path, descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            with suppress(OSError):
                path.unlink()
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # a forked child may have the descriptor, too
        os.close(descriptor)

    def _is_at(path: Path, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), path.stat())
        except FileNotFoundError:
            return False


@contextmanager
def locked(path: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Hold a lock in here.

    Parameters
    ----------
    path : Path
        What to lock: a folder that exists, or else a file, which exists while it is locked.
    patience : float
        Seconds to wait for another process, or another block, that holds the lock.

    Raises
    ------
    BlockingIOError
        If it still holds the lock after that.
    OSError
        If the folder can't be read, or the file can't be made.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            descriptor = _take(path)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(POLL)
    try:
        yield
    finally:
        _give_back(path, descriptor)
