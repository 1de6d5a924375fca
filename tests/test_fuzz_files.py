"""Hostile files of every format: the documented error, or a valid result, in time and memory."""

from __future__ import annotations

import random
from pathlib import Path

import fuzz_files
import pytest
from fuzz_bytes import Hostile, one
from fuzz_files import FORMATS, Format, judged
from fuzz_forgeries import FORGERIES
from fuzz_seeds import WrongError, run_script

MANY, AT_A_TIME = 20_000, 1000


@pytest.mark.parametrize("name", FORMATS)
def test_some_files(name: str) -> None:
    run_script("fuzz_files.py", name, 0, 300)


@pytest.mark.long
@pytest.mark.parametrize("first", range(300, MANY, AT_A_TIME))
@pytest.mark.parametrize("name", FORMATS)
def test_many_files(name: str, first: int) -> None:
    run_script("fuzz_files.py", name, first, min(first + AT_A_TIME, MANY))


@pytest.mark.parametrize(("message", "is_right"), [
    ("{path} is damaged: copy it again", True), ("it is damaged", False),
    ("{path} is damaged" + "!" * 1000, False), ("{path} is\ndamaged", False),
    ("{path} is \x1b[31m", False),
])  # fmt: skip
def test_what_counts_as_the_documented_error(tmp_path, monkeypatch, message, is_right):
    def use(path: Path, hostile: Hostile, rng: random.Random) -> None:
        raise ValueError(message.format(path=path))

    monkeypatch.setitem(FORMATS, "csv", Format(lambda rng: one(b"1"), use))
    if is_right:
        assert judged("csv", 0, tmp_path).startswith("ValueError: ")
    else:
        with pytest.raises(WrongError, match="no short line"):
            judged("csv", 0, tmp_path)


@pytest.mark.parametrize("message", ["{path} is damaged", "{path} is too large", None])
def test_a_forgery_has_to_be_refused_for_what_it_is(tmp_path, monkeypatch, message):
    def use(path: Path, hostile: Hostile, rng: random.Random) -> None:
        if message is not None:
            raise ValueError(message.format(path=path))

    monkeypatch.setitem(FORMATS, "csv", Format(lambda rng: one(b"1"), use))
    monkeypatch.setitem(FORGERIES, "csv", [lambda: one(b"1")._replace(says="too large")])
    if message == "{path} is too large":
        assert judged("csv", 0, tmp_path).startswith("ValueError: ")
    else:
        with pytest.raises(WrongError, match="not 'too large', but"):
            judged("csv", 0, tmp_path)


def test_too_much_time_or_memory_is_noticed(tmp_path, monkeypatch):
    def slow(path: Path, hostile: Hostile, rng: random.Random) -> None:
        while True:
            sum(range(1000))

    def greedy(path: Path, hostile: Hostile, rng: random.Random) -> None:
        assert bytearray(b"a" * 100_000_000)

    monkeypatch.setattr(fuzz_files, "SECONDS", 0.02)
    monkeypatch.setitem(FORMATS, "csv", Format(lambda rng: one(b"1"), slow))
    with pytest.raises(WrongError, match="does not end"):
        judged("csv", 0, tmp_path)
    monkeypatch.setattr(fuzz_files, "SECONDS", 60.0)
    monkeypatch.setitem(FORMATS, "csv", Format(lambda rng: one(b"1"), greedy))
    with pytest.raises(WrongError, match="MB, may take 64"):
        judged("csv", 0, tmp_path)
    monkeypatch.setitem(FORMATS, "csv", Format(lambda rng: one(b"1", 50_000_000), greedy))
    assert judged("csv", 0, tmp_path) == "valid"
