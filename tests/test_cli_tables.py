"""The command line on tables: recognised, trained on, evaluated, predicted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cli_table_tools import N_ROWS, customers, write
from cli_tools import names, one_line_error, run, succeed

pytest.importorskip("sklearn", "1.9")
from sklearn.metrics import log_loss, roc_auc_score

from fastmlp import TableClassifier, TableRegressor

FILES = ["history.csv", "importances.png", "learning_curves.png", "model.safetensors",
         "out_of_fold.csv", "report.html", "run.json", "table.json"]  # fmt: skip
CHURN = customers().drop(columns="spend")
SPEND = customers().drop(columns="churn")


class Trained:
    """A run, the table that it was trained on, and what was printed."""

    def __init__(self, folder: Path, table: pd.DataFrame, *options: object) -> None:
        self.data = write(folder / "table.csv", table)
        self.model = folder / "run"
        self.result = succeed("train", "--data", self.data, "--out", self.model, *options)
        self.out_of_fold = pd.read_csv(self.model / "out_of_fold.csv")


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(tmp_path_factory.mktemp("churn"), CHURN, "--label", "churn", "--seed", 1)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("spend")
    return Trained(folder, SPEND, "--label", "spend", "--id-column", "customer")


def predictions(model: Path, data: Path, *options: object) -> pd.DataFrame:
    out = data.with_name("out.csv")
    succeed("predict", model, "--data", data, "-o", out, *options)
    return pd.read_csv(out)


def figures(result: Any) -> dict[str, str]:
    return dict(line.split(": ") for line in result.stdout.splitlines()[:3])


def test_a_line_says_what_columns_were_taken_for(classes: Trained, numbers: Trained) -> None:
    line = classes.result.stdout.splitlines()[1]
    assert line == (
        "Columns: 2 numbers (months, charge), 1 Boolean (paperless), 1 date (since), 1 text "
        "(contract), left out customer; classifies column 'churn', 2 classes (no, yes)."
    )
    assert "Warning: 'customer': text with more levels" in classes.result.stderr
    line = numbers.result.stdout.splitlines()[1]
    assert "; regresses column 'spend', from -" in line
    assert "left out" not in line


def test_a_run_leaves_its_files(classes: Trained, numbers: Trained) -> None:
    assert names(classes.model) == sorted([*FILES, "confusion_matrix.png"])
    assert names(numbers.model) == sorted([*FILES, "truth_and_prediction.png"])
    for run_of in (classes, numbers):
        listed = run_of.result.stdout.split(f"In {run_of.model}")[1]
        assert all(name in listed for name in names(run_of.model))
        history = pd.read_csv(run_of.model / "history.csv")
        assert history["member"].nunique() == 5
        assert history.drop(columns=["val_loss", "val_score"]).notna().all(axis=None)


def test_out_of_fold_predictions_are_those_of_the_class(classes: Trained, numbers: Trained) -> None:
    found = classes.out_of_fold
    assert found.columns.tolist() == ["row", "truth", "prediction", "P(no)", "P(yes)"]
    assert found["row"].tolist() == list(range(1, N_ROWS + 1))
    assert found["truth"].tolist() == CHURN["churn"].tolist()
    read = pd.read_csv(classes.data)
    own = TableClassifier(random_state=1)
    with pytest.warns(UserWarning, match="more levels"):
        own.fit(read.drop(columns="churn"), read["churn"].to_numpy(object))
    # Older pandas read the last digit otherwise.
    np.testing.assert_allclose(found[["P(no)", "P(yes)"]], own.oof_predictions_, rtol=1e-12)
    assert numbers.out_of_fold["id"].tolist() == SPEND["customer"].tolist()
    assert np.corrcoef(numbers.out_of_fold["truth"], numbers.out_of_fold["prediction"])[0, 1] > 0.9


def test_evaluate_on_the_rows_of_the_training_is_out_of_fold(
    classes: Trained, numbers: Trained
) -> None:
    result = succeed("evaluate", classes.model, "--data", classes.data)
    found = classes.out_of_fold
    truth, share = found["truth"] == "yes", found["P(yes)"]
    assert figures(result) == {
        "Accuracy": f"{100 * np.mean((share > 0.5) == truth):.2f} % out of fold",
        "Log-loss": f"{log_loss(truth, share):.4f} out of fold",
        "AUC": f"{roc_auc_score(truth, share):.4f} out of fold",
    }
    for text in figures(result).values():
        assert text.removesuffix(" out of fold") in classes.result.stdout
    assert "Confusion matrix" in result.stdout
    result = succeed("evaluate", numbers.model, "--data", numbers.data)
    errors = numbers.out_of_fold["prediction"] - numbers.out_of_fold["truth"]
    assert figures(result) == {
        "R2": f"{1 - np.mean(errors**2) / SPEND['spend'].var(ddof=0):.4f} out of fold",
        "RMSE": f"{np.sqrt(np.mean(errors**2)):.5g} out of fold",
        "MAE": f"{np.abs(errors).mean():.5g} out of fold",
    }
    assert f" {np.abs(errors).argmax() + 1} " in result.stdout.split("Worst rows")[1]


def test_evaluate_on_other_rows(tmp_path: Path, classes: Trained) -> None:
    other = customers(1).drop(columns="spend")
    result = succeed("evaluate", classes.model, "--data", write(tmp_path / "a.csv", other))
    assert "out of fold" not in result.stdout
    model = TableClassifier.load(classes.model / "model.safetensors")
    right = model.predict(other.drop(columns="churn")) == other["churn"]
    assert figures(result)["Accuracy"] == f"{100 * right.mean():.2f} %"
    one_class = other[other["churn"] == "no"]
    result = succeed("evaluate", classes.model, "--data", write(tmp_path / "a.csv", one_class))
    assert "AUC" not in result.stdout
    other.loc[2, "churn"] = "perhaps"
    line = one_line_error("evaluate", classes.model, "--data", write(tmp_path / "a.csv", other))
    assert "a.csv holds the label 'perhaps'" in line
    assert "knows no, yes: train" in line


def test_predict_writes_ids_and_predictions(
    tmp_path: Path, classes: Trained, numbers: Trained
) -> None:
    other = customers(1).drop(columns=["spend", "churn"])
    data = write(tmp_path / "test.csv", other)
    model = TableClassifier.load(classes.model / "model.safetensors")
    found = predictions(classes.model, data)
    assert found.columns.tolist() == ["row", "churn"]
    assert found["row"].tolist() == list(range(1, N_ROWS + 1))
    assert found["churn"].tolist() == model.predict(other).tolist()
    shares = predictions(classes.model, data, "--proba", "--id-column", "customer_number")
    assert shares.columns.tolist() == ["customer_number", "no", "yes"]
    np.testing.assert_allclose(shares[["no", "yes"]], model.predict_proba(other), rtol=1e-12)
    found = predictions(numbers.model, data)
    assert found.columns.tolist() == ["customer", "spend"]
    assert found["customer"].tolist() == other["customer"].tolist()
    expected = TableRegressor.load(numbers.model / "model.safetensors")
    np.testing.assert_allclose(found["spend"], expected.predict(other.iloc[:, 1:]), rtol=1e-12)
    assert "--proba" in one_line_error("predict", numbers.model, "--data", data, "--proba")
    assert "--scale" in one_line_error("predict", numbers.model, "--data", data, "--scale", 2)


def test_columns_go_by_their_names(tmp_path: Path, classes: Trained) -> None:
    other = customers(1).drop(columns=["spend", "churn"])
    expected = predictions(classes.model, write(tmp_path / "test.csv", other))
    data = write(tmp_path / "backwards.csv", other[other.columns[::-1]].assign(churn="no"))
    pd.testing.assert_frame_equal(predictions(classes.model, data), expected)
    said = run("predict", classes.model, "--data", data).stderr
    assert "are in another order than those that" in said
    other.to_csv(tmp_path / "bare.csv", index=False, header=False)
    found = predictions(classes.model, tmp_path / "bare.csv")
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda x: x.drop(columns="months"), "other.csv lacks the column 'months': give"),
        (lambda x: x.assign(more=1), "other.csv has the column 'more': give"),
        (lambda x: x.assign(charge="much"), "other.csv holds 'much' in its column 'charge'"),
    ],
)
def test_what_is_wrong_with_columns_is_named(
    tmp_path: Path,
    classes: Trained,
    change: Callable[[pd.DataFrame], pd.DataFrame],
    problem: str,
    command: str,
) -> None:
    data = write(tmp_path / "other.csv", change(CHURN))
    assert problem in one_line_error(command, classes.model, "--data", data)


def test_pixels_are_refused(classes: Trained) -> None:
    for data in ("digits", "mnist"):
        line = one_line_error("evaluate", classes.model, "--data", data)
        assert f"--data is {data}, which are pixels" in line


def test_codes_stay_text_where_all_of_them_are_numbers(tmp_path: Path) -> None:
    """A column that was text in training is text: 007 is not 7."""
    table = customers()[["months", "charge"]]
    codes = np.array(["007", "A1"])[(np.arange(N_ROWS) % 2)]
    trained = Trained(tmp_path, table.assign(code=codes, label=codes), "--quiet")
    assert trained.result.output == ""
    found = predictions(trained.model, write(tmp_path / "a.csv", table.assign(code="007")))
    assert found["label"].tolist() == [7] * N_ROWS
    assert (tmp_path / "out.csv").read_text().splitlines()[1] == "1,007"
    lines = "\n".join(["3,55.5,007", "4,2.5,007"])
    (tmp_path / "bare.csv").write_text(lines + "\n")
    predictions(trained.model, tmp_path / "bare.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[1:] == ["1,007", "2,007"]


def test_a_run_replaces_one_of_the_other_kind(tmp_path: Path, csv: Path) -> None:
    trained = Trained(tmp_path, SPEND[["months", "charge", "spend"]], "--label", "spend")
    line = one_line_error("train", "--data", csv, "--out", trained.model)
    assert "holds a run already" in line
    succeed("train", "--data", csv, "--out", trained.model, "--overwrite", "--epochs", 1)
    left = names(trained.model)
    assert "split.json" in left
    assert not {"table.json", "out_of_fold.csv", "importances.png"} & {*left}
    succeed("train", "--data", trained.data, "--label", "spend", "--out", trained.model,
            "--overwrite")  # fmt: skip
    assert names(trained.model) == sorted([*FILES, "truth_and_prediction.png"])


def test_parquet_and_standard_input(
    tmp_path: Path, classes: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    table = pd.read_csv(classes.data).assign(since=pd.to_datetime(CHURN["since"]))
    table.to_parquet(tmp_path / "a.parquet", index=False)
    found = predictions(classes.model, tmp_path / "a.parquet")
    expected = predictions(classes.model, classes.data.rename(classes.data))
    pd.testing.assert_frame_equal(found, expected)
    other = tmp_path / "run"
    result = succeed("train", "--data", tmp_path / "a.parquet", "--label", "churn",
                     "--out", other, "--seed", 1)  # fmt: skip
    assert "parquet" in result.stdout
    pd.testing.assert_frame_equal(pd.read_csv(other / "out_of_fold.csv"), classes.out_of_fold)
    result = succeed("evaluate", classes.model, "--data", tmp_path / "a.parquet")
    assert "out of fold" in result.stdout
