"""An entry of the kernel cache on disk: one file with its whole key, a checksum and the code.

It is written atomically, and read only if no other user could have written it. Of several processes
that miss it, one compiles, and the others wait for its entry.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from fastmlp.locks import locked

FORMAT = b"fastmlp kernel, format 1"
PRUNE_AFTER = 30 * 24 * 3600.0  # seconds until an entry compiled from other sources is removed
PATIENCE = 20.0  # seconds to wait for another process that compiles a kernel; it takes one or two


def read(path: Path, key: str) -> bytes:
    """Return an entry's payload; raise OSError or ValueError if it can't be trusted."""
    _check_owner(path.parent, path.parent.stat())
    with path.open("rb") as file:
        _check_owner(path, os.fstat(file.fileno()))
        form, checksum, content = file.read().split(b"\n", 2)
    if form != FORMAT or checksum != hashlib.sha256(content).hexdigest().encode():
        raise ValueError(f"{path} is damaged")
    stored_key, payload = content.split(b"\n", 1)
    if stored_key != key.encode():
        raise ValueError(f"{path} belongs to another kernel")
    return payload


@contextlib.contextmanager
def turn(path: Path) -> Iterator[None]:
    """Have no other process write an entry in here that is still missing.

    Raises OSError if that can't be had: in a folder that can't be written to, or if another process
    holds the lock for very long. Nothing depends on it but time.
    """
    if path.exists():
        yield
    else:
        _make_folder(path.parent)
        with locked(path.with_suffix(".lock"), patience=PATIENCE):
            yield


def write(path: Path, key: str, payload: bytes) -> None:
    """Write an entry atomically, even if other processes write it at the same time."""
    _make_folder(path.parent)
    content = key.encode() + b"\n" + payload
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with open(descriptor, "wb") as file:
            file.write(FORMAT + b"\n" + hashlib.sha256(content).hexdigest().encode() + b"\n")
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_owner(folder, folder.stat())


def _check_owner(path: Path, status: os.stat_result) -> None:
    """Raise PermissionError if someone else could have put a pickle there."""
    if os.name == "nt":  # has no such owners and modes
        return
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{path} belongs to others, or others can write to it")


@functools.cache  # once per process is enough
def prune(folder: Path, sources: str) -> None:
    """Remove old entries of other sources, and what killed processes have left long ago."""
    for path in folder.iterdir():
        if (
            path.suffix in (".kernel", ".lock", ".tmp")
            and f".{sources}." not in path.name
            and time.time() - path.stat().st_mtime > PRUNE_AFTER
        ):
            path.unlink()
