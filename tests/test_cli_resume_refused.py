"""What `fastmlp train --resume` does not go on with, and what it says instead."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_tools import (
    ALWAYS,
    FILES,
    SAVED,
    easy_digits,
    names,
    one_line_error,
    start,
    succeed,
    write_csv,
)
from resume_tools import OVERFITTING, at_epochs, interrupted, overfitted

from fastmlp.cli import run_files
from fastmlp.cli.run_files import CHECKPOINT

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="signals of POSIX"),
    pytest.mark.usefixtures("in_tmp_path"),
]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return overfitted(tmp_path)


def test_data_that_changed_are_refused_by_name(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(monkeypatch, csv)
    x, y = easy_digits()
    for changed in ((x + 1, y), (x, y[::-1]), (x[:-1], y[:-1])):
        write_csv(csv, *changed)
        line = one_line_error("train", "--resume", "out")
        assert f"{csv} is not what the run was begun with" in line
        assert names("out") == SAVED


def test_a_finished_run_says_so(csv: Path) -> None:
    succeed("train", "--data", csv, "--epochs", 2, "--out", "out")
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    (Path("out") / CHECKPOINT).write_text("of a process that was killed at its very end")
    csv.unlink()
    result = succeed("train", "--resume", "out")
    assert result.stdout == "The run in out has finished: there is nothing left to do.\n"
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before
    assert succeed("train", "--resume", "out", "--quiet").stdout == ""


def test_what_is_no_interrupted_run_is_named(csv: Path) -> None:
    Path("empty").mkdir()
    for folder in ("missing", "empty", "train.csv"):
        line = one_line_error("train", "--resume", folder)
        assert f"{folder} holds no run that was interrupted" in line
    assert names(".") == ["empty", "train.csv"]


@pytest.mark.parametrize(
    ("option", "value"), [("--epochs", 3), ("--out", "other"), ("--overwrite", None), ("--lr", 1)]
)
def test_settings_are_those_of_the_run(option: str, value: object) -> None:
    options = [option] if value is None else [option, value]
    line = one_line_error("train", "--resume", "out", *options)
    assert f"--resume takes data and settings from the run: leave {option} out" in line


@pytest.mark.parametrize(
    "change",
    [
        lambda asked: asked["options"].update(epochs=0),
        lambda asked: asked["options"].update(epochs="many"),
        lambda asked: asked["options"].update(unknown=1),
        lambda asked: asked["options"].update(help=1),
        lambda asked: asked["options"].update(resume="out"),
        lambda asked: asked["options"].update(data=["a"]),
        lambda asked: asked.update(options=[]),
        lambda asked: asked.update(rows=1),
        lambda asked: asked.pop("rows"),
        lambda asked: asked.update(more="x" * 100_000),
    ],
)
def test_a_damaged_request_is_named(csv: Path, change: Callable[[Any], object]) -> None:
    succeed("train", "--data", csv, "--epochs", 1, "--out", "out")
    file = Path("out/unfinished.json")
    Path("out/run.json").rename(file)
    asked = json.loads(file.read_text())
    change(asked)
    file.write_text(json.dumps(asked))
    assert f"{file} is damaged" in one_line_error("train", "--resume", "out")
    file.write_text("{")
    assert f"{file} is damaged" in one_line_error("train", "--resume", "out")


def test_a_damaged_checkpoint_is_named(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(monkeypatch, csv)
    file = Path("out") / CHECKPOINT
    file.write_bytes(file.read_bytes()[:-10])
    assert f"{file} is cut short" in one_line_error("train", "--resume", "out")


def test_settings_that_were_changed_by_hand_are_refused(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(monkeypatch, csv)
    asked = json.loads(Path("out/unfinished.json").read_text())
    asked["options"]["batch_size"] = 5
    Path("out/unfinished.json").write_text(json.dumps(asked))
    line = one_line_error("train", "--resume", "out")
    assert "batch_size was 4, and is 5" in line
    assert line.endswith("or --overwrite to begin anew")


def test_a_checkpoint_that_is_a_link_is_not_followed(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(monkeypatch, csv)
    target = (Path("out") / CHECKPOINT).rename("precious")
    before = target.read_bytes()
    (Path("out") / CHECKPOINT).symlink_to(target.absolute())
    assert "checkpoint.safetensors is a link" in one_line_error("train", "--resume", "out")
    assert target.read_bytes() == before


def test_a_run_with_a_checkpoint_is_not_begun_anew_unasked(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(monkeypatch, csv)
    for name in ALWAYS:
        (Path("out") / name).unlink()
    line = one_line_error("train", "--data", csv, "--out", "out")
    assert "out holds a run already (checkpoint.safetensors)" in line
    assert "--resume out" in line
    succeed("train", "--data", csv, "--epochs", 1, "--out", "out", "--overwrite")
    assert names("out") == FILES


def test_a_run_that_is_under_way_is_told(csv: Path) -> None:
    process = start("train", "--data", csv, "--epochs", 10**8, "--out", "out")
    try:
        assert b" rows of 16 pixels" in process.stdout.readline()
        assert process.stdout.readline().startswith(b"Epoch")
        assert "another run is writing to out" in one_line_error("train", "--resume", "out")
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_a_run_that_diverged_is_nothing_to_go_on_with(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(epoch: int) -> None:
        if epoch == 20:
            raise FloatingPointError

    monkeypatch.setattr(run_files, "CHECKPOINT_SECONDS", 1e-9)
    at_epochs(monkeypatch, diverge)
    one_line_error("train", "--data", csv, *OVERFITTING, "--out", "out")
    assert names("out") == ALWAYS
    assert "no run that was interrupted" in one_line_error("train", "--resume", "out")
