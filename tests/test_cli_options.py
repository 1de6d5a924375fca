"""Options: paths from the user's home; errors speak of options, not of Python's arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli_tools import easy_digits, names, one_line_error, succeed, write_csv

from fastmlp import caches, checks

X, Y = easy_digits()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home folder, which is not the current one."""
    folder = tmp_path / "home"
    folder.mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("FASTMLP_CACHE_DIR", str(caches.cache_folder("kernels").parent))
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(folder))
    return folder


def test_the_user_s_folder_can_be_written_as_a_tilde(home: Path) -> None:
    write_csv(home / "train.csv", X, Y)
    for command in (
        ["train", "--data=~/train.csv", "--epochs=1", "--out=~/run"],
        ["evaluate", "~/run", "--data=~/train.csv"],
        ["predict", "~/run/model.safetensors", "--data=~/train.csv", "-o~/out.csv"],
        ["profile", "--data=~/train.csv", "--epochs=1", "--out=~/profile"],
    ):
        succeed(*command)
    assert [name for name in names(home) if name[0] != "."] == [
        "out.csv",
        "profile",
        "run",
        "train.csv",
    ]
    assert names(".") == []
    assert f"{home / 'missing'} does not exist" in one_line_error("train", "--data=~/missing")


def test_the_cache_s_folder_may_begin_with_a_tilde(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTMLP_CACHE_DIR", "~/cache")
    assert caches.cache_folder("data") == home / "cache" / "data"
    monkeypatch.setenv("FASTMLP_CACHE_DIR", str(home / "~"))
    assert caches.cache_folder("data") == home / "~" / "data"


@pytest.mark.parametrize("command", ["train", "profile"])
@pytest.mark.parametrize("threads", [5000, 10**30])
def test_too_many_threads_are_refused_before_data_are_read(command: str, threads: int) -> None:
    line = one_line_error(command, "--data", "missing.csv", "--threads", threads)
    assert line.startswith(f"Error: --threads is {threads}, more than a machine of ")


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [("--optimizer", "Adam", "adam"), ("--activation", "sigmoid", "logistic")],
)
def test_a_suggestion_names_the_option(
    monkeypatch: pytest.MonkeyPatch, option: str, value: str, word: str
) -> None:
    def as_name(given: object, name: str, known: Any) -> str:
        if given != value:
            return str(given)
        raise ValueError(f"{name} is {given!r}: did you mean {word!r}?")

    monkeypatch.setattr(checks, "as_name", as_name)
    line = one_line_error("train", "--data", "missing.csv", option, value)
    assert line == f"Error: {option} is {value!r}: did you mean {word!r}?"
