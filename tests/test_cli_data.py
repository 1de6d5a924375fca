"""The command line on the files that circulate: what it says about them, names and scales."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cli_tools import N_FEATURES, easy_digits, one_line_error, run, write_csv

from fastmlp import MLP

X, Y = easy_digits()
WORDS = np.array(["cat", "[b]dog", "ape, big"])  # sorted, the dog comes first
FIT = ("--epochs", 40, "--batch-size", 4, "--hidden", 8, "--lr", 0.2, "--out")


def table(y: Any, x: np.ndarray = X, name: str = "label") -> pd.DataFrame:
    frame = pd.DataFrame(x, columns=[f"pixel{i}" for i in range(x.shape[1])])
    if y is not None:
        frame.insert(0, name, y)
    return frame


def shown(result: Any) -> list[str]:
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def train(tmp_path: Path, data: Path, *options: object) -> Path:
    out = tmp_path / f"run-of-{data.stem}"
    shown(run("train", "--data", data, *FIT, out, *options))
    return out


def accuracy(model: Path, data: Path, *options: object) -> tuple[float, str]:
    result = run("evaluate", model, "--data", data, *options)
    (figure,) = re.findall(r"Accuracy: (.*) %", shown(result)[0])
    return float(figure), result.stderr


@pytest.mark.parametrize("command", ["train", "profile"])
def test_one_line_says_what_was_found(tmp_path: Path, command: str) -> None:
    data = write_csv(tmp_path / "a.csv", X, Y)
    lines = shown(run(command, "--data", data, "--epochs", 1, "--out", tmp_path / "out"))
    assert lines[0] == (
        f"{data}: 60 rows of 16 pixels, CSV with commas and a header, labels: column 'label', "
        f"3 classes from 0 to 2, whole numbers from {X.min()} to {X.max()}, divided by 255"
    )


def test_classes_may_be_words_from_train_to_predict(tmp_path: Path) -> None:
    data = tmp_path / "words.csv"
    table(WORDS[Y], name="class").to_csv(data, index=False, sep=";")
    model = train(tmp_path, data)
    assert MLP.load(model).class_names == ("[b]dog", "ape, big", "cat")
    result = run("evaluate", model, "--data", data)
    lines = shown(result)
    start = next(i for i, line in enumerate(lines) if line.startswith("Confusion"))
    assert re.split(r" {2,}", lines[start + 1].strip()) == ["[b]dog", "ape, big", "cat", "right"]
    assert [line.split("  ")[0].strip() for line in lines[start + 2 : start + 5]] == [
        "[b]dog", "ape, big", "cat",
    ]  # fmt: skip
    shown(run("predict", model, "--data", data, "-o", tmp_path / "out.csv"))
    predicted = pd.read_csv(tmp_path / "out.csv")["Label"]
    assert np.mean(predicted == WORDS[Y]) > 0.9

    # Other files number or name the classes in an order of their own.
    fewer = tmp_path / "fewer.csv"
    table(WORDS[Y])[Y != 1].to_csv(fewer, index=False)
    assert accuracy(model, fewer)[0] > 90
    numbers = tmp_path / "numbers.csv"
    table(np.array([2, 0, 1])[Y]).to_csv(numbers, index=False)
    figure, said = accuracy(model, numbers)
    assert figure > 90
    assert "in the order of the names: 0 for [b]dog, 1 for ape, big, 2 for cat." in said
    foreign = tmp_path / "foreign.csv"
    table(np.where(Y == 1, "cow", WORDS[Y])).to_csv(foreign, index=False)
    line = one_line_error("evaluate", model, "--data", foreign)
    assert "foreign.csv holds the label 'cow'" in line
    assert "knows [b]dog, ape, big, cat: train" in line
    table(Y + 5).to_csv(foreign, index=False)
    assert "holds the label '5'" in one_line_error("evaluate", model, "--data", foreign)


def test_words_are_foreign_to_a_model_of_numbers(tmp_path: Path) -> None:
    model = train(tmp_path, write_csv(tmp_path / "a.csv", X, Y))
    words = tmp_path / "words.csv"
    table(WORDS[Y]).to_csv(words, index=False)
    line = one_line_error("evaluate", model, "--data", words)
    assert "knows 0 to 2: give numbers for labels" in line


def test_label_and_scale_reach_every_command(tmp_path: Path) -> None:
    data = tmp_path / "a.csv"
    x = X * 4.0 - 100.5
    table(Y, x, name="digit").to_csv(data, index=False)
    assert "has no labels" in one_line_error("train", "--data", data, "--scale", 1000)
    line = one_line_error("train", "--data", data, "--label", "digit")
    assert "--scale" in line
    for scale in (0, -1, "nan", "inf"):
        assert "--scale" in one_line_error("train", "--data", data, f"--scale={scale}")
    options = ("--label", "digit", "--scale", 1000)
    model = train(tmp_path, data, *options)
    assert MLP.load(model).input_scale == 1000
    for scale in ((), ("--scale", 1000)):
        figure, said = accuracy(model, data, "--label", "digit", *scale)
        assert figure > 90
        assert "divided by 1000" in said
        assert "Warning" not in said
    out = ("-o", tmp_path / "out.csv")
    shown(run("predict", model, "--data", data, "--label", "first", *out))
    assert np.mean(pd.read_csv(tmp_path / "out.csv")["Label"] == Y) > 0.9
    line = one_line_error("predict", model, "--data", data, *out)
    assert "a.csv has the column 'digit': give" in line
    assert "a column of labels is named with --label" in line
    shown(run("profile", "--data", data, "--epochs", 1, *options, "--out", tmp_path / "p"))


def test_max_bytes_reaches_every_command(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "a.csv", X, Y)
    model = train(tmp_path, data, "--max-bytes", 10**6)
    for command in (("train",), ("profile",), ("evaluate", model), ("predict", model)):
        line = one_line_error(*command, "--data", data, "--max-bytes", 1000)
        assert f"{data} takes more than 1,000 bytes: " in line
        assert "--max-bytes" in line


def test_zeros_and_ones_are_not_divided_and_the_model_file_keeps_that(tmp_path: Path) -> None:
    bits = write_csv(tmp_path / "bits.csv", X // 100, Y)
    assert (X // 100).max() == 2
    bits = write_csv(tmp_path / "bits.csv", X // 150, Y)
    model = train(tmp_path, bits)
    assert MLP.load(model).input_scale == 1
    figure, said = accuracy(model, bits)
    assert figure > 80
    assert "Warning" not in said
    grey = write_csv(tmp_path / "grey.csv", (X // 150) * 200, Y)
    result = run("evaluate", model, "--data", grey)
    shown(result)
    assert "whole numbers from 0 to 200, not divided\nWarning: pixels of" in result.stderr
    assert "go from 0 to 200" in result.stderr
    assert "these are not divided; give --scale 255 if that is wrong" in result.stderr
    figure_of_scaled, said = accuracy(model, grey, "--scale", 200)
    assert figure_of_scaled == figure
    assert "Warning" not in said


def test_a_model_of_grey_levels_divides_zeros_and_ones_as_it_divides_all(tmp_path: Path) -> None:
    model = train(tmp_path, write_csv(tmp_path / "a.csv", X, Y))
    bits = write_csv(tmp_path / "bits.csv", X // 150)
    out = tmp_path / "out.csv"
    result = run("predict", model, "--data", bits, "-o", out)
    shown(result)
    assert "these are divided by 255 too; give --scale 1 if that is wrong" in result.stderr
    expected = MLP.load(model).predict((X // 150).astype(np.uint8))
    np.testing.assert_array_equal(pd.read_csv(out)["Label"], expected)
    fractions = tmp_path / "fractions.csv"
    table(Y, X / 255).to_csv(fractions, index=False)
    figure, said = accuracy(model, fractions)
    assert figure == accuracy(model, tmp_path / "a.csv")[0]
    assert "taken as divided already" in said


def test_a_model_of_small_numbers_divides_later_files_by_its_own_scale(tmp_path: Path) -> None:
    x = X // 16
    assert x.max() == 14
    x[0, 0] = 16
    data = write_csv(tmp_path / "a.csv", x, Y)
    model = train(tmp_path, data)
    assert MLP.load(model).input_scale == 16
    fewer = write_csv(tmp_path / "fewer.csv", x[1:], Y[1:])
    _, said = accuracy(model, fewer)
    assert "from 0 to 14, divided by 16\n" in said
    assert "Warning" not in said
    out = tmp_path / "out.csv"
    shown(run("predict", model, "--data", fewer, "-o", out))
    expected = MLP.load(model).predict(x[1:] / 16)
    np.testing.assert_array_equal(pd.read_csv(out)["Label"], expected)
    _, said = accuracy(model, write_csv(tmp_path / "more.csv", x + 4, Y))
    assert "Warning" not in said  # 20 is not far from 16
    _, said = accuracy(model, write_csv(tmp_path / "far.csv", x * 5, Y))
    assert "these are divided by 16; give --scale 80 if that is wrong" in said
    _, said = accuracy(model, write_csv(tmp_path / "grey.csv", X, Y))
    assert "these are divided by 16; give --scale 255 if that is wrong" in said


def test_a_table_of_a_few_columns_has_no_pixels(tmp_path: Path) -> None:
    data = tmp_path / "flowers.csv"
    flowers = table(Y, X[:, :4]).rename(
        columns={f"pixel{i}": name for i, name in enumerate("abcd")}
    )
    flowers.to_csv(data, index=False)
    said = shown(run("train", "--data", data, *FIT, tmp_path / "run"))[0]
    assert "60 rows of 4 features, CSV" in said
    said += run("evaluate", tmp_path / "run", "--data", data).output
    flowers.drop(columns="d").to_csv(data, index=False, header=False)
    evaluate = ("evaluate", tmp_path / "run", "--label", "first", "--data", data)
    line = one_line_error(*evaluate)
    assert "has 3 features a row" in line
    assert "give rows of 4 features" in line
    (flowers // 150).assign(label=Y).to_csv(data, index=False)
    result = run("evaluate", tmp_path / "run", "--data", data)
    assert "Warning: features of" in result.stderr
    assert "pixel" not in said + line + result.output


def test_a_model_that_does_not_say_its_scale_gets_a_word(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    MLP(N_FEATURES, 4, 3, random_state=0).save(path)
    data = write_csv(tmp_path / "a.csv", X, Y)
    _, said = accuracy(path, data)
    assert "it does not say: these are not divided; give --scale 255" in said
    _, said = accuracy(path, data, "--scale", 255)
    assert "Warning" not in said


@pytest.mark.parametrize("ids", [list(range(100, 160)), [f"img, {i}" for i in range(60)]])
def test_ids_go_into_the_submission(tmp_path: Path, ids: list[Any]) -> None:
    model = train(tmp_path, write_csv(tmp_path / "a.csv", X, Y))
    frame = table(None)
    frame.insert(0, "id", ids)
    frame.to_csv(tmp_path / "test.csv", index=False)
    out = tmp_path / "out.csv"
    result = run("predict", model, "--data", tmp_path / "test.csv", "-o", out)
    shown(result)
    assert "column 'id' names the rows and is no pixel" in result.stderr
    submission = pd.read_csv(out)
    assert submission["ImageId"].tolist() == ids
    assert np.mean(submission["Label"] == Y) > 0.9


def test_labels_with_gaps_train_as_they_are_and_evaluate_names_the_gaps(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "gaps.csv", X, Y * 2 + 1)  # 1, 3, 5
    model = train(tmp_path, data)
    assert MLP.load(model).layer_sizes[-1] == 6
    lines = shown(run("evaluate", model, "--data", data))
    assert "Classes without a row in training, which are never predicted: 0, 2, 4" in " ".join(
        lines
    )
    model = train(tmp_path, write_csv(tmp_path / "all.csv", X, Y))
    assert "without a row" not in run("evaluate", model, "--data", tmp_path / "all.csv").stdout


def test_an_index_that_pandas_saved_is_not_trained_on(tmp_path: Path) -> None:
    plain, saved = tmp_path / "plain.csv", tmp_path / "saved.csv"
    table(Y).to_csv(plain, index=False)
    table(Y).to_csv(saved)
    models = [MLP.load(train(tmp_path, path)) for path in (plain, saved)]
    np.testing.assert_array_equal(models[0].w1, models[1].w1)


def test_help_says_what_is_read() -> None:
    for command in ("train", "evaluate", "predict", "profile"):
        text = " ".join(run(command, "--help").stdout.replace("│", " ").split())
        for word in ("CSV", "IDX", ".npz", ".parquet", "--label", "--scale"):
            assert word in text


def test_help_is_wrapped_where_the_terminal_ends_and_not_in_the_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    for command, text in (("predict", "or else by its number, from 1."),
                          ("evaluate", "only those kept for validation count.")):  # fmt: skip
        assert text in run(command, "--help").stdout


def test_help_keeps_what_a_value_may_be_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command in ("train", "evaluate", "predict", "profile"):
        assert " PATH|mnist|digits " in run(command, "--help").stdout
