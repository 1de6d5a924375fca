"""Bad input on the command line: one line on stderr, exit status 2, no traceback, no leftovers."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_tools import N_FEATURES, easy_digits, one_line_error, run, succeed, write_csv, write_idx

from fastmlp import MLP

X, Y = easy_digits()
HEADER = ",".join(["label", *(f"pixel{i}" for i in range(N_FEATURES))])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    MLP(N_FEATURES, 8, 3, random_state=0, dtype="float32", input_scale=255).save(path)
    return path


def cells(first: str, second: str = "0") -> str:
    """A CSV of three rows whose last one begins with this label and this pixel."""
    good = ",".join(["1"] + ["0"] * N_FEATURES)
    bad = ",".join([first, second] + ["0"] * (N_FEATURES - 1))
    return "\n".join([HEADER, good, good, bad]) + "\n"


BAD_CSV = {
    "empty": "",
    "header-only": HEADER + "\n",
    "not-a-number": cells("1", "dark"),
    "ragged": cells("1", "0,0"),
    "short-row": cells("1")[:-20] + "\n",
    "pixel-too-large": cells("1", "256"),
    "pixel-negative": cells("1", "-1"),
    "pixel-nan": cells("1", "nan"),
    "pixel-infinite": cells("1", "inf"),
    "label-not-whole": cells("1.5"),
    "label-negative": cells("-1"),
    "label-nan": cells("nan"),
}


@pytest.mark.parametrize("name", BAD_CSV)
def test_a_bad_csv_is_named_and_no_folder_is_left(tmp_path: Path, name: str) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text(BAD_CSV[name])
    assert "bad.csv" in one_line_error("train", "--data", bad, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_csv_of_these_tests_is_good_where_it_is_not_bad(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text(cells("0", "255"))
    succeed("train", "--data", tmp_path / "good.csv", "--epochs", 1, "--val-fraction", 0.4,
            "--out", tmp_path / "out")  # fmt: skip


def no_labels(folder: Path) -> Path:
    return write_csv(folder / "bad.csv", X)


def zipped_short(folder: Path) -> Path:
    raw = gzip.compress(write_csv(folder / "whole.csv", X, Y).read_bytes())
    (folder / "bad.csv.gz").write_bytes(raw[: len(raw) // 2])
    return folder / "bad.csv.gz"


def idx_short(folder: Path) -> Path:
    images = write_idx(folder / "bad", X, Y) / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-1])
    return folder / "bad"


def idx_mismatched(folder: Path) -> Path:
    return write_idx(write_idx(folder / "bad", X, Y), X[:-1])


def idx_without_labels(folder: Path) -> Path:
    return write_idx(folder / "bad", X)


def folder_without_idx(folder: Path) -> Path:
    (folder / "bad").mkdir()
    return folder / "bad"


def one_class(folder: Path) -> Path:
    return write_csv(folder / "bad.csv", X, np.zeros_like(Y))


def labels_with_gaps(folder: Path) -> Path:
    return write_csv(folder / "bad.csv", X, Y * 1_000_000)


BAD_SOURCES = [
    no_labels,
    zipped_short,
    idx_short,
    idx_mismatched,
    idx_without_labels,
    folder_without_idx,
    one_class,
    labels_with_gaps,
    lambda folder: folder / "bad-is-missing.csv",
]


@pytest.mark.parametrize("make", BAD_SOURCES)
def test_bad_data_is_named(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    assert "bad" in one_line_error("train", "--data", make(tmp_path), "--out", tmp_path / "out")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--epochs", "0"),
        ("--epochs", "many"),
        ("--batch-size", "0"),
        ("--batch-size", "1.5"),
        ("--hidden", "0"),
        ("--hidden", "64,"),
        ("--hidden", "big"),
        ("--lr", "0"),
        ("--lr", "-0.1"),
        ("--lr", "nan"),
        ("--lr", "inf"),
        ("--lr", "fast"),
        ("--l2", "-1"),
        ("--l2", "nan"),
        ("--l2", "100"),  # times the learning rate: all of each weight in one step
        ("--val-fraction", "0"),
        ("--val-fraction", "1"),
        ("--val-fraction", "nan"),
        ("--val-fraction", "0.001"),  # of 60 rows: none
        ("--seed", "-1"),
        ("--seed", "4294967296"),
        ("--threads", "0"),
        ("--dtype", "float16"),
    ],
)
def test_a_bad_option_is_named_and_no_folder_is_left(
    csv: Path, tmp_path: Path, option: str, value: str
) -> None:
    line = one_line_error("train", "--data", csv, "--out", tmp_path / "out", f"{option}={value}")
    assert option in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (["trian"], "train"),
        (["train", "--epoch", "3"], "--epoch"),
        (["evaluate"], "MODEL"),
        (["evaluate", "model.safetensors"], "--data"),
        (["predict", "--data", "x.csv"], "MODEL"),
    ],
)
def test_a_bad_command_line_is_explained_in_one_line(args: list[str], named: str) -> None:
    line = one_line_error(*args)
    assert named in line
    assert "--help" in line


def test_a_folder_that_cannot_be_made_is_named_before_the_data_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        line = one_line_error("train", "--data", tmp_path / "missing.csv", "--out", out)
        assert str(out) in line
        assert "--out" in line


def test_a_folder_that_cannot_be_written_to_is_named_before_the_data_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(*_: object, **options: object) -> None:  # a test run by root may write anywhere
        raise PermissionError(13, "Permission denied")

    (tmp_path / "out").mkdir()
    monkeypatch.setattr(os, "mkdir", lambda path, *rest: Path(path).is_dir() or deny())
    missing = tmp_path / "missing.csv"
    assert str(tmp_path / "out") in one_line_error(
        "train", "--data", missing, "--out", tmp_path / "out"
    )


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_a_bad_model_is_named(tmp_path: Path, csv: Path, model: Path, command: str) -> None:
    rest = ["--data", csv, *(["-o", tmp_path / "s.csv"] if command == "predict" else [])]
    model.write_bytes(model.read_bytes()[:-10])
    assert f"{model} is cut short" in one_line_error(command, model, *rest)
    assert "nowhere" in one_line_error(command, tmp_path / "nowhere", *rest)
    assert "train.csv" in one_line_error(command, csv, *rest)
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_a_model_for_other_sizes_names_both(tmp_path: Path, model: Path, command: str) -> None:
    data = write_csv(tmp_path / "wide.csv", *easy_digits(n_features=25))
    rest = ["-o", tmp_path / "s.csv"] if command == "predict" else []
    line = one_line_error(command, model, "--data", data, *rest)
    assert "wide.csv has 25 pixels a row" in line
    assert f"{model} was trained on 16" in line


def test_labels_the_model_does_not_know_are_named(tmp_path: Path, model: Path) -> None:
    data = write_csv(tmp_path / "more.csv", *easy_digits(n_classes=5))
    line = one_line_error("evaluate", model, "--data", data)
    assert "more.csv holds the label 4" in line
    assert "knows 0 to 2" in line


def test_evaluating_without_labels_is_refused(tmp_path: Path, model: Path) -> None:
    line = one_line_error("evaluate", model, "--data", no_labels(tmp_path))
    assert "bad.csv has no labels, and evaluate needs them" in line


def test_an_unwritable_submission_is_named_before_the_data_is_read(
    tmp_path: Path, model: Path
) -> None:
    for out in (tmp_path, tmp_path / "missing" / "s.csv"):
        line = one_line_error("predict", model, "--data", tmp_path / "missing.csv", "-o", out)
        assert f"can't write {out}" in line


def test_a_message_of_several_lines_becomes_one(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ValueError("two\n    lines")

    monkeypatch.setattr(MLP, "load", fail)
    assert one_line_error("evaluate", "m", "--data", csv) == "Error: two lines"


def test_a_defect_of_the_program_keeps_its_traceback(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise AssertionError("a defect")

    monkeypatch.setattr(MLP, "load", defect)
    with pytest.raises(AssertionError):
        run("evaluate", "model.safetensors", "--data", csv)


def test_version_and_help_answer_without_heavy_imports() -> None:
    code = (
        "import sys\n"
        "from fastmlp.cli import app\n"
        "try:\n"
        "    app(sys.argv[1:])\n"
        "finally:\n"
        "    heavy = {'numba', 'pandas', 'matplotlib', 'requests', 'safetensors'}\n"
        "    heavy &= set(sys.modules)\n"
        "    assert not heavy, heavy\n"
    )
    for args, expected in ((["--version"], "fastmlp "), (["--help"], "evaluate"), ([], "predict"),
                           (["train", "--help"], "--val-fraction")):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", code, *args], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout
        assert done.stderr == ""
