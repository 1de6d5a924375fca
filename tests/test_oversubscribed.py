"""More threads than cores: the same bits, and an end."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import pytest
from oversubscribed import KINDS

PROGRAM = Path(__file__).with_name("oversubscribed.py")
COUNTS = ("1", "2", "3", "4", "8", "16")
SECONDS = 120  # ten times what a run takes beside other programs, with compiling


@functools.cache
def digests(kind: str) -> list[str]:
    """What each number of threads leads to."""
    command = [sys.executable, str(PROGRAM), kind, *COUNTS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("kind", KINDS)
def test_more_threads_than_cores_compute_the_same_bits_and_end(kind: str) -> None:
    found = digests(kind)
    assert len(found) == len(COUNTS)
    assert len(set(found)) == 1


def test_rows_of_either_kind_whose_zeros_are_skipped_are_the_same() -> None:
    assert digests("zero-skipping") == digests("sparse")
