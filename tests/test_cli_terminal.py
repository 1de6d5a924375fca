"""Names that a terminal would act upon, or that are no UTF-8: shown harmlessly, written as data."""

from __future__ import annotations

import csv
import io
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cli_tools import N_FEATURES, SIDE, easy_digits, one_line_error, run, start, succeed, write_csv

from fastmlp import MLP, pictures
from fastmlp.cli.terminal import Terminal

X, Y = easy_digits()
EVIL = {
    "ESC": "\x1b]0;owned\x07\x1b[31m",
    "C1": "\x9b31m\x85",
    "bidi": "\u202etxt.exe\u2069",
    "lines": "a\nError: b\r\u2028c",
    "markup": "[red]\\[/red]",
}
HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def labelled(path: Path, name: str) -> Path:
    """A file whose labels are this name, and two others."""
    np.savez(path, x=X.astype(np.uint8), y=np.array([name, "dog", "ape"])[Y])
    return path


def harmless(result: Any) -> str:
    """All that a command has printed."""
    printed = result.stdout + result.stderr
    assert not HARMFUL.search(printed), repr(printed)
    return printed


@pytest.mark.skipif(os.name == "nt", reason="no such names of files")
@pytest.mark.parametrize("name", EVIL)
def test_names_are_only_shown(tmp_path: Path, name: str) -> None:
    evil = EVIL[name]
    folder = tmp_path / evil.replace("/", "")
    folder.mkdir()
    data = labelled(folder / "train.npz", evil)
    shown = {"ESC": r"\x1b]0;owned\x07", "C1": r"\x9b31m", "bidi": r"\u202etxt", "lines": "a",
             "markup": "[red]"}[name]  # fmt: skip
    model, out = folder / "run", folder / "out.csv"
    for command in (
        ["train", "--data", data, "--epochs", 1, "--out", model],
        ["evaluate", model, "--data", data],
        ["predict", model, "--data", data, "-o", out],
        ["profile", "--data", data, "--epochs", 1, "--out", folder / "profile"],
    ):
        result = succeed(*command)
        assert shown in harmless(result)
    lines = run("evaluate", model, "--data", data).stdout.splitlines()
    assert sum(line.lstrip().startswith("dog") for line in lines) == 1  # a line for each class
    # What is written is data, and to be read again as it was.
    rows = list(csv.DictReader(io.StringIO(out.read_bytes().decode(), newline="")))
    assert len(rows) == len(Y)
    assert {row["Label"] for row in rows} <= {evil, "dog", "ape"}

    labelled(data, "cow" + evil)
    columns = write_csv(folder / "columns.csv", X, Y)
    for command in (["train", "--data", folder / "missing"], ["evaluate", model, "--data", data],
                    ["train", "--data", columns, "--label", evil], [evil]):  # fmt: skip
        result = run(*command)
        assert result.exit_code == 2
        assert harmless(result).count("\n") == 1


@pytest.mark.parametrize("name", EVIL)
def test_names_are_only_shown_in_tables_and_pictures(tmp_path: Path, name: str) -> None:
    with (tmp_path / "screen").open("w+", newline="") as stream:
        console = Terminal(file=stream, width=200)
        console.print_line(f"found {EVIL[name]}")
        stream.seek(0)
        printed = stream.read()
    assert not HARMFUL.search(printed), repr(printed)
    assert printed.count("\n") == 1
    figure = pictures.labelled_sample(X[:3].astype(float), Y[:3], [EVIL[name], "b", "c"])
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert not any(HARMFUL.search(text) or "\n" in text for text in texts)


def test_a_found_line_and_an_error_are_cut(tmp_path: Path) -> None:
    data = labelled(tmp_path / "a.npz", "x" * 20_000)
    result = succeed("train", "--data", data, "--epochs", 1, "--out", tmp_path / "run")
    assert max(map(len, result.stdout.splitlines())) <= 1000
    assert " [...] " in result.stdout
    result = run("evaluate", tmp_path / "run", "--data", data)
    assert max(map(len, result.output.splitlines())) <= 1000
    columns = write_csv(tmp_path / "columns.csv", X, Y)
    line = one_line_error("train", "--data", columns, "--label", "y" * 20_000)
    assert len(line) < 1020
    assert line.startswith(f"Error: {columns}")
    assert " [...] " in line
    assert line.endswith("(--label on the command line)")


# -- names that are no UTF-8 ---------------------------------------------------------------------
@pytest.fixture
def latin1(tmp_path: Path) -> Path:
    """A folder whose name, and one of whose names of classes, are in Latin-1."""
    folder = os.path.join(os.fsencode(tmp_path), b"bi\xe8re")
    try:
        os.makedirs(os.path.join(folder, b"data", b"caf\xe9"))
    except OSError:
        pytest.skip("file names are UTF-8 here")
    from PIL import Image

    random = np.random.RandomState(0)
    os.makedirs(os.path.join(folder, b"data", b"the"))
    for name in (b"caf\xe9", b"the"):
        for i in range(6):
            image = Image.fromarray(random.randint(0, 255, (SIDE, SIDE)).astype(np.uint8))
            image.save(os.path.join(folder, b"data", name, b"%d\xf1.png" % i))
    return Path(os.fsdecode(folder))


@pytest.mark.skipif(sys.platform == "win32", reason="names are UTF-16 there")
def test_names_that_are_no_utf_8_work_everywhere(latin1: Path) -> None:
    run_of = latin1 / "run"
    result = succeed("train", "--data", latin1 / "data", "--epochs", 1, "--out", run_of)
    assert {"sample.png", "mistakes.png"} <= set(os.listdir(run_of))
    assert r"bi\xe8re" in result.stdout
    assert "caf" in result.stdout
    for model in (run_of, run_of / "model.safetensors"):
        result = succeed("evaluate", model, "--data", latin1 / "data")
        assert "caf" in result.stdout
    result = succeed("predict", run_of, "--data", latin1 / "data", "-o", latin1 / "out.csv")
    assert r"bi\xe8re" in result.stderr
    written = pd.read_csv(latin1 / "out.csv")  # UTF-8
    assert len(written) == 12
    result = succeed(
        "profile", "--data", latin1 / "data", "--epochs", 1, "--out", latin1 / "profile"
    )
    assert r"bi\xe8re" in one_line_error("train", "--data", latin1 / "missing")


def test_class_names_that_are_no_utf_8_are_written_as_utf_8(tmp_path: Path) -> None:
    network = MLP(N_FEATURES, 4, 3, random_state=0, input_scale=255)
    network.class_names = ("caf\udce9", "\udcff", "tea, cold")
    network.save(tmp_path / "m.safetensors")
    data = write_csv(tmp_path / "a.csv", X)
    process = start("predict", tmp_path / "m.safetensors", "--data", data)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    names = {line.partition(",")[2] for line in stdout.decode("utf-8").splitlines()[1:]}
    assert names
    assert names <= {r"caf\xe9", r"\xff", '"tea, cold"'}
    figure = pictures.misclassified_gallery(
        X[:3].astype(float), np.array([1, 2, 0]), np.eye(3), network.class_names
    )
    figure.savefig(tmp_path / "gallery.png")
