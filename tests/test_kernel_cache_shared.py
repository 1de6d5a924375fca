"""Processes that share a cold cache: one compiles a kernel, and the others load it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from cache_tools import NUMBERS, Project, key_of
from numba import int64
from numba.core.errors import TypingError

from fastmlp.kernels.codegen import cache_file
from fastmlp.locks import locked

# Trains, and says which kernels this process has compiled.
TRAIN = """
import numpy as np
from numba.core import event
import fastmlp
from fastmlp.kernels.codegen.compile_notice import watch

compiled = []

class Listener(event.Listener):
    def on_start(self, event):
        if watch.depth == 1 and event.data["dispatcher"].py_func in watch.functions:
            compiled.append(event.data["dispatcher"].py_func.__name__)

    def on_end(self, event):
        pass

event.register("numba:compile", Listener())
x, y = np.random.RandomState(0).rand(30, 4), np.arange(30) % 3
fastmlp.MLP(4, 3, 3, random_state=0).train(x, y, 1, verbose=False)
print(*compiled)
"""


def test_eight_processes_compile_each_kernel_once(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TRAIN],
            env=os.environ | {"FASTMLP_CACHE_DIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(8)
    ]
    compiled = []
    for process in processes:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0
        compiled += output.split()
    entries = sorted((tmp_path / "kernels").iterdir())
    assert len(entries) > 5
    assert sorted(compiled) == [entry.name.partition(".")[0] for entry in entries]


@pytest.fixture
def lock(project: Project, kernels: Any) -> Path:
    """The lock of the kernel `from_numbers` of two integers."""
    path = kernels.from_numbers._cache._path(key_of(kernels.from_numbers, int64, int64))
    path.parent.mkdir(mode=0o700, parents=True)
    return path.with_suffix(".lock")


def test_who_waits_loads_what_another_has_compiled(
    project: Project, kernels: Any, lock: Path
) -> None:
    project.run(NUMBERS)
    (entry,) = project.entries()
    content = entry.read_bytes()
    entry.unlink()
    held = threading.Event()

    def compile_elsewhere() -> None:
        with locked(lock):
            held.set()
            time.sleep(0.5)
            entry.write_bytes(content)

    thread = threading.Thread(target=compile_elsewhere)
    thread.start()
    assert held.wait(60)
    assert kernels.from_numbers(5, 4) == 23
    thread.join()
    assert sum(kernels.from_numbers.stats.cache_hits.values()) == 1
    assert project.entries() == [entry]


def test_nobody_waits_for_ever(
    project: Project, kernels: Any, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is stopped while it compiles, and so holds the lock."""
    monkeypatch.setattr(cache_file, "PATIENCE", 0.2)
    with locked(lock):
        assert kernels.from_numbers(5, 4) == 23
    assert len(project.entries()) == 1


def test_a_kernel_that_is_there_is_loaded_without_a_lock(
    project: Project, kernels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.run(NUMBERS)
    monkeypatch.setattr(cache_file, "locked", lambda *_, **__: pytest.fail("locked"))
    assert kernels.from_numbers(5, 4) == 23
    assert sum(kernels.from_numbers.stats.cache_hits.values()) == 1


def test_failed_compiling_gives_the_lock_back(project: Project, kernels: Any) -> None:
    with pytest.raises(TypingError):
        kernels.from_kernel("text")
    assert project.entries() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_process_s_lock_is_no_hindrance(project: Project, lock: Path) -> None:
    """What it leaves is a file that nobody holds, and that the next one takes with it."""
    lock.touch()
    assert project.run(NUMBERS) == [23.0, "miss"]
    assert not lock.exists()
