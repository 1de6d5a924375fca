"""Runs that are interrupted, for the tests of `fastmlp train --resume`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cli_tools import FILES, SAVED, easy_digits, names, run, write_csv

from fastmlp.cli.pixel_run import PixelRun

OVERFITTING = ("--epochs", 60, "--lr", 0.3, "--batch-size", 4)


def overfitted(folder: Path) -> Path:
    """Data of which a quarter can only be learnt by heart, so that the loss soon rises again."""
    x, y = easy_digits()
    y[::4] = (y[::4] + 1) % 3
    return write_csv(folder / "train.csv", x, y)


def at_epochs(monkeypatch: pytest.MonkeyPatch, act: Callable[[int], object]) -> None:
    """Have something done when an epoch ends, before the command line hears of it."""
    end_epoch = PixelRun.__call__

    def act_first(self: PixelRun, epoch: int, logs: Mapping[str, float]) -> object:
        act(epoch)
        return end_epoch(self, epoch, logs)

    monkeypatch.setattr(PixelRun, "__call__", act_first)


def interrupt(epoch: int) -> Callable[[int], object]:
    """Send a signal in an epoch, after which the run stops."""
    return lambda now: os.kill(os.getpid(), signal.SIGTERM) if now == epoch else None


def interrupted(monkeypatch: pytest.MonkeyPatch, csv: Path, *options: object) -> Any:
    """Begin a run that is interrupted after 30 of its 60 epochs."""
    with monkeypatch.context() as patch:
        at_epochs(patch, interrupt(30))
        result = run("train", "--data", csv, *OVERFITTING, "--out", "out", *options)
    assert result.exit_code == 143, result.output
    assert names("out") == SAVED
    return result


def check_same(out: str, whole: str) -> None:
    """Check that two runs have the same model and history, but for the time they took."""
    assert (Path(out) / "model.safetensors").read_bytes() == (
        Path(whole) / "model.safetensors"
    ).read_bytes()
    one, other = (pd.read_csv(f"{folder}/history.csv") for folder in (out, whole))
    pd.testing.assert_frame_equal(one.drop(columns="seconds"), other.drop(columns="seconds"))
    assert names(out) == names(whole) == FILES


# With a checkpoint every few milliseconds; "undrawn" ends it where pictures would be drawn.
PROGRAM = """
import os, sys
import fastmlp.checkpoints.file as file, fastmlp.cli.run_files as run
run.CHECKPOINT_SECONDS, file.SHARE = 1e-3, 1
if sys.argv[1] == "undrawn":
    sys.modules["fastmlp.cli.train"].report = lambda *args: os._exit(9)
from fastmlp.cli import app
app(sys.argv[2:])
"""


def program(*args: object, mode: str = "", **options: Any) -> Any:
    """Start ``fastmlp args...``, with a checkpoint every few milliseconds."""
    command = [sys.executable, "-c", PROGRAM, mode, *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
