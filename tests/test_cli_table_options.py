"""What `fastmlp train` takes for a table, and the options that go with one."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_table_tools import customers, write
from cli_tools import easy_digits, finish, names, one_line_error, start, succeed, write_csv

pytest.importorskip("sklearn", "1.9")

from fastmlp.cli.table_kind import OF_NETWORKS, Task
from fastmlp.cli.table_targets import as_targets, labels_of, task_of
from fastmlp.cli.train import train
from fastmlp.data.frames import load_table

CHURN = customers().drop(columns="spend")
SMALL = pd.DataFrame({"a": [1, 9, 2, 8] * 10, "b": [5, 5, 4, 4] * 10, "label": [0, 1, 0, 1] * 10})


def test_options_of_networks_are_refused_with_a_table(tmp_path: Path) -> None:
    data = write(tmp_path / "a.csv", CHURN)
    line = one_line_error("train", "--data", data, "--label", "churn", "--epochs", 3)
    assert "a.csv is a table (column 'customer' holds" in line
    assert "and --epochs is an option for pixels: leave it out, or give --kind pixels" in line
    line = one_line_error("train", "--data", data, "--hidden", 8, "--lr", 1, "--kind", "table")
    assert "--hidden, --lr are options for pixels: leave them out" in line
    assert names(tmp_path) == ["a.csv"]


def test_options_of_networks_are_options_of_train() -> None:
    assert OF_NETWORKS.keys() <= train.__annotations__.keys()


def test_few_whole_numbers_are_a_table_unless_a_network_is_described(tmp_path: Path) -> None:
    data = write(tmp_path / "a.csv", SMALL)
    out = ("--out", tmp_path / "run", "--overwrite")
    assert "classifies column 'label'" in succeed("train", "--data", data, *out).stdout
    for options in (("--epochs", 1), ("--kind", "pixels"), ("--scale", 9)):
        assert "Network" in succeed("train", "--data", data, *out, *options).stdout
    assert "split.json" in names(tmp_path / "run")


def test_pixels_can_be_taken_for_a_table(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "a.csv", *easy_digits())
    out = ("--data", data, "--out", tmp_path / "run", "--overwrite")
    assert "Columns: 16 numbers" in succeed("train", *out, "--kind", "table").stdout
    assert "regresses column 'label'" in succeed("train", *out, "--task", "regress").stdout
    assert "60 rows of 16 pixels" in succeed("train", *out, "--epochs", 1).stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--kind", "pixels", "--task", "regress"), "--task is for tables"),
        (("--kind", "table", "--data", "digits"), "which are pixels: leave --kind and --task out"),
        (("--task", "regress"), "which are pixels"),  # of the built-in digits
        (("--kind", "image"), "--kind"),
    ],
)
def test_options_that_contradict_each_other(options: tuple[str, ...], said: str) -> None:
    assert said in one_line_error("train", *options)


def test_without_scikit_learn_a_table_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write(tmp_path / "a.csv", CHURN)
    run = tmp_path / "run"
    succeed("train", "--data", data, "--label", "churn", "--out", run, "--quiet")
    for module in [name for name in sys.modules if name.startswith("fastmlp.tables")]:
        monkeypatch.delitem(sys.modules, module)
    import fastmlp

    monkeypatch.delattr(fastmlp, "tables", raising=False)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    for command in (("train", "--label", "churn"), ("evaluate", run), ("predict", run)):
        line = one_line_error(*command, "--data", data)
        assert line.endswith("pip install 'fastmlp[sklearn]'")
    assert names(tmp_path) == ["a.csv", "run"]


def test_a_table_from_a_pipe(tmp_path: Path) -> None:
    process = start("train", "--data", "-", "--label", "churn", "--out", tmp_path / "run",
                    stdin=-1)  # fmt: skip
    stdout, stderr = process.communicate(CHURN.to_csv(index=False).encode(), timeout=120)
    assert process.returncode == 0, stderr
    assert stdout.startswith(b"standard input: 160 rows of 6 columns")


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        (["b", "a"], Task.classify),
        ([True, False], Task.classify),
        ([*range(20)], Task.classify),
        ([*range(1, 41)], Task.classify),  # numbered from 1
        ([*range(2, 41)], Task.regress),
        ([*range(0, 90, 3)], Task.regress),
        ([1.0, 2.0], Task.classify),
        ([1.5, 2.5], Task.regress),
        ([0.5, 1.0, 1.5, 2.0], Task.regress),
    ],
)
def test_labels_say_what_is_to_be_done(labels: list[object], task: Task) -> None:
    assert task_of(pd.Series(labels * 3)) is task


def test_targets_are_whole_numbers_words_or_quantities() -> None:
    def targets(labels: list[object], task: Task = Task.classify) -> list[object]:
        return as_targets(pd.Series(labels), task, "a.csv").tolist()

    assert targets([1.0, 10.0, 2.0]) == [1, 10, 2]
    assert targets([1.5, 2.0]) == ["1.5", "2"]
    assert targets([" a", "b "]) == ["a", "b"]
    assert targets([True, False]) == ["True", "False"]
    assert targets(["1", "2.5"], Task.regress) == [1, 2.5]
    with pytest.raises(ValueError, match=r"label of row 2 \(counted from 1\) is 'x', which is no"):
        targets(["1", "x"], Task.regress)
    with pytest.raises(ValueError, match="has the label a only"):
        targets(["a", "a"])
    with pytest.raises(ValueError, match=r"has 1,200 different labels.*--task regress"):
        targets([*range(1200)])


@pytest.mark.parametrize("bad", ["", "inf", "-inf", " ", "NA"])
def test_missing_labels_are_refused_by_their_row(tmp_path: Path, bad: str) -> None:
    (tmp_path / "a.csv").write_text(f"a,y\n1,2.5\n2,{bad}\n3,4\n")
    table = load_table(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"row 2 \(counted from 1\) is missing or infinite"):
        labels_of(table, "train")
    line = one_line_error("train", "--data", tmp_path / "a.csv", "--out", tmp_path / "run")
    assert "a.csv: the label of row 2" in line
    assert names(tmp_path) == ["a.csv"]


def test_no_labels_are_refused(tmp_path: Path) -> None:
    data = write(tmp_path / "a.csv", CHURN)
    line = one_line_error("train", "--data", data)
    assert "a.csv has no labels, and train needs them" in line
    assert "name the column with --label" in line


def test_guesses_are_said_to_be_no_better(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = pd.DataFrame({"a": rng.normal(size=60), "label": (np.arange(60) % 6 == 0) + 0})
    result = succeed("train", "--data", write(tmp_path / "a.csv", noise), "--out", tmp_path / "r")
    assert "no better than guessing the largest class, 0," in result.stdout


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_signal_ends_a_training_on_a_table_and_leaves_no_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(40_000, 10)), columns=[*"abcdefghij"])
    data = write(tmp_path / "a.csv", table.assign(label=np.arange(40_000) % 2))
    process = start("train", "--data", data, "--out", tmp_path / "run")
    try:
        assert b"40,000 rows of 10 columns" in process.stdout.readline()
        assert process.stdout.readline().startswith(b"Columns: 10 numbers")
    finally:
        process.send_signal(signal.SIGINT)
    stderr = finish(process)
    assert process.returncode == 130
    if (tmp_path / "run").exists():  # the networks have been begun
        assert names(tmp_path / "run") == ["checkpoint.safetensors", "unfinished.json"]
        assert stderr == f"Interrupted. To go on: fastmlp train --resume {tmp_path / 'run'}\n"
    else:
        assert stderr == "Interrupted.\n"
