"""`fastmlp train --resume`: the model of a run that was left alone, whatever ended it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cli_tools import FILES, SAVED, names, one_line_error, run, start, succeed
from resume_tools import (
    OVERFITTING,
    at_epochs,
    check_same,
    interrupt,
    interrupted,
    overfitted,
    program,
)

from fastmlp.cli import run_files
from fastmlp.cli.run_files import CHECKPOINT
from fastmlp.training.callbacks import PAUSE, Callbacks

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="signals of POSIX"),
    pytest.mark.usefixtures("in_tmp_path"),
]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return overfitted(tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--patience", 12),  # the best epoch comes before the interruption, the end after it
        ("--keep", "best"),
        ("--optimizer", "adam", "--lr", 0.01, "--dropout", 0.2, "--threads", 1),
    ],
    ids=["plain", "patience", "keep", "adam"],
)
def test_an_interrupted_run_goes_on_to_the_same_bits(
    csv: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[Any, ...]
) -> None:
    whole = succeed("train", "--data", csv, *OVERFITTING, "--out", "whole", *options)
    result = interrupted(monkeypatch, csv, *options)
    assert "Terminated after 30 whole epochs" in result.stderr
    assert result.stderr.endswith("To go on: fastmlp train --resume out\n")
    result = succeed("train", "--resume", "out")
    check_same("out", "whole")
    assert result.stdout.count("Epoch 31/60") == 1
    assert "Epoch 30/60" not in result.stdout
    assert ("Stopped: " in result.stdout) == ("Stopped: " in whole.stdout)
    assert result.stderr == ""


def test_a_run_can_be_interrupted_again(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    succeed("train", "--data", csv, *OVERFITTING, "--out", "whole")
    interrupted(monkeypatch, csv)
    with monkeypatch.context() as patch:
        at_epochs(patch, interrupt(45))
        assert run("train", "--resume", "out").exit_code == 143
    assert names("out") == SAVED
    assert len(pd.read_csv("out/history.csv")) == 45
    succeed("train", "--resume", "out")
    check_same("out", "whole")


def test_an_end_beside_a_signal_is_an_end(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = (*OVERFITTING, "--patience", 12)
    succeed("train", "--data", csv, *options, "--out", "whole")
    last = len(pd.read_csv("whole/history.csv"))
    with monkeypatch.context() as patch:
        at_epochs(patch, interrupt(last))
        run("train", "--data", csv, *options, "--out", "out")
    assert names("out") == SAVED
    succeed("train", "--resume", "out")
    check_same("out", "whole")


def test_the_patience_of_these_tests_is_one_across_the_interruption(csv: Path) -> None:
    whole = succeed("train", "--data", csv, *OVERFITTING, "--out", "whole", "--patience", 12)
    history = pd.read_csv("whole/history.csv", index_col="epoch")
    best = int(history["val_loss"].idxmin())
    assert best < 30 < best + 12 == len(history)
    assert f"Model       of epoch {best}" in whole.stdout


def test_threads_and_the_place_of_the_data_may_be_others(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed("train", "--data", csv, *OVERFITTING, "--out", "whole")
    interrupted(monkeypatch, csv, "--threads", 2)
    csv.rename("moved.csv")
    assert f"{csv} does not exist" in one_line_error("train", "--resume", "out")
    assert names("out") == SAVED
    succeed("train", "--resume", "out", "--data", "moved.csv", "--threads", 1)
    check_same("out", "whole")


def test_a_run_is_found_from_another_folder(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    succeed("train", "--data", csv, *OVERFITTING, "--out", "whole")
    interrupted(monkeypatch, Path(csv.name))
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    succeed("train", "--resume", "../out")
    monkeypatch.chdir("..")
    check_same("out", "whole")


def test_a_run_that_was_killed_in_its_first_minute_begins_anew_with_a_word(csv: Path) -> None:
    succeed("train", "--data", csv, *OVERFITTING, "--out", "whole")
    process = start("train", "--data", csv, *OVERFITTING, "--epochs", 10**8, "--out", "out")
    assert b" rows of 16 pixels" in process.stdout.readline()
    assert process.stdout.readline().startswith(b"Epoch")
    process.kill()
    process.communicate()
    assert "unfinished.json" in names("out")
    assert CHECKPOINT not in names("out")
    asked = json.loads(Path("out/unfinished.json").read_text())
    asked["options"]["epochs"] = 60
    Path("out/unfinished.json").write_text(json.dumps(asked))
    result = succeed("train", "--resume", "out")
    assert "Warning: there is no checkpoint out/checkpoint.safetensors" in result.stderr
    assert "begins anew" in result.stderr
    check_same("out", "whole")


def test_a_checkpoint_is_there_after_a_while_and_goes_at_the_end(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    at_epochs(monkeypatch, lambda epoch: found.append(CHECKPOINT in names("out")))
    assert run_files.CHECKPOINT_SECONDS == 60.0
    succeed("train", "--data", csv, *OVERFITTING, "--out", "out")
    assert found == [False] * 60
    found.clear()
    monkeypatch.setattr(run_files, "CHECKPOINT_SECONDS", 1e-9)
    succeed("train", "--data", csv, *OVERFITTING, "--out", "out", "--overwrite")
    assert found[-1]
    assert names("out") == FILES


def test_a_trained_network_whose_pictures_failed_is_not_trained_again(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    succeed("train", "--data", csv, *OVERFITTING, "--patience", 12, "--out", "whole")
    monkeypatch.setattr("fastmlp.pictures.learning_curves", fail)
    one_line_error("train", "--data", csv, *OVERFITTING, "--patience", 12, "--out", "out")
    assert names("out") == SAVED
    monkeypatch.undo()
    monkeypatch.chdir(csv.parent)
    result = succeed("train", "--resume", "out")
    assert "Epoch" not in result.stdout.split("\n\n")[0]
    check_same("out", "whole")


def test_a_checkpoint_that_cannot_be_written_costs_a_word(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is removed and comes back, without the checkpoint's hidden files."""

    def act(epoch: int) -> None:
        if epoch == 20:
            Path("out").rename("away")
        if epoch == 40:
            Path("away").rename("out")

    monkeypatch.setattr(run_files, "CHECKPOINT_SECONDS", 1e-9)
    monkeypatch.setattr("fastmlp.checkpoints.file.SHARE", 0)
    at_epochs(monkeypatch, act)
    result = succeed("train", "--data", csv, *OVERFITTING, "--out", "out")
    assert result.stderr.count("Warning: the training goes on, but not its checkpoint") == 1
    assert result.stderr.count("\n") == 1
    monkeypatch.undo()
    monkeypatch.chdir(csv.parent)
    succeed("train", "--data", csv, *OVERFITTING, "--out", "whole")
    check_same("out", "whole")


def test_standard_input_is_read_again(csv: Path) -> None:
    succeed("train", "--data", csv, *OVERFITTING, "--out", "whole")
    first = ("train", "--data", "-", *OVERFITTING, "--out", "out")
    for arguments, mode, status in ((first, "undrawn", 9), (("train", "--resume", "out"), "", 0)):
        with csv.open() as stdin:
            process = program(*arguments, mode=mode, stdin=stdin)
            process.communicate(timeout=120)
        assert process.returncode == status
    check_same("out", "whole")


@pytest.mark.parametrize("returned", [(True, PAUSE), (PAUSE, True), (PAUSE, None), (None, True)])
def test_a_callback_s_end_counts_more_than_a_pause(returned: tuple[object, object]) -> None:
    callbacks = Callbacks([lambda *_, stop=stop: stop for stop in returned])
    assert callbacks.end_epoch(1, {})
    assert callbacks.has_paused == (True not in returned)
