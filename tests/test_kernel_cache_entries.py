"""Entries of the cache: damaged, foreign, half written and old ones."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cache_tools import Project

from fastmlp.kernels.codegen import cache_file


def flip_last_byte(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[: len(cache_file.FORMAT) + 10],
        lambda content: content + b"\n",
        lambda content: content.replace(b"format 1", b"format 0"),
        flip_last_byte,
    ],
)
def test_damaged_entry_is_not_read(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "entries" / "entry"
    cache_file.write(path, "key", b"some\ncode\n")
    assert cache_file.read(path, "key") == b"some\ncode\n"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"damaged|unpack"):
        cache_file.read(path, "key")


def test_entry_of_another_key_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "entries" / "entry"
    cache_file.write(path, "key", b"code")
    with pytest.raises(ValueError, match="another kernel"):
        cache_file.read(path, "kez")


@pytest.mark.skipif(os.name == "nt", reason="no POSIX modes")
@pytest.mark.parametrize("mode", [0o020, 0o002])
@pytest.mark.parametrize("name", ["entries", "entries/entry"])
def test_entry_that_others_can_write_is_not_read(tmp_path: Path, name: str, mode: int) -> None:
    path = tmp_path / "entries" / "entry"
    cache_file.write(path, "key", b"code")
    changed = tmp_path / name
    changed.chmod(changed.stat().st_mode | mode)
    with pytest.raises(PermissionError):
        cache_file.read(path, "key")


@pytest.mark.skipif(os.name == "nt", reason="no POSIX owners")
def test_entry_of_another_user_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "entries" / "entry"
    cache_file.write(path, "key", b"code")
    owner = path.stat().st_uid
    if owner == 0:  # root, who can change any file anyway, is trusted: give the file away
        owner = 1000
        os.chown(path, owner, -1)
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(PermissionError):
        cache_file.read(path, "key")


def test_reader_never_sees_half_an_entry(tmp_path: Path) -> None:
    path = tmp_path / "entries" / "entry"
    payloads = [bytes([letter]) * 300_000 for letter in b"ab"]
    cache_file.write(path, "key", payloads[0])
    done = threading.Event()

    def write() -> None:
        for i in range(60):
            cache_file.write(path, "key", payloads[i % 2])
        done.set()

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    while not done.is_set():
        assert cache_file.read(path, "key") in payloads
    for writer in writers:
        writer.join()
    assert list(path.parent.iterdir()) == [path]


def test_full_disk(project: Project, kernels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(source: str, target: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", replace)
    assert kernels.from_numbers(5, 4) == 23
    assert project.entries() == []


def test_old_entries_are_pruned(tmp_path: Path) -> None:
    now = time.time()
    old = now - cache_file.PRUNE_AFTER - 60
    times = {
        "f.current.1.kernel": old,
        "f.other.2.kernel": old,
        "f.other.3.kernel": now,
        "abc.tmp": old,
        "abd.tmp": now,
        "notes.txt": old,
    }
    for name, seconds in times.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (seconds, seconds))
    cache_file.prune.__wrapped__(tmp_path, "current")
    left = {path.name for path in tmp_path.iterdir()}
    assert set(times) - left == {"f.other.2.kernel", "abc.tmp"}
