"""Labels that are not classes: quantities, and a single class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli_tools import one_line_error, succeed
from numpy.typing import ArrayLike
from sklearn.datasets import load_diabetes

from fastmlp.data import load
from fastmlp.data.labels import LabelError, as_classes, looks_like_regression

RANDOM = np.random.RandomState(0)
QUANTITIES = {
    "a disease's progression": load_diabetes().target,
    "prices": RANDOM.lognormal(12, 0.5, 500).round(-2),
    "counts": RANDOM.poisson(200, 50),
}
IMPOSSIBLE = {
    "fractions": RANDOM.rand(50),
    "halves": np.arange(50) % 9 / 2,
    "changes": QUANTITIES["prices"] - 160_000,
    "large": QUANTITIES["prices"] * 1e6,
    "one is missing": np.where(np.arange(50) == 7, np.nan, RANDOM.rand(50)),
}
CLASSES = {
    "digits": np.arange(60) % 10,
    "few of a row each": [3, 7, 1],
    "numbered without gaps, a row each": RANDOM.permutation(500),
    "the same from 1": RANDOM.permutation(500) + 1,
    "1,000 with gaps, two rows each": np.repeat(np.arange(1000) * 7, 2),
    "Omniglot": np.repeat(np.arange(0, 1623, 3), 20),
    "ages": RANDOM.randint(18, 90, 1000),
}


def table(folder: Path, y: ArrayLike, kind: str = "csv") -> Path:
    path = folder / f"table.{kind}"
    y = np.asarray(y)
    x = RANDOM.randint(0, 256, (len(y), 4))
    if kind == "npz":
        np.savez(path, x=x, y=y)
        return path
    rows = [f"{'' if a != a else a},{','.join(map(str, b))}" for a, b in zip(y, x, strict=True)]
    path.write_text("\n".join(["label,a,b,c,d", *rows]))
    return path


@pytest.mark.parametrize("name", [*QUANTITIES, *CLASSES])
def test_quantities_are_distinguished_from_classes(name: str) -> None:
    y = np.asarray((QUANTITIES | CLASSES)[name])
    assert looks_like_regression(*np.unique(y, return_counts=True)) == (name in QUANTITIES)


@pytest.mark.parametrize("command", ["train", "profile"])
@pytest.mark.parametrize("name", QUANTITIES)
def test_to_train_on_whole_quantities_is_refused(tmp_path: Path, name: str, command: str) -> None:
    path = table(tmp_path, QUANTITIES[name])
    assert load(path).y is not None
    pixels = ("--kind", "pixels") * (command == "train")
    line = one_line_error(command, "--data", path, "--out", tmp_path / "out", *pixels)
    n = len(set(QUANTITIES[name]))
    assert f"table.csv has {n} different numbers for labels in {len(QUANTITIES[name])} rows" in line
    assert "looks like regression" in line
    assert "from fastmlp import MLPRegressor" in line
    assert not (tmp_path / "out").exists()


def test_numbers_far_beyond_any_class_are_quantities_too(tmp_path: Path) -> None:
    path = table(tmp_path, np.repeat(np.arange(30) * 1000, 5))
    train = ("train", "--kind", "pixels", "--data", path)
    assert "looks like regression" in one_line_error(*train)
    path = table(tmp_path, np.repeat(np.arange(3) * 10_000, 5))
    assert "number the classes from 0 without gaps" in one_line_error(*train)


@pytest.mark.parametrize("name", CLASSES)
def test_classes_are_trained_on(tmp_path: Path, name: str) -> None:
    path = table(tmp_path, CLASSES[name])
    succeed("train", "--data", path, "--epochs", 1, "--hidden", 2, "--val-fraction", 0.4,
            "--out", tmp_path / "out")  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "npz"])
@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_quantities_are_refused_with_a_remedy(tmp_path: Path, name: str, kind: str) -> None:
    with pytest.raises(ValueError, match=r"looks like regression.*MLPRegressor") as caught:
        load(table(tmp_path, IMPOSSIBLE[name], kind))
    message = str(caught.value)
    assert "\n" not in message
    if kind == "csv":
        assert message.startswith(f"{tmp_path / 'table.csv'}, line ")


@pytest.mark.parametrize(
    ("y", "problem"),
    [
        ([0.5] + [1, 2, 3] * 50, "'0.5', which is no whole number: correct it"),
        ([0.5, 1.5] + [1, 2, 3] * 100, "'0.5', which is no whole number: correct it"),
        ([-1, -1, 0, 1], "'-1', which is out of range: correct it"),
        (["", *"123" * 100], "'', which is missing: correct it"),
    ],
)
def test_slips_are_still_to_be_corrected(y: ArrayLike, problem: str) -> None:
    with pytest.raises(LabelError, match=problem):
        as_classes(np.asarray(y))


def test_words_among_fractions_are_classes_as_they_were() -> None:
    assert as_classes(np.array(["1.5", "2.5", "beta", "beta"], object))[1] == ("1.5", "2.5", "beta")


@pytest.mark.parametrize("label", [0, 1, 7, "cat"])
@pytest.mark.parametrize("command", ["train", "profile"])
def test_one_label_alone_is_refused_by_its_name(
    tmp_path: Path, label: int | str, command: str
) -> None:
    path = table(tmp_path, [label] * 20)
    line = one_line_error(command, "--data", path, "--out", tmp_path / "out")
    assert f"table.csv has the label {label} only: give data with two classes" in line
