"""Files are written whole or not at all, and what killed processes leave of them goes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_tools import names

from fastmlp import files
from fastmlp.files import atomic_write, remove_dead_parts

WRITING = """
import sys, time
from fastmlp.files import atomic_write
with atomic_write(sys.argv[1]) as stream:
    stream.write(b"half")
    stream.flush()
    print("half", flush=True)
    time.sleep(600)
"""


def test_the_parts_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    with subprocess.Popen([sys.executable, "-c", WRITING, file], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            (part,) = names(tmp_path)
            remove_dead_parts(tmp_path)
            assert names(tmp_path) == [part]
        finally:
            process.kill()
    assert names(tmp_path) == [part]
    (tmp_path / "mine.part").touch()
    remove_dead_parts(tmp_path)
    assert names(tmp_path) == ["mine.part"]


def test_a_part_of_this_process_is_alive(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a.bin") as stream:
        remove_dead_parts(tmp_path)
        stream.write(b"whole")
    assert (tmp_path / "a.bin").read_bytes() == b"whole"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no open file")
def test_a_part_that_is_taken_for_dead_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, removed = files._lock, []

    def late(stream: object, *, wait: bool) -> None:
        if wait and not removed:
            removed.extend(names(tmp_path))
            monkeypatch.setattr(files, "_lock", lock)
            remove_dead_parts(tmp_path)
        lock(stream, wait=wait)

    monkeypatch.setattr(files, "_lock", late)
    with atomic_write(tmp_path / "a.bin") as stream:
        stream.write(b"whole")
    assert len(removed) == 1
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.skipif(os.name == "nt", reason="Windows renames no open file")
def test_a_part_is_alive_until_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def look(part: Path, target: Path) -> None:
        remove_dead_parts(tmp_path)
        replace(part, target)

    monkeypatch.setattr(os, "replace", look)
    with atomic_write(tmp_path / "a.bin") as stream:
        stream.write(b"whole")
    assert names(tmp_path) == ["a.bin"]


def test_without_locks_nothing_is_taken_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, wait: bool) -> None:
        raise OSError("no locks")

    (tmp_path / ".fastmlp-0.part").touch()
    monkeypatch.setattr(files, "_lock", fail)
    remove_dead_parts(tmp_path)
    with atomic_write(tmp_path / "a.bin") as stream:
        stream.write(b"whole")
    assert names(tmp_path) == [".fastmlp-0.part", "a.bin"]
