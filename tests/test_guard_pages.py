"""Kernels neither read nor write beside their arrays: there are pages that nobody may touch."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from guard_pages import PLACES

SCRIPT = str(Path(__file__).with_name("guard_pages.py"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no mprotect")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=900)


@pytest.mark.parametrize("place", PLACES)
def test_nothing_beside_an_array_is_read_or_written(place: str) -> None:
    done = run(place)
    assert done.returncode == 0, f"{done.stdout[-500:]} {done.stderr[-3000:]}"


@pytest.mark.parametrize("place", PLACES)
def test_a_guard_ends_a_process_that_reads_it(place: str) -> None:
    assert run(place, "0").stdout.strip() == ("0" if place == "before" else "4")
    assert run(place, "1").returncode in (-signal.SIGSEGV, -signal.SIGBUS)
