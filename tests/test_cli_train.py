"""`fastmlp train`: what it prints, the files it leaves, and the tutorial's script loss for loss."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cli_tools import (
    FILES,
    FLAT_FILES,
    N_FEATURES,
    easy_digits,
    names,
    one_line_error,
    run,
    succeed,
    write_csv,
    write_idx,
)
from rich.console import Console

import fastmlp
import fastmlp.data
from fastmlp import reference
from fastmlp.cli.progress import TrainingProgress

pytestmark = pytest.mark.usefixtures("in_tmp_path")


def test_a_run_leaves_a_model_a_history_and_three_pictures(csv: Path) -> None:
    result = succeed("train", "--data", csv, "--epochs", 30, "--batch-size", 4, "--hidden", 8,
                     "--lr", 0.2, "--threads", 1)  # fmt: skip
    assert names("fastmlp-run") == FILES
    for picture in Path("fastmlp-run").glob("*.png"):
        assert picture.read_bytes().startswith(b"\x89PNG")
    model = fastmlp.MLP.load("fastmlp-run")
    assert model.layer_sizes == (N_FEATURES, 8, 3)
    assert model.input_scale == 255
    assert model.dtype == np.float32
    assert model.learning_rate == 0.2
    history = pd.read_csv("fastmlp-run/history.csv")
    assert list(history.columns) == [
        "epoch",
        "loss",
        "mean_loss",
        "val_loss",
        "val_accuracy",
        "seconds",
    ]
    assert list(history["epoch"]) == list(range(1, 31))
    x, y = easy_digits()
    assert model.score(x.astype(np.uint8), y) > 0.9
    last = f"{100 * history['val_accuracy'].iloc[-1]:.2f} %"
    for text in (last, "48 rows to train on, 12 for validation", "16-8-3, float32", *FILES):
        assert text in result.stdout


def test_hidden_layers_are_as_many_as_given(csv: Path) -> None:
    succeed("train", "--data", csv, "--epochs", 1, "--hidden", "8, 6")
    assert fastmlp.MLP.load("fastmlp-run").layer_sizes == (N_FEATURES, 8, 6, 3)


def test_the_parts_of_the_network_are_those_asked_for(csv: Path) -> None:
    result = succeed("train", "--data", csv, "--epochs", 2, "--hidden", "8,6",
                     "--optimizer", "adamw", "--activation", "tanh, gelu",
                     "--dropout", 0.25)  # fmt: skip
    model = fastmlp.MLP.load("fastmlp-run")
    assert (model.activation, model.optimizer, model.dropout) == (("tanh", "gelu"), "adamw", 0.25)
    shown = " ".join(result.stdout.split())
    assert "16-8-6-3, activation tanh, gelu, optimizer adamw, dropout 0.25, float32" in shown


@pytest.mark.parametrize(
    ("optimizer", "lr", "rate"),
    [("sgd", [], 0.01), ("nesterov", [], 0.01), ("adam", [], 0.001), ("adamw", [], 0.001),
     ("adam", ["--lr", 0.01], 0.01), ("sgd", ["--lr", 0.001], 0.001)],
)  # fmt: skip
def test_the_rate_is_the_optimizer_s_usual_one_unless_given(
    csv: Path, optimizer: str, lr: list[Any], rate: float
) -> None:
    succeed("train", "--data", csv, "--epochs", 1, "--optimizer", optimizer, *lr)
    assert fastmlp.MLP.load("fastmlp-run").learning_rate == rate


@pytest.mark.parametrize("command", ["train", "profile"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--optimizer", "adm"], "--optimizer is 'adm': give one of 'sgd', 'momentum', 'nesterov'"),
        (["--optimizer", "Adam"], "'adam', 'adamw'; did you mean 'adam'?"),
        (["--activation", "sigmoid"], "did you mean 'logistic'?"),
        (["--activation", "tan"], "--activation is 'tan': give one of 'identity', 'logistic'"),
        (["--activation", "tanh,relu"], "--activation is ('tanh', 'relu'): give one name for all"),
        (["--dropout", 1], "--dropout is 1.0: give a number from 0 on, below 1"),
    ],
)
def test_parts_that_there_are_not_are_refused_before_data_are_read(
    command: str, arguments: list[Any], message: str
) -> None:
    line = one_line_error(command, "--data", "missing.csv", *arguments)
    assert message in line
    assert names(".") == []


def test_nothing_compiles_once_the_first_epoch_is_over(csv: Path, tmp_path: Path) -> None:
    """Else its announcement would break the bar."""
    code = (
        "import fastmlp.kernels.codegen.compile_notice as announce, sys\n"
        "announce.ANNOUNCE_AFTER = 0.0\n"
        "from fastmlp.cli import app; app()\n"
    )
    arguments = ["train", "--data", csv, "--epochs", "3", "--hidden", "8", "--threads", "1"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env=os.environ | {"FASTMLP_CACHE_DIR": str(tmp_path / "cache"), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    before, _, after = done.stdout.partition("Epoch 1/3")
    assert "fastmlp: compil" in before
    assert "fastmlp: compil" not in after


def test_float64_is_the_tutorial_s_script_loss_for_loss(csv: Path) -> None:
    data = np.array(pd.read_csv(csv))
    np.random.seed(7)
    np.random.shuffle(data)
    cutoff = int(len(data) * 0.25)
    val, train = data[:cutoff], data[cutoff:]
    script = reference.MLP(N_FEATURES, 8, 3, learning_rate=0.1)
    losses = script.train(
        train[:, 1:] / 255.0, train[:, 0], epochs=5, batch_size=7, verbose=False
    ).loss
    accuracy = np.mean(script.predict(val[:, 1:] / 255.0) == val[:, 0])

    succeed("train", "--data", csv, "--dtype", "float64", "--epochs", 5, "--batch-size", 7,
            "--hidden", 8, "--lr", 0.1, "--seed", 7, "--val-fraction", 0.25)  # fmt: skip
    history = pd.read_csv("fastmlp-run/history.csv")
    np.testing.assert_allclose(history["loss"], losses, rtol=0, atol=1e-9)
    assert history["val_accuracy"].iloc[-1] == accuracy
    np.testing.assert_allclose(fastmlp.MLP.load("fastmlp-run").w1, script.w1, rtol=0, atol=1e-9)


def test_the_same_seed_gives_the_same_model_and_another_one_another(csv: Path) -> None:
    for out, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert (
            run("train", "--data", csv, "--epochs", 2, "--seed", seed, "--out", out).exit_code == 0
        )
    a, b, c = (fastmlp.MLP.load(out).w1 for out in "abc")
    np.testing.assert_array_equal(a, b)
    assert np.any(a != c)


def test_l2_shrinks_the_weights(csv: Path) -> None:
    sizes = []
    for l2 in (0, 1):
        run("train", "--data", csv, "--epochs", 10, "--lr", 0.1, "--l2", l2, "--out", f"l{l2}")
        sizes.append(np.abs(fastmlp.MLP.load(f"l{l2}").w1).mean())
    assert sizes[1] < sizes[0] / 2


def test_the_number_of_threads_reaches_the_network(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Spy(fastmlp.MLP):
        def __init__(self, *args: Any, n_threads: int | None, **options: Any) -> None:
            asked.append(n_threads)
            super().__init__(*args, n_threads=n_threads, **options)

    monkeypatch.setattr(fastmlp, "MLP", Spy)
    for threads in ([], ["--threads", 2]):
        succeed("train", "--data", csv, "--epochs", 1, *threads)
    assert asked == [None, 2]


def test_another_run_is_not_overwritten(csv: Path) -> None:
    for _ in range(3):
        succeed("train", "--data", csv, "--epochs", 1)
    assert names("fastmlp-run") == names("fastmlp-run-2") == names("fastmlp-run-3") == FILES
    succeed("train", "--data", csv, "--epochs", 1, "--out", "deep/own")
    assert names("deep") == ["own"]
    assert names("deep/own") == FILES


def test_an_idx_folder_is_read_and_its_training_pair_preferred(tmp_path: Path) -> None:
    x, y = easy_digits()
    write_idx(tmp_path / "idx", x, y)
    write_idx(tmp_path / "idx", x[:20], y[:20], part="t10k")
    result = succeed("train", "--data", tmp_path / "idx", "--epochs", 1)
    shown = " ".join(result.stdout.split())  # a long path is wrapped
    assert "48 rows to train on, 12 for validation" in shown


def test_the_default_names_the_built_in_digits_and_how_to_use_real_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, y = easy_digits()
    monkeypatch.setattr(fastmlp.data, "make_digits", lambda **_: (x.astype(np.uint8), y))
    result = succeed("train", "--epochs", 1)
    first = result.stdout.splitlines()[0]
    assert "built-in digits" in first
    assert "--data mnist" in first
    assert "--data train.csv" in first


@pytest.mark.parametrize("n_features", [20, 9])  # no square; a square, but no picture
def test_rows_that_are_no_images_are_trained_on_without_their_pictures(
    n_features: int, tmp_path: Path
) -> None:
    data = write_csv(tmp_path / "flat.csv", *easy_digits(n_features=n_features))
    result = succeed("train", "--data", data, "--epochs", 1)
    assert names("fastmlp-run") == FLAT_FILES
    assert f"Rows of {n_features} numbers are no square images" in result.stdout


def test_plain_lines_are_few_and_carry_the_figures(csv: Path) -> None:
    result = run("train", "--data", csv, "--epochs", 200)
    lines = [line for line in result.stdout.splitlines() if line.startswith("Epoch")]
    assert 10 <= len(lines) <= 12
    assert lines[0].startswith("Epoch   1/200  loss ")
    assert lines[-1].startswith("Epoch 200/200  loss ")
    for figure in ("validation", "rows/s", "s left"):
        assert figure in lines[3]
    assert "\x1b" not in result.stdout


def test_a_terminal_gets_a_live_bar(tmp_path: Path) -> None:
    with (tmp_path / "screen").open("w+") as stream:
        console = Console(file=stream, force_terminal=True, width=100)
        with TrainingProgress(2, console) as progress:
            for epoch in (1, 2):
                progress(
                    epoch,
                    {
                        "mean_loss": 0.5,
                        "val_loss": 0.25,
                        "val_accuracy": 0.875,
                        "rows_per_second": 123456.0,
                    },
                )
        stream.seek(0)
        screen = stream.read()
    for figure in ("Training", "━", "2/2", "loss 0.5000", "0.2500, 87.50 %", "123k rows/s", "left"):
        assert figure in screen
    assert "Epoch" not in screen


def test_the_time_left_does_not_count_what_came_before_the_first_epoch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 2.0])
    progress = TrainingProgress(10, Console())
    monkeypatch.setattr(time, "perf_counter", lambda: 1000 + next(clock))
    for epoch in (1, 2):
        logs = {
            "mean_loss": 0.5,
            "val_loss": 0.25,
            "val_accuracy": 0.875,
            "rows_per_second": 1.0,
            "seconds": 1.0,
        }
        progress(epoch, logs)
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith(" 9 s left")
    assert second.endswith(" 16 s left")


def test_ctrl_c_before_the_training_ends_without_a_traceback(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fastmlp.data, "load", interrupt)
    result = run("train", "--data", csv)
    assert result.exit_code == 130
    assert result.stderr == "Interrupted.\n"
    assert names(tmp_path) == ["train.csv"]


def test_patience_ends_a_run_that_improves_no_more(csv: Path) -> None:
    x, y = easy_digits()
    y[::4] = (y[::4] + 1) % 3  # which can only be learnt by heart
    csv = write_csv(csv, x, y)
    args = ("--data", csv, "--epochs", 60, "--lr", 0.3, "--batch-size", 4)
    succeed("train", *args, "--out", "all")
    losses = pd.read_csv("all/history.csv")["val_loss"].to_numpy()
    patience, best, last = 3, 0, 0
    while last - best < patience:
        last += 1
        best = last if losses[last] < losses[best] else best
    assert 0 < best < last < 59
    result = succeed("train", *args, "--out", "some", "--patience", patience)
    np.testing.assert_array_equal(pd.read_csv("some/history.csv")["val_loss"], losses[: last + 1])
    assert f"{last + 1} epochs in" in result.stdout
    assert "has not improved for 3 epochs" in result.stdout
    assert f"it was lowest, {losses[best]:.4f}, after epoch {best + 1}." in result.stdout
    assert names("some") == FILES


def test_a_patience_that_is_not_needed_says_nothing(csv: Path) -> None:
    result = run("train", "--data", csv, "--epochs", 3, "--patience", 3)
    assert "improved" not in result.output
    assert len(pd.read_csv("fastmlp-run/history.csv")) == 3
    assert "--patience" in one_line_error("train", "--data", csv, "--patience", 0)


def test_quiet_says_nothing_and_verbose_a_line_for_each_epoch(csv: Path) -> None:
    result = run("train", "--data", csv, "--epochs", 3, "--quiet", "--out", "quiet")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "Error" not in result.stderr
    assert names("quiet") == FILES
    result = run("train", "--data", csv, "--epochs", 25, "--verbose", "--out", "verbose")
    lines = [line for line in result.stdout.splitlines() if line.startswith("Epoch ")]
    assert len(lines) == 25


def test_a_narrow_terminal_keeps_the_names_of_files(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    result = run("train", "--data", csv, "--epochs", 1)
    for name in FILES:
        assert name in result.stdout
    assert max(map(len, result.stdout.partition("In fastmlp-run")[2].splitlines())) <= 40
