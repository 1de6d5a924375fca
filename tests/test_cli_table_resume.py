"""The folder of a run on a table: replaced as one, and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from cli_table_tools import customers, write
from cli_tools import names, one_line_error, succeed

pytest.importorskip("sklearn", "1.9")

pytestmark = pytest.mark.usefixtures("in_tmp_path")
SAVED = ["history.csv", "model.safetensors", "out_of_fold.csv", "table.json"]
FILES = sorted(
    [
        *SAVED,
        "importances.png",
        "learning_curves.png",
        "report.html",
        "run.json",
        "truth_and_prediction.png",
    ]
)
TABLE = customers()[["months", "charge", "contract", "spend"]]
# The process ends when an act begins.
PROGRAM = """
import os, sys
from fastmlp.cli import app, table_run
setattr(table_run, sys.argv[1], lambda *args: os._exit(9))
app(sys.argv[2:])
"""


def killed(at: str, *arguments: object) -> None:
    command = [sys.executable, "-c", PROGRAM, at, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr


def begun(at: str) -> tuple[str, ...]:
    data = write(Path("table.csv"), TABLE)
    arguments = ("train", "--data", data, "--label", "spend", "--seed", 1)
    killed(at, *arguments, "--out", "out", "--overwrite")
    return tuple(map(str, arguments))


def test_a_run_that_was_killed_goes_on(csv: Path) -> None:
    succeed("train", "--data", csv, "--epochs", 1, "--out", "out")
    arguments = begun("draw")
    # Nothing of the run on pixels is left, nor is anything drawn yet.
    assert {*SAVED} < {*names("out")} <= {*SAVED, "checkpoint.safetensors", "unfinished.json"}
    asked = json.loads(Path("out/unfinished.json").read_text())["options"]
    assert asked == {
        "data": str(Path("table.csv").absolute()), "label": "spend", "seed": 1, "kind": "table",
    }  # fmt: skip
    succeed("train", "--resume", "out")
    succeed(*arguments, "--out", "whole")
    assert names("out") == names("whole") == FILES
    for name in ("model.safetensors", "out_of_fold.csv", "run.json"):
        assert (Path("out") / name).read_bytes() == (Path("whole") / name).read_bytes()


# A signal comes after so many epochs of all networks; a checkpoint is due after each.
SIGNALLED = """
import os, signal, sys
import fastmlp.checkpoints.file as file, fastmlp.cli.run_files as run
from fastmlp.cli import app
from fastmlp.tables import fits
run.CHECKPOINT_SECONDS, file.SHARE = 1e-9, 0
left, end_epoch = [int(sys.argv[2])], fits._Turn.__call__
def count(self, *args):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
    return end_epoch(self, *args)
fits._Turn.__call__ = count
app(sys.argv[3:])
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("word", ["SIGKILL", "SIGTERM"])
def test_networks_that_were_interrupted_go_on_to_the_same_bits(word: str) -> None:
    number = getattr(signal, word)
    data = write(Path("table.csv"), TABLE)
    arguments = ("train", "--data", data, "--label", "spend", "--seed", 1)
    succeed(*arguments, "--out", "whole")
    n_epochs = len(pd.read_csv("whole/history.csv"))
    first: tuple[object, ...] = (*arguments, "--out", "out")
    for after, command in ((n_epochs // 3, first), (n_epochs // 3, ("train", "--resume", "out"))):
        done = subprocess.run(
            [sys.executable, "-c", SIGNALLED, word, str(after), *map(str, command)],
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == (-number if word == "SIGKILL" else 128 + number), done.stderr
        left = [name for name in names("out") if not name.startswith(".")]
        assert left == ["checkpoint.safetensors", "unfinished.json"]
        if word == "SIGTERM":
            assert done.stderr == "Terminated. To go on: fastmlp train --resume out\n"
    last = subprocess.run(
        [sys.executable, "-c", SIGNALLED, word, str(n_epochs), "train", "--resume", "out"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert last.returncode == 0  # as fewer epochs were left
    assert names("out") == FILES
    for name in ("model.safetensors", "out_of_fold.csv"):
        assert (Path("out") / name).read_bytes() == (Path("whole") / name).read_bytes()


@pytest.mark.parametrize("column", ["contract", "spend"])
def test_a_table_that_changed_is_refused_by_name(column: str) -> None:
    begun("_save")
    changed = TABLE.copy()
    changed.loc[3, column] = changed.loc[4, column]
    assert not changed.equals(TABLE)
    write(Path("table.csv"), changed)
    line = one_line_error("train", "--resume", "out")
    assert "table.csv is not what the run was begun with" in line
    write(Path("table.csv"), TABLE.rename(columns={"months": "weeks"}))
    assert "is not what the run was begun with" in one_line_error("train", "--resume", "out")
