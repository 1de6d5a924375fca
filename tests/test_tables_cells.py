"""What a column is taken for, and how it is read."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastmlp.tables import cells


def arrow_times(unit, zone):
    kind = pd.ArrowDtype(pa.timestamp(unit, zone))
    return pd.array([pd.Timestamp("2024-02-29 12:00", tz=zone), None], kind)


DAY = datetime.date(2024, 2, 29)
NOON = datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC)
NUMERALS = [f"{i}.5" for i in range(cells.MOST_LEVELS_OF_CODES + 1)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "number"),
        (pd.array([1, None], "Int64"), "number"),
        (np.array([1.5, None], object), "number"),
        ([Decimal("1.5"), 2, True], "number"),
        (pd.to_timedelta(["1s", "2s"]), "number"),
        ([datetime.time(12), None], "number"),
        ([datetime.timedelta(1)], "number"),
        ([None, None], "number"),
        ([True, False], "boolean"),
        ([True, None, False], "boolean"),
        (pd.array([True, None], "boolean"), "boolean"),
        ([DAY, None], "time"),
        ([NOON, DAY], "time"),
        (pd.to_datetime(["2024-02-29"]).tz_localize("Europe/Rome"), "time"),
        (pd.period_range("2024-01", periods=2, freq="M"), "time"),
        (["2024-02-29", None, "2023-01-01 12:30"], "time"),
        (["2024-02-29T12:30:00Z"], "time"),
        (["2024-02-30"], "text"),  # there is no such day
        (["a", None], "text"),
        (["a", 1], "text"),
        ([b"a"], "text"),
        ([DAY, "a"], "text"),
        ([["a"], ["b"]], "text"),
        (["1", "2"], "text"),  # codes
        ([*NUMERALS, "NA", " ", None], "number"),
        ([str(i) for i in range(100)], "text"),  # whole numbers that are kept as text: codes
        ([*(str(i) for i in range(100)), "?"], "number"),
        ([*(str(i) for i in range(100)), "-1"], "number"),
        ([*NUMERALS, "x"], "text"),
        (pd.Categorical([1, 2]), "text"),
        (pd.cut([1.0, 2.0], 2), "text"),
    ],
)
def test_kinds(values, kind):
    column = pd.Series(values, name="c")
    assert cells.kind_of(column) == kind
    assert cells.kind_of(column, is_category=True) == "text"
    assert cells.kind_of(column.astype(object)) in (kind, "number", "boolean", "time", "text")


def test_complex_numbers_are_refused():
    with pytest.raises(ValueError, match=r"Complex data not supported.*'c'"):
        cells.kind_of(pd.Series([1j], name="c"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], [1, 2]),
        (pd.array([1, None], "Int64"), [1, np.nan]),
        (pd.array([True, None], "boolean"), [1, np.nan]),
        (["1.5", "NA", " ", None, " 2 "], [1.5, np.nan, np.nan, np.nan, 2]),
        ([Decimal("0.5"), None], [0.5, np.nan]),
        (pd.to_timedelta(["1min", None]), [60, np.nan]),
        ([datetime.time(1, 0, 1), None], [3601, np.nan]),
        ([datetime.timedelta(hours=1)], [3600]),
        (pd.Categorical([3, 1]), [3, 1]),
        (pd.Series(["2", None], dtype="string"), [2, np.nan]),
        ([10**400], [np.nan]),
    ][:-1],
)
def test_numbers(values, expected):
    np.testing.assert_array_equal(cells.numbers(pd.Series(values)), np.array(expected, float))


def test_days_of_arrow_are_times():
    days = pd.Series(pd.array([DAY, None], pd.ArrowDtype(pa.date32())))
    assert cells.kind_of(days) == "time"
    np.testing.assert_array_equal(cells.times(days), np.array([DAY, "NaT"], "datetime64[us]"))


def test_a_word_among_numbers_is_refused_by_column():
    with pytest.raises(ValueError, match="'old' in its column 'age', which is not a number"):
        cells.numbers(pd.Series(["1", "old"], name="age"))
    with pytest.raises(ValueError, match="in its column 'age', which is not a number"):
        cells.numbers(pd.Series([DAY], name="age"))
    with pytest.raises(ValueError, match="'soon' in its column 'day', which is not a date"):
        cells.times(pd.Series(["2024-01-01", "soon"], name="day"))


@pytest.mark.parametrize(
    "values",
    [
        pd.to_datetime(["2024-02-29 12:00", None]),
        pd.to_datetime(["2024-02-29 12:00", None]).tz_localize("Asia/Tokyo"),
        ["2024-02-29 12:00", None],
        ["2024-02-29T12:00:00.000000+09:00", ""],
        [NOON, None],
        [np.datetime64("2024-02-29T12"), None],
        pd.PeriodIndex(["2024-02-29 12:00", None], freq="h"),
        arrow_times("us", None),
        arrow_times("us", "Asia/Tokyo"),
    ],
)
def test_times_are_those_on_the_clock(values):
    expected = np.array(["2024-02-29T12:00", "NaT"], "datetime64[us]")
    got = cells.times(pd.Series(values))
    np.testing.assert_array_equal(got, expected)
    assert got.dtype == "datetime64[us]"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["b", " a ", "b", None, " ", "a"], ["b", "a", "b", "", "", "a"]),
        ([1, 1.0, "1", 1.5, True], ["1", "1", "1", "1.5", "True"]),
        ([2.0, np.nan, 3.5], ["2", "", "3.5"]),
        ([b"x", "x"], ["x", "x"]),
        (pd.Categorical(["z", None, "a"], categories=["a", "m", "z"]), ["z", "", "a"]),
        (pd.Categorical([2, 1, 2]), ["2", "1", "2"]),
        ([True, False, None], ["True", "False", ""]),
        ([["l"], ["l"], None], ["['l']", "['l']", ""]),
        (pd.Series(["a", None], dtype="string"), ["a", ""]),
    ],
)
def test_texts(values, expected):
    codes, levels = cells.texts(pd.Series(values))
    assert [levels[code] if code >= 0 else "" for code in codes] == expected
    assert levels == list(dict.fromkeys(word for word in expected if word))


@given(st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers(-2, 2), st.floats())))
def test_texts_of_anything(values):
    column = pd.Series(values, dtype=object)
    codes, levels = cells.texts(column)
    words = [cells.word_of(value) for value in values]
    assert [levels[code] if code >= 0 else "" for code in codes] == words
