"""Terminals and pipes that can't show every character: the figures come out all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_tools import easy_digits, start, succeed, write_csv

from fastmlp.cli.output import Output, plainer

ENCODINGS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "locale": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file and a model, both of names that ASCII lacks."""
    folder = tmp_path_factory.mktemp("ziffern")
    csv = write_csv(folder / "zähl→3.csv", *easy_digits())
    succeed("train", "--data", csv, "--epochs", 1, "--out", folder / "läuft→")
    return folder


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "profile", "--help"])
def test_every_command_works_in_every_encoding(
    folder: Path, tmp_path: Path, encoding: str, command: str
) -> None:
    csv, model = folder / "zähl→3.csv", folder / "läuft→"
    arguments = {
        "train": ["train", "--data", csv, "--epochs", 1, "--out", tmp_path / "é→"],
        "evaluate": ["evaluate", model, "--data", csv],
        "predict": ["predict", model, "--data", csv, "-o", tmp_path / "é→.csv"],
        "profile": ["profile", "--data", csv, "--epochs", 1, "--out", tmp_path / "é→"],
        "--help": ["--help"],
    }[command]
    process = start(*arguments, env=ENCODINGS[encoding])
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    name = "cp1252" if encoding == "cp1252" else "ascii"
    text = stdout.decode(name, "surrogateescape")
    figures = {"train": "Validation", "evaluate": "12 rows of", "profile": "total",
               "--help": "evaluate", "predict": ""}  # fmt: skip
    assert figures[command] in text
    assert b"Error" not in stderr
    if command == "evaluate":
        assert (" \xb7 " if name == "cp1252" else " . ") in text


def test_a_character_becomes_a_plainer_one() -> None:
    assert plainer("1 · 2 ━ é → ½", "ascii") == "1 . 2 - e ? 12"
    assert plainer("1 · 2 ━ é → ½", "cp1252") == "1 · 2 - é ? ½"
    assert plainer("a\udcffb", "utf-8") == "a?b"
    assert plainer("a\udcffb·", "ascii", "surrogateescape") == "a\udcffb."


def test_what_can_be_shown_is_left_alone(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w", encoding="utf-8") as stream:
        Output(stream).write("1 · 2 é\n")
    assert (tmp_path / "out").read_text("utf-8") == "1 · 2 é\n"
