"""`fastmlp evaluate` and `fastmlp predict`: what they print and write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cli_tools import (
    N_FEATURES,
    easy_digits,
    one_line_error,
    run,
    start,
    succeed,
    write_csv,
    write_idx,
)

from fastmlp import MLP

X, Y = easy_digits()
NEEDS_PIPES = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that is right about most rows, but not about all of them."""
    network = MLP(N_FEATURES, 8, 3, 0.1, random_state=0, dtype="float32", input_scale=255)
    network.train(X[:30].astype(np.uint8), Y[:30], epochs=12, batch_size=4, verbose=False)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    network.save(path)
    return path


@pytest.fixture
def probabilities(model: Path) -> np.ndarray:
    return MLP.load(model).predict_proba(X.astype(np.uint8))


def flipped(n_wrong: int) -> np.ndarray:
    """Labels of which the first are wrong, so that a good network's mistakes are known."""
    y = Y.copy()
    y[:n_wrong] = (y[:n_wrong] + 1) % 3
    return y


def test_the_model_of_these_tests_is_good(probabilities: np.ndarray) -> None:
    np.testing.assert_array_equal(probabilities.argmax(axis=1), Y)


@pytest.mark.parametrize("n_wrong", [0, 7])
def test_the_first_line_is_the_accuracy(model: Path, tmp_path: Path, n_wrong: int) -> None:
    data = write_csv(tmp_path / "data.csv", X, flipped(n_wrong))
    result = succeed("evaluate", model, "--data", data)
    expected = {0: "Accuracy: 100.00 %", 7: "Accuracy: 88.33 %"}[n_wrong]
    assert result.stdout.splitlines()[0] == expected
    assert f"{60 - n_wrong} of 60 rows" in result.stdout


def test_the_confusion_matrix_counts_true_labels_by_prediction(model: Path, tmp_path: Path) -> None:
    # Rows 0 to 6 bear labels 1 2 0 1 2 0 1, and are taken for 0 1 2 0 1 2 0.
    result = run("evaluate", model, "--data", write_csv(tmp_path / "data.csv", X, flipped(7)))
    lines = result.stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Confusion"))
    assert lines[start + 1].split() == ["0", "1", "2", "right"]
    assert lines[start + 2].split() == ["0", "17", "·", "2", "89.5", "%"]
    assert lines[start + 3].split() == ["1", "3", "18", "·", "85.7", "%"]
    assert lines[start + 4].split() == ["2", "·", "2", "18", "90.0", "%"]


def test_the_worst_rows_are_the_most_confident_mistakes(
    model: Path, tmp_path: Path, probabilities: np.ndarray
) -> None:
    result = run("evaluate", model, "--data", write_csv(tmp_path / "data.csv", X, flipped(12)))
    lines = result.stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Worst rows"))
    assert "the 10 most confident of 12 mistakes" in lines[start]
    shown = [line.split() for line in lines[start + 2 :]]
    worst = np.argsort(-probabilities[:12].max(axis=1), kind="stable")[:10]
    assert [int(cells[0]) for cells in shown] == [row + 1 for row in worst]
    row = worst[0]
    assert shown[0][1:3] == [str(flipped(12)[row]), str(Y[row])]
    assert shown[0][3] == f"{100 * probabilities[row].max():.1f}"


def test_many_classes_lose_no_digit_in_a_narrow_pipe(tmp_path: Path) -> None:
    network = MLP(N_FEATURES, 4, 30, random_state=0, input_scale=255)
    network.save(tmp_path / "m.safetensors")
    data = write_csv(tmp_path / "data.csv", *easy_digits(3000, 30))
    result = run("evaluate", tmp_path / "m.safetensors", "--data", data)
    lines = result.stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Confusion"))
    assert lines[start + 1].split() == [*map(str, range(30)), "right"]
    assert "…" not in result.stdout


def test_evaluate_takes_the_folder_of_a_run_and_prefers_the_test_pair(
    model: Path, tmp_path: Path
) -> None:
    write_idx(tmp_path / "idx", X, Y)
    write_idx(tmp_path / "idx", X[:20], Y[:20], part="t10k")
    result = succeed("evaluate", model.parent, "--data", tmp_path / "idx")
    assert "20 of 20 rows" in result.stdout


def test_predict_writes_kaggle_s_layout(model: Path, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "test.csv", X)
    succeed("predict", model, "--data", data, "-o", tmp_path / "submission.csv")
    assert (tmp_path / "submission.csv").read_bytes().startswith(b"ImageId,Label\n1,0\n2,1\n3,2\n")
    submission = pd.read_csv(tmp_path / "submission.csv")
    assert list(submission["ImageId"]) == list(range(1, 61))
    np.testing.assert_array_equal(submission["Label"], Y)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["submission.csv", "test.csv"]


def test_predict_ignores_a_label_column(model: Path, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "labelled.csv", X, flipped(60))
    succeed("predict", model, "--data", data, "--out", tmp_path / "submission.csv")
    np.testing.assert_array_equal(pd.read_csv(tmp_path / "submission.csv")["Label"], Y)


def test_predict_writes_to_a_pipe(model: Path, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "test.csv", X)
    code = "from fastmlp.cli import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", code, "predict", model, "--data", data, "-o", "/dev/stdout"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ImageId,Label\n1,0\n")
    assert len(done.stdout.splitlines()) == 61


@pytest.fixture
def run_of_csv(tmp_path: Path) -> tuple[Path, Path]:
    """A run's folder, and the file that it was trained on."""
    csv = write_csv(tmp_path / "train.csv", X, flipped(30))
    succeed("train", "--data", csv, "--epochs", 1, "--seed", 3, "--val-fraction", 0.25,
            "--out", tmp_path / "run")  # fmt: skip
    return tmp_path / "run", csv


def test_rows_that_were_trained_on_are_told_apart(run_of_csv: tuple[Path, Path]) -> None:
    folder, csv = run_of_csv
    from fastmlp.data import train_val_split

    y, x = flipped(30), X.astype(np.uint8)
    x_train, y_train, x_val, y_val = train_val_split(x, y, 0.25, 3)
    network = MLP.load(folder)
    for model in (folder, folder / "model.safetensors"):
        lines = run("evaluate", model, "--data", csv).stdout.splitlines()
        score = 100 * network.score(x_val, y_val)
        assert lines[0] == f"Accuracy: {score:.2f} % on the validation rows"
        n_right = np.sum(network.predict(x_val) == y_val)
        assert lines[1].startswith(f"{n_right} of 15 rows of ")
        assert lines[2].startswith(
            "The model was trained on the other 45 of these 60 rows (75 %), of which "
            f"{100 * network.score(x_train, y_train):.2f} % are right"
        )
    assert pd.read_csv(folder / "history.csv")["val_accuracy"].iloc[-1] == n_right / 15
    start = next(i for i, line in enumerate(lines) if line.startswith("Confusion"))
    assert "of the validation rows" in lines[start]
    counts = [cell for line in lines[start + 2 : start + 5] for cell in line.split()[1:4]]
    assert sum(int(count) for count in counts if count != "·") == 15
    start = next(i for i, line in enumerate(lines) if line.startswith("Worst rows"))
    for line in lines[start + 2 :]:
        row, true = map(int, line.split()[:2])
        assert y[row - 1] == true
        assert (x_val == x[row - 1]).all(axis=1).any()


@pytest.mark.parametrize("change", [
    "other rows", "other model", "no file", "nonsense", "a list", "depth", "length",
    pytest.param("pipe", marks=NEEDS_PIPES),
    {"seed": "x"}, {"seed": -1}, {"seed": None}, {"val_fraction": "x"}, {"val_fraction": 2.0},
    {"val_fraction": float("nan")}, {"val_fraction": 1e-9},
], ids=str)  # fmt: skip
def test_nothing_is_said_of_other_rows_or_models(
    run_of_csv: tuple[Path, Path], change: str | dict[str, Any]
) -> None:
    folder, csv = run_of_csv
    split = folder / "split.json"
    if isinstance(change, dict):
        split.write_text(json.dumps(json.loads(split.read_text()) | change))
    elif change == "other rows":
        write_csv(csv, X[::-1], flipped(30)[::-1])
    elif change == "other model":
        MLP(N_FEATURES, 8, 3, random_state=1, input_scale=255).save(folder / "model.safetensors")
    elif change == "no file":
        split.unlink()
    elif change == "pipe":
        split.unlink()
        os.mkfifo(split)
    else:
        texts = {"nonsense": "{", "a list": "[1]", "depth": "[" * 9000}
        texts["length"] = split.read_text() + " " * 10_000
        split.write_text(texts[change])
    result = succeed("evaluate", folder, "--data", csv)
    assert "validation rows" not in result.stdout
    assert "of 60 rows" in result.stdout


def test_a_model_without_classes_is_for_python(tmp_path: Path) -> None:
    MLP(N_FEATURES, 4, 3, loss="squared_error", random_state=0).save(tmp_path / "m.safetensors")
    data = write_csv(tmp_path / "data.csv", X, Y)
    for command in (["evaluate"], ["predict", "-o", tmp_path / "out.csv"]):
        line = one_line_error(command[0], tmp_path / "m.safetensors", "--data", data, *command[1:])
        assert "was trained with the loss 'squared_error', which knows no classes: use it" in line


@pytest.mark.parametrize("out", [[], ["-o", "-"]])
def test_predict_writes_to_standard_output(model: Path, tmp_path: Path, out: list[str]) -> None:
    data = write_csv(tmp_path / "test.csv", X)
    process = start("predict", model, "--data", data, *out, cwd=tmp_path)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    assert stdout.startswith(b"ImageId,Label\n1,0\n")  # no \r, no word to the user
    assert stdout.count(b"\n") == 61
    assert b"60 rows" in stderr
    assert [path.name for path in tmp_path.iterdir()] == ["test.csv"]


def test_predict_prints_names_as_they_are(tmp_path: Path) -> None:
    network = MLP(N_FEATURES, 8, 3, random_state=0, dtype="float32", input_scale=255)
    words = np.array(["zéro", "→", "deux"])
    network.train(X.astype(np.uint8), words[Y], 1, verbose=False, class_names=words)
    network.save(tmp_path / "model.safetensors")
    data = write_csv(tmp_path / "test.csv", X)
    succeed("predict", tmp_path, "--data", data, "-o", tmp_path / "out.csv")
    process = start("predict", tmp_path, "--data", data, env={"PYTHONIOENCODING": "ascii"})
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    assert stdout == (tmp_path / "out.csv").read_bytes()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_predict_says_that_standard_output_is_full(model: Path, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "test.csv", X)
    with Path("/dev/full").open("wb") as full:
        process = start("predict", model, "--data", data, stdout=full)
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "can't write to standard output: No space left on device" in stderr.decode()
