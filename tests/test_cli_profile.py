"""`fastmlp profile`: what it prints, the files it leaves, and bad input."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cli_tools import N_FEATURES, easy_digits, one_line_error, run, succeed, write_csv
from estimator_tools import quiet

import fastmlp
from fastmlp import MLP, profiling

X, Y = easy_digits()
pytestmark = pytest.mark.usefixtures("quick")


def test_it_shows_the_stages_and_leaves_a_table_and_a_picture(tmp_path: Path, csv: Path) -> None:
    out = tmp_path / "out"
    result = succeed("profile", "--data", csv, "--hidden", "8,6", "--epochs", 2, "--batch-size", 16,
                     "--dtype", "float64", "--threads", 1, "--out", out)  # fmt: skip
    assert f"An epoch of 60 rows: {N_FEATURES}-8-6-3, batch 16, float64, 1 thread" in result.stdout
    shown = re.findall(r"^([a-z]+(?: \d)?)  .*[%-]$", result.stdout, re.MULTILINE)
    frame = pd.read_csv(out / "profile.csv", index_col="stage")
    assert shown == list(frame.index)
    assert shown[:5] == ["gather", "forward 1", "forward 2", "forward 3", "loss"]
    assert shown[-3:] == ["wait", "outside", "total"]
    assert frame.loc["total", "share"] == pytest.approx(1)
    assert (out / "roofline.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in out.iterdir()) == ["profile.csv", "roofline.png"]
    assert re.search(r"1 thread: [\d,]+ rows/s\n", result.stdout)
    assert "- Advice: train in float32" in result.stdout
    assert result.stdout.index("Peak: ") < result.stdout.index(f"In {out}:")
    assert result.stdout.rstrip().endswith("each stage below the machine's limits, drawn")


def test_links_in_its_folder_are_not_followed(tmp_path: Path, csv: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "precious").write_text("precious")
    for name in ("profile.csv", "roofline.png"):
        (tmp_path / "out" / name).symlink_to(tmp_path / "precious")
    arguments = ["profile", "--data", csv, "--epochs", 1, "--out", tmp_path / "out"]
    error = one_line_error(*arguments)
    assert "holds a run already (profile.csv, roofline.png)" in error
    assert "with --overwrite" in error
    succeed(*arguments, "--overwrite")
    assert (tmp_path / "precious").read_text() == "precious"
    assert not any(path.is_symlink() for path in (tmp_path / "out").iterdir())


def test_arguments_reach_the_profile(
    tmp_path: Path, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    original = profiling.profile

    def spy(network, x, y, epochs, **options):
        calls.append((network, x, y, epochs, options))
        return original(network, x, y, epochs, **options)

    monkeypatch.setattr(profiling, "profile", spy)
    succeed("profile", "--data", csv, "--lr", 0.2, "--l2", 0.01, "--seed", 5, "--threads", 2,
            "--epochs", 1, "--batch-size", 7, "--out", tmp_path / "out")  # fmt: skip
    ((network, x, y, epochs, options),) = calls
    assert network.layer_sizes == (N_FEATURES, 64, 3)
    assert (network.learning_rate, network.n_threads, network.dtype) == (0.2, 2, np.float32)
    assert network.input_scale == 255
    weights = MLP(N_FEATURES, 64, 3, random_state=5, dtype="float32").weights
    np.testing.assert_array_equal(network.w1, weights[0])
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)
    assert (epochs, options["batch_size"], options["lambda_reg"]) == (1, 7, 0.01)


def test_the_parts_of_the_network_are_those_asked_for(tmp_path: Path, csv: Path) -> None:
    result = succeed("profile", "--data", csv, "--hidden", "8,6", "--epochs", 1,
                     "--optimizer", "adam", "--activation", "tanh", "--dropout", 0.25,
                     "--threads", 1, "--out", tmp_path / "out")  # fmt: skip
    shown = " ".join(result.stdout.split())
    assert "16-8-6-3, tanh, adam, dropout 0.25, batch 60, float32, 1 thread" in shown


@pytest.mark.parametrize("kind", ["MLP", "MLPClassifier", "MLPRegressor"])
def test_saved_models_are_trained_as_they_are_set(tmp_path: Path, csv: Path, kind: str) -> None:
    settings: dict[str, Any] = {"random_state": 0}
    if kind == "MLP":
        model = fastmlp.MLP(N_FEATURES, 9, 3, optimizer="adam", input_scale=255, **settings)
    else:
        made = getattr(fastmlp, kind)(hidden_layer_sizes=9, batch_size=20, max_iter=2, **settings)
        model = quiet(made, X / np.float32(255), Y)
    model.save(tmp_path / "model")
    arguments = ["profile", "--data", csv, "--model", tmp_path / "model", "--epochs", 1]
    result = succeed(*arguments, "--out", tmp_path / "out")
    shown = " ".join(result.stdout.split())
    n_outputs = 1 if kind == "MLPRegressor" else 3
    batch, dtype = (60, "float64") if kind == "MLP" else (20, "float32")
    assert f"{N_FEATURES}-9-{n_outputs}, " in shown
    assert re.search(rf"adam, .*batch {batch}, {dtype}", shown)
    arguments += ["--out", tmp_path / "other"]
    assert "--hidden is given with --model" in one_line_error(*arguments, "--hidden", 8)
    if kind != "MLP":
        assert "--l2 is given with --model" in one_line_error(*arguments, "--l2", 0.1)
    assert not (tmp_path / "other").exists()


def test_a_model_of_a_table_is_refused(tmp_path: Path, csv: Path) -> None:
    fastmlp.TableRegressor(n_members=2, max_seconds=1).fit(X, Y * 1.0).save(tmp_path / "model")
    error = one_line_error(
        "profile", "--data", csv, "--model", tmp_path / "model", "--out", tmp_path / "out"
    )
    assert "model was trained on a table, and is 2 networks" in error


def test_without_out_the_folder_is_a_new_one(
    tmp_path: Path, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("fastmlp-profile", "fastmlp-profile-2"):
        result = succeed("profile", "--data", csv, "--epochs", 1)
        assert f"In {folder}:" in result.stdout
        assert (tmp_path / folder / "roofline.png").exists()


def test_it_speaks_of_the_built_in_digits_and_of_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastmlp import data

    monkeypatch.setattr(data, "make_digits", lambda progress: (X.astype(np.uint8), Y))
    result = succeed("profile", "--epochs", 1, "--out", tmp_path / "out")
    assert result.stdout.startswith("These are built-in digits")
    assert "Training ..." in result.stderr


BAD = {
    "hidden": (["--hidden", "64,x"], "--hidden is '64,x'"),
    "epochs": (["--epochs", "0"], "--epochs"),
    "decay": (["--lr", "10", "--l2", "1"], "--lr * --l2 is 10"),
    "rate": (["--lr", "-1"], "--lr is -1"),
    "dtype": (["--dtype", "float16"], "--dtype"),
    "threads": (["--threads", "0"], "--threads"),
    "overwrite": (["--overwrite"], "name that folder with --out"),
    "missing": (["--data", "nowhere.csv"], "nowhere.csv"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named_and_no_folder_is_left(
    tmp_path: Path, csv: Path, name: str
) -> None:
    arguments, message = BAD[name]
    out = [] if name == "overwrite" else ["--out", tmp_path / "out"]
    error = one_line_error("profile", "--data", csv, *out, *arguments)
    assert message in error
    assert not (tmp_path / "out").exists()


def test_rows_without_labels_or_classes_are_refused(tmp_path: Path) -> None:
    bare = write_csv(tmp_path / "bare.csv", X)
    assert "bare.csv has no labels, and profile needs them" in one_line_error(
        "profile", "--data", bare, "--out", tmp_path / "out"
    )
    one = write_csv(tmp_path / "one.csv", X, np.zeros_like(Y))
    assert "one.csv has the label 0 only" in one_line_error(
        "profile", "--data", one, "--out", tmp_path / "out"
    )
    assert not (tmp_path / "out").exists()


def test_a_folder_that_can_t_be_made_is_named(tmp_path: Path, csv: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    error = one_line_error("profile", "--data", csv, "--out", blocked / "out")
    assert "can't make the folder" in error
    assert "--out" in error


def test_a_narrow_terminal_gets_every_digit(
    tmp_path: Path, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    result = run("profile", "--data", csv, "--epochs", 1, "--out", tmp_path / "out")
    assert "\u2026" not in result.stdout
    assert re.search(r"^stage +ms +share +GFLOP/s +of peak .*of memory$", result.stdout, re.M)


def test_the_help_lists_it() -> None:
    assert "profile" in run("--help").stdout
    assert "--batch-size" in run("profile", "--help").stdout


def test_a_column_of_ids_can_be_named(tmp_path: Path) -> None:
    table = pd.DataFrame(X, columns=[f"pixel{i}" for i in range(N_FEATURES)]).assign(label=Y)
    table.insert(3, "PassengerId", range(900, 960))
    table.to_csv(tmp_path / "train.csv", index=False)
    result = succeed("profile", "--data", tmp_path / "train.csv", "--epochs", 1, "--out",
                     tmp_path / "out", "--id-column", "PassengerId")  # fmt: skip
    assert f": 60 rows of {N_FEATURES} pixels, " in result.stdout
    assert "column 'PassengerId' names the rows" in result.stdout
