"""docs/promises.md: the tests that it names exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "promises.md").read_text().splitlines()
    if line.startswith("|") and not line.startswith(("| promise", "| ---"))
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_promise_has_its_tests(row):
    """Written as ``file::test``, or as the test alone if it is in the file that was named last."""
    _, cell, _ = row
    named = re.findall(r"`([^`]+)`", cell)
    assert named
    path = Path()
    for name in named:
        file, _, test = name.partition("::") if name.startswith("tests/") else ("", "", name)
        path = ROOT / file if file else path
        functions = {
            node.name
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        }
        assert test in functions if test else functions
