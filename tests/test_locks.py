"""Locks between processes: one at a time, and no longer than its process lives."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fastmlp import locks
from fastmlp.locks import locked

HOLDER = """
import sys, time
from pathlib import Path
from fastmlp.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(300)
"""
# Lets a number in a file grow, in two steps that another process must not come between.
COUNTER = """
import sys
from pathlib import Path
from fastmlp import locks
locks.POLL = 0
number = Path(sys.argv[2])
for _ in range(300):
    with locks.locked(Path(sys.argv[1]), patience=100):
        number.write_text(str(int(number.read_text()) + 1))
"""


@pytest.fixture(params=["folder", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """What is locked."""
    path = tmp_path / request.param
    if request.param == "folder":
        path.mkdir()
    return path


def test_a_lock_is_held_once_and_ends_with_its_block(place):
    for _ in range(2):
        with locked(place):
            for _ in range(2):
                with pytest.raises(BlockingIOError), locked(place):
                    pass
    assert list(place.iterdir()) == [] if place.name == "folder" else not place.exists()


def test_a_lock_ends_with_its_process_however_that_ends(place):
    with subprocess.Popen([sys.executable, "-c", HOLDER, place], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BlockingIOError), locked(place, patience=0.1):
            pass
        holder.kill()
    with locked(place):
        pass


def test_who_has_patience_comes_next(place):
    held, came = threading.Event(), []

    def hold() -> None:
        with locked(place):
            held.set()
            time.sleep(0.3)
            came.append("first")

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)
    with locked(place, patience=60):
        came.append("second")
    thread.join()
    assert came == ["first", "second"]


def test_a_file_that_is_removed_and_made_again_is_one_lock_all_the_same(tmp_path):
    number = tmp_path / "number"
    number.write_text("0")
    command = [sys.executable, "-c", COUNTER, tmp_path / "lock", number]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(120) for process in processes] == [0] * 4
    assert number.read_text() == "1200"
    assert list(tmp_path.iterdir()) == [number]


def test_what_cannot_be_locked_is_an_error_and_no_wait(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"), locked(tmp_path / "file/lock"):
        pass


@pytest.mark.skipif(os.name == "nt", reason="no flock")
def test_a_file_system_without_locks_stops_nobody(place, monkeypatch):
    def flock(*_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", flock)
    with locked(place), locked(place):
        pass
