"""Which epoch `fastmlp train` keeps, however it ends; and that no run is lost after that."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cli_tools import (
    ALWAYS,
    FILES,
    SAVED,
    easy_digits,
    names,
    one_line_error,
    run,
    succeed,
    write_csv,
)

import fastmlp
from fastmlp import MLP, pictures
from fastmlp.cli import pixel_report, run_files

pytestmark = pytest.mark.usefixtures("in_tmp_path")
OVERFITTING = ("--epochs", 60, "--lr", 0.3, "--batch-size", 4)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """Data of which a quarter can only be learnt by heart, so that the loss soon rises again."""
    x, y = easy_digits()
    y[::4] = (y[::4] + 1) % 3
    return write_csv(tmp_path / "train.csv", x, y)


def trained(csv: Path, out: str, *options: object, status: int = 0) -> Any:
    result = run("train", "--data", csv, *OVERFITTING, "--out", out, *options)
    assert result.exit_code == status, result.output
    return result


def history(out: str) -> pd.DataFrame:
    return pd.read_csv(f"{out}/history.csv", index_col="epoch")


def check_kept(csv: Path, out: str, epoch: int) -> None:
    """Check that the model is that of a run of so many epochs, and so are evaluate's figures."""
    trained(csv, "whole", "--epochs", epoch, "--overwrite")
    for layer in ("w1", "b1", "w2", "b2"):
        kept, whole = (getattr(MLP.load(folder), layer) for folder in (out, "whole"))
        np.testing.assert_array_equal(kept, whole)
    (figure,) = re.findall(
        r"Accuracy: (.*) % on the validation", run("evaluate", out, "--data", csv).stdout
    )
    assert figure == f"{100 * history(out)['val_accuracy'][epoch]:.2f}"


def best_epoch(out: str) -> int:
    return int(history(out)["val_loss"].idxmin())


def test_patience_keeps_the_best_epoch(csv: Path) -> None:
    result = trained(csv, "out", "--patience", 3)
    best, n_epochs = best_epoch("out"), len(history("out"))
    assert n_epochs == best + 3 < 60
    check_kept(csv, "out", best)
    figures = history("out").loc[best]
    shown = " ".join(result.stdout.split())
    assert f"Model of epoch {best}, whose validation loss is the lowest" in shown
    assert f"{figures['mean_loss']:.4f} in that epoch, {figures['val_loss']:.4f} in" in shown
    assert f"Validation {100 * figures['val_accuracy']:.2f} % right" in shown
    n_wrong = round(12 * (1 - figures["val_accuracy"]))
    assert f"right, {n_wrong} misclassified" in shown


def test_the_pictures_are_those_of_the_best_epoch(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    gallery = pictures.misclassified_gallery
    monkeypatch.setattr(
        pictures, "misclassified_gallery", lambda *args: drawn.append(args) or gallery(*args)
    )
    trained(csv, "out", "--patience", 3)
    ((x, _, probabilities, _),) = drawn
    np.testing.assert_array_equal(probabilities, MLP.load("out").predict_proba(x))


@pytest.mark.parametrize(
    ("options", "is_best"),
    [
        (["--patience", 3, "--keep", "last"], False),
        (["--keep", "best"], True),
        (["--keep", "last"], False),
        ([], False),
    ],
)
def test_which_epoch_is_kept_can_be_chosen(csv: Path, options: list[Any], is_best: bool) -> None:
    result = trained(csv, "out", *options)
    last = len(history("out"))
    assert best_epoch("out") < last
    check_kept(csv, "out", best_epoch("out") if is_best else last)
    shown = " ".join(result.stdout.split())  # however wide the terminal is
    assert ("whose validation loss is the lowest" in shown) == is_best


def test_a_best_epoch_that_is_the_last_needs_no_word(csv: Path) -> None:
    result = trained(csv, "out", "--epochs", 1, "--keep", "best")
    assert "in the last epoch" in result.stdout
    assert "whose validation loss" not in result.stdout


def test_what_is_to_be_kept_is_one_of_two(csv: Path) -> None:
    assert "--keep" in one_line_error("train", "--data", csv, "--keep", "first")


def ending(how: str, after: int) -> type:
    """A network whose training is ended after an epoch."""

    class Network(MLP):
        def train(self, *args: Any, callbacks: Any, **options: Any) -> Any:
            def end(epoch: int, _: Mapping[str, float]) -> None:
                if epoch == after:
                    if how == "diverged":
                        raise FloatingPointError
                    for _ in range(2 if how == "signals" else 1):
                        os.kill(os.getpid(), signal.SIGTERM)

            return super().train(*args, callbacks=[*callbacks, end], **options)

    return Network


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("how", "status"), [("signal", 143), ("signals", 143), ("diverged", 2)])
@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_best_epoch_so_far_is_kept_however_the_training_ends(
    csv: Path, monkeypatch: pytest.MonkeyPatch, how: str, status: int, keep: str
) -> None:
    monkeypatch.setattr(fastmlp, "MLP", ending(how, 40))
    result = trained(csv, "out", "--keep", keep, status=status)
    monkeypatch.undo()
    monkeypatch.chdir(csv.parent)
    # A second signal ends the run within an epoch, sooner than it is kept in a checkpoint.
    left = {"signal": SAVED, "signals": sorted([*ALWAYS, "unfinished.json"]), "diverged": ALWAYS}
    assert names("out") == left[how]
    best, done = best_epoch("out"), len(history("out"))
    assert best < 40 <= done <= 41  # a signal takes effect at the end of the next epoch
    check_kept(csv, "out", best if keep == "best" else done)
    state = f"saved as it was after epoch {best}, the best one: out/" if keep == "best" else (
        "saved as it is: out/"
    )  # fmt: skip
    assert f"after {done} whole epochs; {state}" in result.stderr


# -- what fails after the training -----------------------------------------------------------------
def disk_full() -> OSError:
    return OSError(28, "No space left on device")


@pytest.mark.parametrize("picture", ["learning_curves", "labelled_sample", "misclassified_gallery"])
def test_a_picture_that_fails_leaves_the_model_and_the_summary(
    csv: Path, monkeypatch: pytest.MonkeyPatch, picture: str
) -> None:
    def fail(*_: object) -> None:
        raise disk_full()

    monkeypatch.setattr(pictures, picture, fail)
    result = trained(csv, "out", "--epochs", 2, status=2)
    assert result.stderr.startswith("Error: [Errno 28] No space left on device")
    assert result.stderr.endswith(f"(the model is saved: {Path('out/model.safetensors')})\n")
    assert result.stderr.count("\n") == 1
    assert "misclassified" in result.stdout
    assert set(SAVED) <= set(names("out"))
    assert MLP.load("out").n_classes == 3


def test_a_defect_after_the_training_says_where_the_model_is(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(pictures, "learning_curves", fail)
    with pytest.raises(RuntimeError) as caught:
        trained(csv, "out", "--epochs", 2)
    assert caught.value.__notes__ == [f"the model is saved: {Path('out/model.safetensors')}"]
    assert MLP.load("out").n_classes == 3


@pytest.mark.parametrize("part", ["the model", "its split", "its history"])
def test_a_run_that_cannot_be_saved_is_saved_elsewhere(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    owner, name = {"the model": (MLP, "save"), "its split": (pixel_report.Split, "write"),
                   "its history": (pixel_report, "write_history")}[part]  # fmt: skip
    write = getattr(owner, name)

    def fail_here(*args: Any) -> None:
        is_rehearsal = isinstance(args[0], MLP) and not args[0].history_.loss
        if not is_rehearsal and any(
            Path(arg).parts[0] == "out" for arg in args if isinstance(arg, str | Path)
        ):
            raise disk_full()
        write(*args)

    monkeypatch.setattr(owner, name, fail_here)
    result = trained(csv, "out", "--epochs", 2, status=2)
    (elsewhere,) = (tmp_path / "temporary").iterdir()
    assert result.stderr == (
        f"Error: [Errno 28] No space left on device (the run is saved in {elsewhere} instead)\n"
    )
    assert names(elsewhere) == ALWAYS
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    trained(csv, "whole", "--epochs", 2)
    np.testing.assert_array_equal(MLP.load(elsewhere).w1, MLP.load("whole").w1)
    assert "on the validation rows" in run("evaluate", elsewhere, "--data", csv).stdout


def test_a_run_that_can_be_saved_nowhere_says_why(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(network: MLP, path: object) -> None:
        if network.history_.loss:
            raise disk_full()

    monkeypatch.setattr(MLP, "save", fail)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("HOME", str(tmp_path / "temporary"))
    monkeypatch.setattr(run_files, "MEMORY", str(tmp_path / "temporary"))
    assert trained(csv, "out", "--epochs", 2, status=2).stderr == (
        f"Error: {disk_full()} (to go on: fastmlp train --resume out)\n"
    )
    assert names("temporary") == []
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    succeed("train", "--resume", "out")
    assert names("out") == FILES


def test_a_model_that_cannot_be_written_is_noticed_before_the_training(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no version")

    monkeypatch.setattr("fastmlp.network.files.write_model", fail)
    monkeypatch.setattr(MLP, "train", lambda *args, **options: pytest.fail("trained"))
    assert one_line_error("train", "--data", csv) == "Error: no version"
    assert names(".") == ["train.csv"]
