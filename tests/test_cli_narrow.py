"""Narrow terminals: help that can be read, and names of files that stay whole."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from cli_tools import easy_digits, run, succeed, write_csv

X, Y = easy_digits()


@pytest.mark.parametrize("columns", [40, 60])
@pytest.mark.parametrize("command", ["", "train", "evaluate", "predict", "profile"])
def test_help_has_no_table_where_there_is_no_room(
    monkeypatch: pytest.MonkeyPatch, command: str, columns: int
) -> None:
    words = command.split()
    monkeypatch.setenv("COLUMNS", "200")
    options = set(re.findall(r"--[a-z0-9-]+", run(*words, "--help").stdout))
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = run(*words, "--help").stdout
    assert max(map(len, shown.splitlines())) <= columns
    assert not re.search(r"\u2026|\w\.\.\.$", shown, re.MULTILINE)
    assert "│" not in shown
    assert set(re.findall(r"--[a-z0-9-]+", shown)) >= options
    # Half of the width is left to what explains an option.
    assert max(map(len, re.findall(r"^ {10,}(\S.*)$", shown, re.MULTILINE))) > 25
    monkeypatch.setenv("COLUMNS", "80")
    assert "│" in run(*words, "--help").stdout


@pytest.mark.parametrize("kind", ["pixels", "table"])
def test_names_of_files_stay_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.chdir(tmp_path)
    data = Path(f"a_name_that_is_longer_than_a_narrow_terminal_is_wide_{kind}.csv")
    write_csv(data, X if kind == "pixels" else X[:, :4], Y)
    options = ["--kind", "table"] if kind == "table" else ["--epochs", "1"]
    succeed("train", "--data", data, "--out", "run", *options)
    shown = succeed("evaluate", "run", "--data", data)
    assert f"rows of {data}" in shown.stdout
    assert str(data) in shown.stderr
    out = data.with_suffix(".out.csv")
    shown = succeed("predict", "run", "--data", data, "--out", out)
    assert str(data) in shown.stderr
    assert f"to {out}" in shown.stderr
    assert np.loadtxt(out, delimiter=",", skiprows=1).shape == (len(Y), 2)
