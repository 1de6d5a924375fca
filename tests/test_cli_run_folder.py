"""The folder of a run: whose it is, what it may replace, and what may not stay behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_tools import (
    FILES,
    FLAT_FILES,
    easy_digits,
    names,
    one_line_error,
    start,
    succeed,
    write_csv,
)

from fastmlp.cli import run_folder as module

pytestmark = pytest.mark.usefixtures("in_tmp_path")


@pytest.mark.parametrize("file", ["model.safetensors", "history.csv"])
def test_a_run_is_replaced_only_if_that_is_asked_for(csv: Path, file: str) -> None:
    Path("out").mkdir()
    (Path("out") / file).write_text("another run's")
    (Path("out") / "notes.txt").write_text("mine")
    arguments = ["train", "--data", csv, "--epochs", 1, "--out", "out"]
    line = one_line_error(*arguments)
    assert f"out holds a run already ({file})" in line
    assert "--overwrite" in line
    assert (Path("out") / file).read_text() == "another run's"
    succeed(*arguments, "--overwrite")
    assert names("out") == sorted([*FILES, "notes.txt"])
    assert (Path("out") / file).read_bytes() != b"another run's"


def test_a_folder_with_other_things_is_used(csv: Path) -> None:
    Path("out").mkdir()
    (Path("out") / "notes.txt").write_text("mine")
    succeed("train", "--data", csv, "--epochs", 1, "--out", "out")


def test_an_overwritten_run_s_pictures_go_with_it(csv: Path) -> None:
    succeed("train", "--data", csv, "--epochs", 1, "--out", "out")
    flat = write_csv(Path("flat.csv"), *easy_digits(n_features=20))
    arguments = ["train", "--data", flat, "--epochs", 1, "--out", "out", "--overwrite"]
    succeed(*arguments)
    assert names("out") == FLAT_FILES


def test_a_run_that_fails_leaves_the_one_it_was_to_overwrite(csv: Path) -> None:
    succeed("train", "--data", csv, "--epochs", 1, "--out", "out")
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    one_line_error("train", "--data", "missing.csv", "--out", "out", "--overwrite")
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before


def test_overwrite_needs_a_folder(csv: Path) -> None:
    line = one_line_error("train", "--data", csv, "--overwrite")
    assert "--out" in line
    assert names(".") == ["train.csv"]


def test_a_second_run_into_one_folder_is_told(csv: Path) -> None:
    first = start("train", "--data", csv, "--epochs", 100_000_000, "--out", "out")
    try:
        assert b" rows of 16 pixels" in first.stdout.readline()
        assert first.stdout.readline().startswith(b"Epoch")
        for more in ([], ["--overwrite"]):
            line = one_line_error("train", "--data", csv, "--epochs", 1, "--out", "out", *more)
            assert "another run is writing to out" in line
        assert first.poll() is None
        assert Path("out").is_dir()
    finally:
        first.kill()
        first.communicate()
    # A run that was killed is in nobody's way.
    succeed("train", "--data", csv, "--epochs", 1, "--out", "out")
    assert names("out") == FILES


def test_a_lock_that_is_a_file_in_the_folder_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows; else the folder would not be empty when it is to be removed."""

    @contextmanager
    def locked(folder: Path) -> Iterator[None]:
        (folder / "lock").touch()
        try:
            yield
        finally:
            (folder / "lock").unlink()

    monkeypatch.setattr(module, "locked", locked)
    with pytest.raises(ValueError, match="it"), module.run_folder(Path("a/b")):
        raise ValueError("it")
    assert names(".") == []


def test_no_folder_stays_behind_not_even_those_above() -> None:
    one_line_error("train", "--data", "missing.csv", "--out", "a/b/c")
    one_line_error("profile", "--data", "missing.csv", "--out", "a/b/c")
    assert names(".") == []
    Path("a").mkdir()
    one_line_error("train", "--data", "missing.csv", "--out", "a/b/c")
    assert names("a") == []  # the user's own
    (Path("a") / "file").touch()
    one_line_error("train", "--data", "missing.csv", "--out", "a/file/c")
    assert names("a") == ["file"]


@pytest.mark.parametrize("out", [[], ["--out", "a/b"]])
def test_no_folder_stays_behind_where_nothing_can_be_written(
    csv: Path, monkeypatch: pytest.MonkeyPatch, out: list[str]
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "remove_dead_parts", fail)
    assert "No space left" in one_line_error("train", "--data", csv, *out)
    assert names(".") == ["train.csv"]
