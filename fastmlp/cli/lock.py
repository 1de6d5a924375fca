"""A lock on a folder, so that only one process at a time writes to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":

    def _lock(folder: Path) -> int:
        # The system removes the file when the process ends, however it ends.
        try:
            flags = os.O_CREAT | os.O_EXCL | os.O_TEMPORARY
            return os.open(folder / ".fastmlp-lock", flags)
        except FileExistsError:
            raise BlockingIOError from None

else:
    import fcntl

    def _lock(folder: Path) -> int:
        # The folder itself is locked, so no lock file can be left behind.
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise
        except OSError:
            pass  # a file system without locks
        return descriptor


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock in here.

    Raises
    ------
    BlockingIOError
        If another process holds it.
    OSError
        If the folder can't be read.
    """
    descriptor = _lock(folder)
    try:
        yield
    finally:
        os.close(descriptor)
