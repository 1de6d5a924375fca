"""`fastmlp evaluate` with more classes than a square table has room for."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from cli_tools import N_FEATURES, succeed
from rich.console import Console

from fastmlp import MLP
from fastmlp.cli import mistakes


def printed(*args: object) -> dict[str, list[list[str]]]:
    """The tables by their titles, as lines of cells."""
    titles = mistakes.tables(*args)
    console = Console(width=200)
    shown = {}
    for title, table in titles.items():
        with console.capture() as captured:
            console.print(table)
        shown[title] = [re.split(r" {2,}", line.strip()) for line in captured.get().splitlines()]
    return shown


def test_many_classes_get_their_most_frequent_confusions_and_the_worst_of_them() -> None:
    n = 40
    y = np.repeat(np.arange(n), 10)
    predicted = y.copy()
    predicted[70:73] = 8  # three of the sevens are eights
    predicted[90:94] = 3  # two pairs of two of the nines
    predicted[92:94] = 4
    predicted[399] = 0
    probabilities = np.eye(n)[predicted]
    names = [f"c{i}" for i in range(n)]
    pairs, classes, rows = printed(y, probabilities, np.arange(len(y)), names).items()
    assert pairs[0] == "Confusions: the 4 most frequent of 4 pairs"
    assert pairs[1] == [["true", "predicted", "rows"], ["c7", "c8", "3"], ["c9", "c3", "2"],
                        ["c9", "c4", "2"], ["c39", "c0", "1"]]  # fmt: skip
    assert classes[0] == "Classes: the 20 worst of 40"
    assert len(classes[1]) == 21
    assert classes[1][:3] == [["true", "rows", "right"], ["c9", "10", "6", "60.0 %"],
                              ["c7", "10", "7", "70.0 %"]]  # fmt: skip
    assert rows[0] == "Worst rows: the 8 most confident of 8 mistakes, counted from 1"
    assert [line[0] for line in rows[1]] == ["row", "71", "72", "73", "91", "92", "93", "94", "400"]
    # Of some rows, the numbers are those of all the data.
    pairs, _, rows = printed(y, probabilities, np.array([5, 72, 399]), names, " of some").items()
    assert pairs[0] == "Confusions of some: the 2 most frequent of 2 pairs"
    assert [line[0] for line in rows[1]] == ["row", "73", "400"]


@pytest.mark.parametrize(("n", "is_square"), [(30, True), (31, False)])
def test_a_square_table_is_for_as_many_classes_as_can_be_read(n: int, is_square: bool) -> None:
    y = np.arange(n)
    titles = list(mistakes.tables(y, np.eye(n), y, [str(i) for i in range(n)]))
    assert any(title.startswith("Confusion matrix") for title in titles) == is_square


def test_what_is_printed_does_not_grow_with_the_classes(tmp_path: Path) -> None:
    n = 3000
    MLP(N_FEATURES, 4, n, random_state=0, input_scale=255).save(tmp_path / "m.safetensors")
    x = np.random.RandomState(0).randint(0, 256, (2 * n, N_FEATURES)).astype(np.uint8)
    np.savez(tmp_path / "data.npz", x=x, y=np.arange(2 * n) % n)
    result = succeed("evaluate", tmp_path / "m.safetensors", "--data", tmp_path / "data.npz")
    assert len(result.output) < 5000
    assert "the 20 most frequent of" in result.stdout
