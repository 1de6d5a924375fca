"""Dates in text: which forms are known, and that nothing is guessed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fastmlp import TableEncoder, TableRegressor
from fastmlp.tables.dates import FORMS, date_of, forms_of

DAYS = pd.date_range("2023-11-27", periods=40, freq="25h")


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("2024-12-31", "%Y-%m-%d"),
        ("2024/12/31", "%Y/%m/%d"),
        ("31/12/2024", "%d/%m/%Y"),
        ("12/31/2024", "%m/%d/%Y"),
        ("31-12-2024", "%d-%m-%Y"),
        ("12-31-2024", "%m-%d-%Y"),
        ("31.12.2024", "%d.%m.%Y"),
        ("Dec 31, 2024", "%b %d, %Y"),
        ("december 31, 2024", "%b %d, %Y"),
        ("31 Dec 2024", "%d %b %Y"),
    ],
)
def test_forms(word, form):
    assert forms_of([word]) == [form]
    for clock, time in (("", ""), (" 07:08", "T07:08"), ("T07:08:09.5Z", "T07:08:09.5")):
        assert date_of(word + clock, form) == np.datetime64(f"2024-12-31{time}", "us")


@pytest.mark.parametrize(
    "word",
    [
        "31/13/2024", "30.02.2024", "31 Foo 2024", "31/12/24", "2024-12", "31/12-2024",
        "31,12.2024", "Dec 31 2024", "2024-12-31 25:00", "31/12/2024 noon", "",
        "\u0663\u0661/12/2024",
    ],
)  # fmt: skip
def test_what_is_no_date(word):
    assert forms_of([word]) == []


def test_a_day_above_12_tells_the_order():
    assert forms_of(["01/02/2024", "13/02/2024"]) == ["%d/%m/%Y"]
    assert forms_of(["01/02/2024", "02/13/2024"]) == ["%m/%d/%Y"]
    assert forms_of(["13/02/2024", "02/13/2024"]) == []
    assert forms_of(["01/02/2024", "02/03/2024"]) == ["%d/%m/%Y", "%m/%d/%Y"]
    assert forms_of(["2024-12-31", "2024/12/31"]) == []


@pytest.mark.parametrize("form", FORMS)
def test_text_and_typed_dates_are_encoded_alike(form):
    column = pd.Series([*DAYS, pd.NaT], name="day")
    words = column.dt.strftime(f"{form} %H:%M")
    expected = TableEncoder().fit(column.to_frame())
    for given in (words, words.astype("string"), [f" {w} " if w == w else None for w in words]):
        table = pd.DataFrame({"day": given})
        encoder = TableEncoder().fit(table)
        assert encoder.taken_for_ == {"day": "time"}
        x = encoder.transform(table)
        np.testing.assert_array_equal(x, expected.transform(column.to_frame()))
        np.testing.assert_array_equal(encoder.transform(column.to_frame()), x)


def test_few_rows_are_read_as_those_in_fit():
    table = pd.DataFrame({"day": ["31/01/2024", "02/01/2024", "03/02/2024"]})
    encoder = TableEncoder(n_bins=0).fit(table)
    np.testing.assert_array_equal(encoder.transform(table[1:2]), encoder.transform(table)[1:2])
    with pytest.raises(ValueError, match="'12/31/2024' in its column 'day', which is not a date"):
        encoder.transform(pd.DataFrame({"day": ["12/31/2024"]}))


def test_dates_that_are_not_clear_are_text_with_a_word():
    table = pd.DataFrame({"day": ["01/02/2024", "03/04/2024"] * 9})
    with pytest.warns(UserWarning, match=r"'day': dates in which day and month.*pd\.to_datetime"):
        encoder = TableEncoder().fit(table)
    assert encoder.taken_for_ == {"day": "text"}
    TableEncoder(categorical_features=["day"]).fit(table)  # as was asked: without a word
    TableEncoder().fit(table.assign(day="01/02/2024"))


def test_the_form_is_kept_in_files(tmp_path):
    days = pd.Series(DAYS).dt.strftime("%d.%m.%Y")
    table = pd.DataFrame({"day": days, "x": np.arange(40.0)})
    model = TableRegressor(n_members=1, random_state=0).fit(table, np.arange(40.0))
    model.save(tmp_path / "model")
    loaded = TableRegressor.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(table), model.predict(table))
