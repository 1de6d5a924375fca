"""The command line on tables whose columns are not those of the training, or not in its order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_tools import N_FEATURES, easy_digits, one_line_error, run, succeed
from test_model_file import rewrite_metadata

from fastmlp import MLP
from fastmlp.data import load

X, Y = easy_digits()
NAMES = [f"part {i}" for i in range(N_FEATURES)]
TABLE = pd.DataFrame(X, columns=NAMES)
BACKWARDS = TABLE[NAMES[::-1]]
WORD = "are in another order than those that"


def write(path: Path, table: pd.DataFrame, header: bool = True) -> Path:
    if path.suffix == ".parquet":
        pytest.importorskip("pyarrow")
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False, header=header)
    return path


def train(folder: Path, table: pd.DataFrame, *options: object) -> Path:
    data = write(folder / "train.csv", table)
    succeed("train", "--data", data, "--epochs", 20, "--batch-size", 4, "--lr", 0.2,
            "--out", folder / "run", *options)  # fmt: skip
    return folder / "run"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return train(tmp_path, TABLE.assign(label=Y))


def predictions(model: Path, data: Path, *options: object) -> tuple[pd.DataFrame, str]:
    out = data.with_name("out.csv")
    result = succeed("predict", model, "--data", data, "-o", out, *options)
    return pd.read_csv(out), result.stderr


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("label", [True, False])
def test_columns_are_taken_by_their_names(
    tmp_path: Path, model: Path, kind: str, label: bool
) -> None:
    assert MLP.load(model).feature_names == tuple(NAMES)
    table = BACKWARDS.assign(label=Y) if label else BACKWARDS
    data = write(tmp_path / f"other.{kind}", table)
    found, said = predictions(model, data)
    assert found["Label"].tolist() == MLP.load(model).predict(X).tolist()
    assert said.splitlines()[0].startswith(f"Columns of {data} {WORD} {model} was trained on")
    if label:
        result = run("evaluate", model, "--data", data)
        same = run("evaluate", model, "--data", write(tmp_path / "other.csv", TABLE.assign(y=Y)))
        assert result.stdout.splitlines()[0] == same.stdout.splitlines()[0]  # of the same split
        assert "on the validation rows" in result.stdout
        assert WORD in result.stderr
        assert WORD not in same.stderr


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda x: x.drop(columns="part 3"), "other.csv lacks the column 'part 3': give"),
        (lambda x: x.assign(more=1), "other.csv has the column 'more': give"),
        (
            lambda x: x.rename(columns={"part 3": "teil 3"}),
            "other.csv lacks the column 'part 3' and has the column 'teil 3': give the columns",
        ),
        (lambda x: x.add_prefix("a "), "'part 4' and 11 more and has the columns 'a part 0', "),
    ],
)
def test_missing_and_new_columns_are_refused_by_name(
    tmp_path: Path,
    model: Path,
    change: Callable[[pd.DataFrame], pd.DataFrame],
    problem: str,
    command: str,
) -> None:
    data = write(tmp_path / "other.csv", change(TABLE).assign(label=Y))
    line = one_line_error(command, model, "--data", data)
    assert problem in line
    assert "--label" not in line


def test_without_names_columns_go_by_position(tmp_path: Path, model: Path) -> None:
    expected = MLP.load(model).predict(X).tolist()
    np.savez(tmp_path / "other.npz", x=X)
    counted = TABLE.set_axis([str(i) for i in range(N_FEATURES)], axis=1)
    for data in (write(tmp_path / "bare.csv", TABLE, header=False), tmp_path / "other.npz",
                 write(tmp_path / "counted.csv", counted)):  # fmt: skip
        found, said = predictions(model, data)
        assert found["Label"].tolist() == expected
        assert WORD not in said
    rewrite_metadata(model / "model.safetensors", feature_names=None)  # an older file
    data = write(tmp_path / "other.csv", BACKWARDS)
    found, said = predictions(model, data)
    assert found["Label"].tolist() == MLP.load(model).predict(X[:, ::-1]).tolist()
    assert WORD not in said


def test_kaggles_way_from_train_to_test(tmp_path: Path) -> None:
    """The label is named, and missing from the test file; ids go on where those of train ended."""
    table = TABLE.copy()
    table.insert(0, "PassengerId", range(1, 61))
    table.insert(1, "Survived", Y)
    model = train(tmp_path, table, "--label", "Survived")
    assert MLP.load(model).feature_names == tuple(NAMES)
    test = table.drop(columns="Survived").assign(PassengerId=range(892, 952))
    data = write(tmp_path / "test.csv", test)
    found, said = predictions(model, data)
    assert found["ImageId"].tolist() == test["PassengerId"].tolist()
    assert found["Label"].tolist() == MLP.load(model).predict(X).tolist()
    assert "column 'PassengerId' names the rows and is no pixel" in said
    unnamed = one_line_error("predict", model, "--data", write(tmp_path / "train.csv", table))
    assert "train.csv has the column 'Survived': give" in unnamed
    assert "a column of labels is named with --label" in unnamed
    predictions(model, tmp_path / "train.csv", "--label", "Survived")


def test_a_known_feature_is_neither_label_nor_id(tmp_path: Path) -> None:
    """Features called y and id, and one that happens to count the rows of another file."""
    names = ["index", "y", "id", "class", *NAMES[4:]]
    table = TABLE.set_axis(names, axis=1)
    model = tmp_path / "m.safetensors"
    network = MLP(N_FEATURES, 4, 3, random_state=0, input_scale=255)
    network.train(table, Y, 20, 4, verbose=False)
    network.save(model)
    counting = table.assign(index=range(60))
    for more in ({}, {"label": Y}, {"kind": [*"abc"] * 20}):
        data = write(tmp_path / "other.csv", counting.assign(**more))
        found, _ = predictions(model, data)
        assert found["label"].tolist() == network.predict(counting).tolist()
        assert found["row"].tolist() == list(range(1, 61))
    counting.insert(0, "Unnamed: 0", range(60))
    found, said = predictions(model, write(tmp_path / "saved.csv", counting))
    assert found["label"].tolist() == network.predict(counting[names]).tolist()
    assert "is a saved index" in said


def test_a_dataset_has_the_names_of_its_features(tmp_path: Path) -> None:
    table = TABLE.assign(label=Y)
    table.insert(0, "id", range(60))
    for name in ("a.csv", "a.parquet"):
        assert load(write(tmp_path / name, table)).feature_names == tuple(NAMES)
    bare = write(tmp_path / "bare.csv", table, header=False)
    assert load(bare, label="last").feature_names is None
    np.savez(tmp_path / "a.npz", x=X)
    assert load(tmp_path / "a.npz").feature_names is None


def test_two_columns_of_one_name_go_by_position(tmp_path: Path) -> None:
    twice = TABLE.set_axis(["a", "a", *NAMES[2:]], axis=1)
    model = train(tmp_path, twice.assign(label=Y))
    assert MLP.load(model).feature_names is None
    predictions(model, write(tmp_path / "other.csv", twice))


def test_two_columns_of_one_name_are_refused_where_names_are_known(
    tmp_path: Path, model: Path
) -> None:
    twice = TABLE.set_axis(["part 1", *NAMES[1:]], axis=1)
    line = one_line_error("predict", model, "--data", write(tmp_path / "other.csv", twice))
    assert "other.csv has two columns named 'part 1': give" in line
