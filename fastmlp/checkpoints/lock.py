"""A lock on a file that is replaced while it is locked: held on another one beside it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":

    def _lock(path: Path) -> int:
        # The system removes the file when the process ends, however it ends.
        try:
            return os.open(path, os.O_CREAT | os.O_EXCL | os.O_TEMPORARY)
        except FileExistsError:
            raise BlockingIOError from None

    def _unlock(descriptor: int, path: Path) -> None:
        os.close(descriptor)

else:
    import fcntl

    def _lock(path: Path) -> int:
        while True:
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise
            except OSError:
                return descriptor  # a file system without locks
            # A process that has ended meanwhile may have removed the file that is locked now.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    return descriptor
            os.close(descriptor)

    def _unlock(descriptor: int, path: Path) -> None:
        with suppress(OSError):
            path.unlink()
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # a forked child may have the descriptor, too
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes, and threads, from locking `path` in here.

    The lock ends with the process, however that ends; the hidden file that it is held on may then
    stay, and be locked anew.

    Raises
    ------
    BlockingIOError
        If another one holds the lock.
    OSError
        If no file can be made beside `path`.
    """
    beside = path.with_name(f".{path.name}.lock")
    descriptor = _lock(beside)
    try:
        yield
    finally:
        _unlock(descriptor, beside)
