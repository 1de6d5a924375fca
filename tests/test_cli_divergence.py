"""Runs whose loss diverges, or that learn nothing: what stays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cli_tools import (
    ALWAYS,
    check_saved,
    easy_digits,
    names,
    one_line_error,
    run,
    write_csv,
)

import fastmlp

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX"),
    pytest.mark.usefixtures("in_tmp_path"),
]


def diverging(after: int) -> type:
    """A network as the real one is when the loss becomes infinite in the epoch after this one."""

    class DivergedError(ValueError, FloatingPointError):
        pass

    class Network(fastmlp.MLP):
        def train(self, x: Any, y: Any, epochs: int = 0, *args: Any, **options: Any) -> Any:
            if after:
                super().train(x, y, after, *args, **options)
            raise DivergedError("learning_rate")

    return Network


def test_a_diverging_run_keeps_the_last_good_epoch(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastmlp, "MLP", diverging(3))
    line = one_line_error("train", "--data", csv, "--lr", 0.5, "--out", "out")
    assert "diverged in epoch 4: give a smaller --lr than 0.5 (saved after 3 whole epochs" in line
    assert names("out") == ALWAYS
    assert check_saved("out") == 3


def test_a_run_that_diverges_in_its_first_epoch_leaves_nothing(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastmlp, "MLP", diverging(0))
    line = one_line_error("train", "--data", csv, "--lr", 0.5, "--out", "deep/out")
    assert "diverged in epoch 1: give a smaller --lr than 0.5 (nothing is saved)" in line
    assert names(".") == ["train.csv"]


def test_a_diverging_run_is_noticed(csv: Path) -> None:
    line = one_line_error("train", "--data", csv, "--lr", 1e30, "--l2", 0, "--out", "out")
    assert "smaller --lr than 1e+30" in line


def test_a_run_that_is_no_better_than_a_guess_says_so(tmp_path: Path) -> None:
    x, y = easy_digits()
    y[y == 2] = 1  # the larger one of two classes
    csv = write_csv(tmp_path / "two.csv", x, y)
    result = run("train", "--data", csv, "--epochs", 9, "--lr", 0.1, "--l2", 9.9, "--out", "bad")
    share = pd.read_csv("bad/history.csv")["val_accuracy"].iloc[-1]
    assert f"no better than guessing the largest class, 1, for every row ({100 * share:.2f} %" in (
        result.stdout
    )
    result = run("train", "--data", csv, "--epochs", 200, "--lr", 0.2, "--out", "good")
    assert "guessing" not in result.stdout
