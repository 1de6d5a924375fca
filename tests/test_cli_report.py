"""`fastmlp report`: the page of a run, made again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from cli_table_tools import customers, write
from cli_tools import FILES, easy_digits, names, one_line_error, succeed, write_csv

pytestmark = pytest.mark.usefixtures("in_tmp_path")
PAGE = Path("out/report.html")


def train(data: Path, *options: object) -> None:
    succeed("train", "--data", data, "--epochs", 6, "--hidden", 8, "--out", "out", *options)


def check_made_again(*options: object) -> None:
    """The same page, byte for byte, and nothing else has changed."""
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    PAGE.unlink()
    assert "Written: out" in succeed("report", "out", *options).stdout
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before


@pytest.mark.parametrize(
    "options",
    [(), ("--patience", 2, "--lr", 0.5), ("--keep", "best", "--dtype", "float64", "--seed", 3)],
)
def test_the_page_of_pixels_is_made_again(csv: Path, options: tuple[object, ...]) -> None:
    train(csv, *options)
    check_made_again()


@pytest.mark.parametrize("label", ["churn", "spend"])
def test_the_page_of_a_table_is_made_again(label: str) -> None:
    pytest.importorskip("sklearn", "1.9")
    table = customers()[["customer", "months", "charge", "contract", label]]
    data = write(Path("table.csv"), table)
    options = ["--label", label, "--id-column", "customer"]
    succeed("train", "--data", data, *options, "--out", "out")
    text = PAGE.read_text()
    for word in ("table.csv: 160 rows", "Importances", ">contract<", "-X</td>", "Mistakes"):
        assert word in text
    assert ("Confusion matrix" in text) == (label == "churn")
    assert ("Truth and prediction" in text) == (label == "spend")
    assert "<canvas" not in text
    check_made_again()
    Path("table.csv").write_text(data.read_text().replace("monthly", "weekly", 1))
    assert "rows or labels have changed" in one_line_error("report", "out")


def test_the_page_says_what_was_trained_on_what(csv: Path) -> None:
    train(csv, "--lr", 0.3)
    text = PAGE.read_text()
    assert f"A network trained on {csv.name}" in text
    assert str(csv.parent) not in text  # a page is shown to others
    for word in ("48 rows to train on, 12 for validation", "16-8-3, float32", "lr 0.3", "seed 42"):
        assert word in text
    for word in ("Confusion matrix", "Mistakes", "First layer", "<canvas", "Validation accuracy"):
        assert word in text


def test_rows_that_are_no_images_have_no_pad_but_a_word() -> None:
    train(write_csv(Path("flat.csv"), *easy_digits(n_features=20)), "--lr", 1e-6)
    text = PAGE.read_text()
    assert "no square images" in text
    assert "<canvas" not in text
    assert '<th scope="col">predicted</th>' in text
    assert "<img" not in text
    check_made_again()


def test_data_that_have_moved_are_given(csv: Path) -> None:
    train(csv)
    csv.rename("moved.csv")
    assert csv.name in one_line_error("report", "out")
    text = PAGE.read_text()
    succeed("report", "out", "--data", "moved.csv")
    assert PAGE.read_text() == text.replace(csv.name, "moved.csv")


def test_data_that_have_changed_are_refused(csv: Path) -> None:
    train(csv)
    page = PAGE.read_bytes()
    x, y = easy_digits()
    y[0] = 1 - y[0]
    write_csv(csv, x, y)
    assert "rows or labels have changed" in one_line_error("report", "out")
    assert PAGE.read_bytes() == page


def test_a_folder_without_a_finished_run_is_refused(csv: Path) -> None:
    assert "holds no finished run" in one_line_error("report", "nowhere")
    assert not Path("nowhere").exists()
    train(csv)
    Path("out/run.json").rename("out/unfinished.json")
    assert "fastmlp train --resume out" in one_line_error("report", "out")


def test_another_model_is_refused(csv: Path) -> None:
    train(csv)
    succeed("train", "--data", csv, "--epochs", 2, "--out", "other", "--seed", 5)
    Path("other/model.safetensors").replace("out/model.safetensors")
    assert "holds other files than its run has left" in one_line_error("report", "out")


@pytest.mark.parametrize(
    ("old", "new"),
    [("val_loss", "loss_val"), ("\n1,", "\none,"), (None, "epoch,loss\n"), (None, "")],
)
def test_a_damaged_history_is_refused(csv: Path, old: str | None, new: str) -> None:
    train(csv)
    history = Path("out/history.csv")
    text = history.read_text()
    history.write_text(new if old is None else text.replace(old, new, 1))
    assert "history.csv is damaged" in one_line_error("report", "out")


@pytest.mark.parametrize(
    ("name", "value"), [("seed", -1), ("dtype", "int8"), ("val_fraction", 2.0), ("colour", "red")]
)
def test_a_damaged_request_is_refused(csv: Path, name: str, value: object) -> None:
    train(csv)
    file = Path("out/run.json")
    request = json.loads(file.read_text())
    request["options"][name] = value
    file.write_text(json.dumps(request))
    one_line_error("report", "out")


def test_a_link_is_replaced_and_not_followed(csv: Path) -> None:
    train(csv)
    page = PAGE.read_text()
    Path("precious").write_text("mine")
    PAGE.unlink()
    PAGE.symlink_to(Path("precious").absolute())
    succeed("report", "out")
    assert Path("precious").read_text() == "mine"
    assert not PAGE.is_symlink()
    assert PAGE.read_text() == page


def test_without_jinja2_the_page_is_left_out_with_a_word(
    csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = succeed("train", "--data", csv, "--epochs", 1, "--out", "out")
    assert "report.html is left out" in result.stdout
    assert names("out") == [name for name in FILES if name != PAGE.name]
    assert "pip install jinja2" in one_line_error("report", "out")
