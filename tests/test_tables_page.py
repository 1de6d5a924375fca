"""The documentation of tables, run: its example from a file to predictions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("sklearn.callback")

from benchmarks.tables.methods import METHODS
from benchmarks.tables.sets import SEEN, UNSEEN

PAGE = Path(__file__).parents[1] / "docs" / "tables.md"
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_the_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in CODE.findall(PAGE.read_text()):
        exec(compile(code, PAGE.name, "exec"), names)
    said = capsys.readouterr().out
    (score,) = re.findall(r"R\^2 (0\.\d\d)", said)
    assert float(score) > 0.15
    assert "'sex': 'text'" in said
    (inside,) = re.findall(r"(\d+)% of the test patients", said)
    assert 80 <= int(inside) <= 97
    assert names["importance"].index[0] in ("s5", "bmi")  # type: ignore[attr-defined]
    assert {path.name for path in tmp_path.iterdir()} == {
        "diabetes.csv", "history.png", "diabetes.safetensors",
    }  # fmt: skip


def test_the_page_has_every_table_and_method_of_the_comparison() -> None:
    """No row is left out without a word."""
    text = PAGE.read_text()
    assert len(SEEN) == 13
    assert len(UNSEEN) == 15
    assert "using 13 of the tables" in " ".join(text.split())
    assert "The 15 others" in text
    for source in [*SEEN, *UNSEEN]:
        is_there = f"\n| {source.name} |" in text
        assert is_there or f"`{source.name}`" in text.partition("Not measured")[2], source.name
    for name in METHODS:
        assert name in text, name
