"""What the command line's tests share: tiny data, a runner, and what an error must look like."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from typer.testing import CliRunner, Result

from fastmlp import MLP
from fastmlp.cli import app

ALWAYS = ["history.csv", "model.safetensors", "split.json"]
# By a run that is ended early, between two epochs.
SAVED = sorted([*ALWAYS, "checkpoint.safetensors", "unfinished.json"])
# By a finished run, without and with the pictures of images.
FLAT_FILES = sorted([*ALWAYS, "learning_curves.png", "report.html", "run.json"])
FILES = sorted([*FLAT_FILES, "mistakes.png", "sample.png"])
SIDE = 4
N_FEATURES = SIDE * SIDE


def run(*args: object) -> Result:
    """Run ``fastmlp args...`` in this process."""
    return CliRunner().invoke(app, [str(arg) for arg in args], catch_exceptions=False)


def succeed(*args: object) -> Result:
    """Run what must end in exit status 0."""
    result = run(*args)
    assert result.exit_code == 0, result.output
    return result


def start(*args: object, env: dict[str, str] | None = None, **options: Any) -> Any:
    """Start ``fastmlp args...`` as a program of its own; its output is bytes."""
    command = [sys.executable, "-m", "fastmlp", *map(str, args)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(command, env=os.environ | (env or {}), **streams)


def one_line_error(*args: object) -> str:
    """Run what must end in exit status 2 and one line on stderr; return that line."""
    result = run(*args)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: "), result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr.rstrip("\n")


def easy_digits(
    n_rows: int = 60, n_classes: int = 3, n_features: int = N_FEATURES
) -> tuple[np.ndarray, np.ndarray]:
    """Noise, with bright pixels in places of each class's own: a net learns it in a few epochs."""
    random = np.random.RandomState(0)
    y = np.arange(n_rows) % n_classes
    x = random.randint(0, 80, (n_rows, n_features))
    for label in range(n_classes):
        x[y == label, label::n_classes] += 150
    return x, y


def write_csv(path: Path, x: np.ndarray, y: np.ndarray | None = None) -> Path:
    """Write Kaggle's layout, with a label column if there are labels."""
    columns = [f"pixel{i}" for i in range(x.shape[1])]
    table = x
    if y is not None:
        columns, table = ["label", *columns], np.column_stack([y, x])
    np.savetxt(path, table, "%d", ",", header=",".join(columns), comments="")
    return path


def write_idx(
    folder: Path, x: np.ndarray, y: np.ndarray | None = None, part: str = "train"
) -> Path:
    """Write MNIST's pair of files, or the images alone."""
    folder.mkdir(exist_ok=True)
    images = np.array([0x803, len(x), SIDE, SIDE], ">u4").tobytes() + x.astype(np.uint8).tobytes()
    (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
    if y is not None:
        labels = np.array([0x801, len(y)], ">u4").tobytes() + y.astype(np.uint8).tobytes()
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    return folder


def names(folder: str | Path) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def finish(process: Any) -> str:
    """Wait for a program that may not show a traceback; return its stderr."""
    stderr = process.communicate(timeout=120)[1].decode()
    for word in ("Traceback", "Exception ignored", "no table of numbers"):
        assert word not in stderr
    return stderr


def check_saved(folder: str) -> int:
    """Load the model; return the number of epochs in the history."""
    model, history = MLP.load(folder), pd.read_csv(f"{folder}/history.csv")
    assert np.any(model.b1 != 0)
    assert history.notna().all(axis=None)
    return len(history)
