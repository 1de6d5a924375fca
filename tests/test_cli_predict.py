"""The CSV that `fastmlp predict` writes: its columns, their names, and what names the rows."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_tools import N_FEATURES, easy_digits, one_line_error, run, succeed, write_csv

from fastmlp import MLP

X, Y = easy_digits()


def saved(path: Path, n_features: int = N_FEATURES, names: tuple[str, ...] | None = None) -> Path:
    network = MLP(n_features, 4, 3, random_state=0, dtype="float32", input_scale=255)
    network.class_names = names
    network.save(path)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(tmp_path / "model.safetensors", names=("a", 'b, "c"', "d\re"))


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "test.csv", X)


def predicted(model: Path, data: Path, *options: object) -> str:
    out = data.with_name("out.csv")
    succeed("predict", model, "--data", data, "-o", out, *options)
    return out.read_bytes().decode()


@pytest.mark.parametrize(
    ("n_features", "header"),
    [(4, "row,label"), (9, "row,label"), (16, "ImageId,Label"), (20, "row,label")],
)
def test_only_images_are_called_so(tmp_path: Path, n_features: int, header: str) -> None:
    model = saved(tmp_path / "m.safetensors", n_features)
    x, _ = easy_digits(n_features=n_features)
    text = predicted(model, write_csv(tmp_path / "test.csv", x))
    assert text.splitlines()[0] == header
    assert text.splitlines()[1].startswith("1,")


def test_the_header_can_be_left_out(model: Path, csv: Path) -> None:
    with_header = predicted(model, csv)
    assert with_header == "ImageId,Label\n" + predicted(model, csv, "--no-header")
    assert with_header == predicted(model, csv, "--header")


def test_the_first_column_can_be_named(model: Path, csv: Path) -> None:
    assert predicted(model, csv, "--id-column", "Id, or so").startswith('"Id, or so",Label\n1,')


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_column_that_is_named_as_the_ids_is_no_pixel(
    tmp_path: Path, model: Path, kind: str
) -> None:
    frame = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(N_FEATURES)])
    frame["PassengerId"] = [f"p{i}" for i in range(len(X))]
    frame.insert(0, "label", Y)
    data = tmp_path / f"test.{kind}"
    if kind == "csv":
        frame.to_csv(data, index=False)
    else:
        frame.to_parquet(data, index=False)
    text = predicted(model, data, "--id-column", "passengerid")
    assert text.startswith("passengerid,Label\np0,")
    option = ("--id-column", "PassengerId")
    run_of = tmp_path / "run"
    succeed("train", "--data", data, "--epochs", 1, "--out", run_of, *option)
    assert MLP.load(run_of).layer_sizes[0] == N_FEATURES
    succeed("evaluate", run_of, "--data", data, *option)


def test_probabilities_have_a_column_for_each_class(model: Path, csv: Path) -> None:
    text = predicted(model, csv, "--proba")
    assert text.startswith('ImageId,a,"b, ""c""","d\re"\n1,')
    frame = pd.read_csv(io.StringIO(text, newline=""), index_col="ImageId")
    assert list(frame.columns) == ["a", 'b, "c"', "d\re"]
    expected = MLP.load(model).predict_proba(X.astype(np.uint8))
    np.testing.assert_array_equal(frame.to_numpy(np.float32), expected)  # with every digit
    labels = pd.read_csv(io.StringIO(predicted(model, csv), newline=""))["Label"]
    np.testing.assert_array_equal(frame.columns[expected.argmax(axis=1)], labels)
    assert predicted(model, csv, "--proba", "--no-header") == text.partition("\n")[2]


def test_classes_without_names_are_called_by_their_numbers(tmp_path: Path, csv: Path) -> None:
    model = saved(tmp_path / "m.safetensors")
    assert predicted(model, csv, "--proba").startswith("ImageId,0,1,2\n1,0.")


def test_a_name_never_breaks_a_line(model: Path, csv: Path) -> None:
    network = MLP.load(model)
    network.b2 = np.array([[0, 0, 99]], np.float32)
    network.save(model)
    lines = predicted(model, csv).split("\n")
    assert lines[1:3] == ['1,"d\re"', '2,"d\re"']


def test_rows_of_files_are_counted_from_1(tmp_path: Path) -> None:
    y = [0, 1, -1] * 20
    np.savez(tmp_path / "bad.npz", x=X.astype(np.uint8), y=y)
    line = one_line_error("train", "--data", tmp_path / "bad.npz", "--out", tmp_path / "out")
    assert "bad.npz: row 3 (counted from 1) has the label '-1'" in line


@pytest.mark.parametrize("names", ["features", "pixels"])
def test_only_a_table_of_pixels_is_one_of_images(tmp_path: Path, names: str) -> None:
    columns = [*"abcdefghijklmnop"] if names == "features" else [f"pixel{i}" for i in range(16)]
    data = tmp_path / "table.csv"
    pd.DataFrame(X, columns=columns).assign(label=Y).to_csv(data, index=False)
    result = succeed("train", "--data", data, "--epochs", 1, "--out", tmp_path / "run")
    assert f"60 rows of 16 {names}," in result.stdout
    pictures = {"sample.png", "mistakes.png"} & {path.name for path in (tmp_path / "run").iterdir()}
    header = predicted(tmp_path / "run", data).partition("\n")[0]
    if names == "features":
        assert "Rows of 16 numbers are features, no images: no sample" in result.stdout
        assert (pictures, header) == (set(), "row,label")
    else:
        assert "no sample" not in result.stdout
        assert (len(pictures), header) == (2, "ImageId,Label")


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize("given", ["pixel3", " PIXEL3"])
def test_a_feature_names_no_rows(tmp_path: Path, command: str, given: str) -> None:
    data = write_csv(tmp_path / "train.csv", X, Y)
    out = tmp_path / "run"
    succeed("train", "--data", data, "--epochs", 1, "--out", out)
    line = one_line_error(command, out, "--data", data, "--id-column", given)
    assert f"--id-column is {given!r}, which is a feature that {out} was trained on: give" in line


def test_one_is_no_plural(tmp_path: Path) -> None:
    model = saved(tmp_path / "m.safetensors", 1)
    data = write_csv(tmp_path / "one.csv", X[:1, :1] % 2, Y[:1])
    result = run("predict", model, "--data", data, "-o", tmp_path / "out.csv")
    assert result.stderr.startswith(f"{data}: 1 row of 1 pixel, ")
    assert ", 1 class from 0 to 0, " in result.stderr
    assert "Wrote 1 label to " in result.output
    assert "1 of 1 row of" in run("evaluate", model, "--data", data).stdout.replace("0 of", "1 of")
    line = one_line_error("predict", model, "--data", write_csv(tmp_path / "two.csv", X[:, :2]))
    assert "two.csv has 2 pixels a row" in line
    assert "give rows of 1 pixel, or train" in line
