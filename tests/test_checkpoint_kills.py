"""Trainings that are killed at random moments go on to the same bits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("kill_checkpoints.py")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


def killed(n_kills, folder, *names, seed=0, timeout=3600):
    command = [sys.executable, str(SCRIPT), str(n_kills), str(seed), str(folder), *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found
    assert all(case["wrong"] == 0 and case["kills"] >= n_kills for case in found), found
    return found


def test_some_kills_in_one_case(tmp_path):
    killed(4, tmp_path, "classifier adam dropout early stopping", timeout=300)


@pytest.mark.long
def test_two_hundred_kills_in_all_cases(tmp_path):
    found = killed(4, tmp_path, timeout=4 * 3600)
    assert sum(case["kills"] for case in found) >= 200
    assert sum(case["within"] for case in found) >= 50
