"""Runs whose output is closed or full: what stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_tools import FILES, SAVED, check_saved, names, succeed

FOREVER = 100_000_000
pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX"),
    pytest.mark.usefixtures("in_tmp_path"),
]


def shell(line: str, **env: str) -> subprocess.CompletedProcess[str]:
    line = line.replace("fastmlp", f"{sys.executable} -m fastmlp", 1)
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        capture_output=True, text=True, check=False, env=os.environ | env,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done


def test_a_reader_that_goes_away_stops_and_saves_the_run(csv: Path) -> None:
    done = shell(f"fastmlp train --data {csv} --epochs {FOREVER} --out out | head -1")
    assert done.returncode == 141
    assert done.stdout.startswith(f"{csv}: 60 rows of 16 pixels")
    assert done.stdout.count("\n") == 1
    assert names("out") == SAVED
    epochs = check_saved("out")
    assert f"Stopped after {epochs} whole epoch" in done.stderr
    assert "; saved as it is: out/" in done.stderr
    assert "Error" not in done.stderr


def test_a_reader_that_was_never_there_gets_one_epoch_saved(csv: Path) -> None:
    done = shell(f"fastmlp train --data {csv} --epochs {FOREVER} --out out | true")
    assert done.returncode == 141
    assert check_saved("out") >= 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_behind_stdout_stops_and_saves_the_run(csv: Path) -> None:
    done = shell(f"fastmlp train --data {csv} --epochs {FOREVER} --out out > /dev/full")
    assert done.returncode == 1
    assert check_saved("out") == 1
    stopped, how, reason = done.stderr.splitlines()[-3:]
    assert how == "To go on: fastmlp train --resume out"
    assert stopped == "Stopped after 1 whole epoch; saved as it is: out/model.safetensors"
    assert reason.startswith("Error: can't write to standard output: No space left on device; ")
    assert shell("fastmlp --version > /dev/full").returncode == 1
    assert shell("fastmlp train --help | true").returncode in (0, 141)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("ends", ["2> /dev/full", "2>&-", ">&-", ">&- 2>&-"])
def test_a_missing_stream_or_a_full_stderr_costs_nothing(csv: Path, ends: str) -> None:
    assert shell(f"fastmlp train --data {csv} --epochs 2 --out out {ends}").returncode == 0
    assert names("out") == FILES


def test_a_reader_of_other_commands_that_goes_away(csv: Path) -> None:
    succeed("train", "--data", csv, "--epochs", 1, "--out", "out")
    for rest in ("evaluate out", "predict out", "predict out -o /dev/stdout"):
        done = shell(f"fastmlp {rest} --data {csv} | true")
        assert done.returncode in (0, 141)
        assert "Error" not in done.stderr
