"""A folder that one process writes to at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":

    def _lock(folder: Path) -> int:
        # The system removes the file with the process that made it, however that ends.
        try:
            flags = os.O_CREAT | os.O_EXCL | os.O_TEMPORARY
            return os.open(folder / ".fastmlp-lock", flags)
        except FileExistsError:
            raise BlockingIOError from None

else:
    import fcntl

    def _lock(folder: Path) -> int:
        # On the folder itself: no file that could stay behind.
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
    """Keep other processes from entering here with the same folder.

    Raises
    ------
    BlockingIOError
        If another one has.
    OSError
        If the folder can't be read.
    """
    descriptor = _lock(folder)
    try:
        yield
    finally:
        os.close(descriptor)
