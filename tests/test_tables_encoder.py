"""TableEncoder: what each kind of column becomes."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator
from tables_tools import mixed_table

from fastmlp import MLPClassifier, TableEncoder
from fastmlp.tables.numbers import Numbers


def encoded(column, new=None, **settings):
    """Return the encoding of a table of one column, and its columns' names."""
    frame = pd.DataFrame({"c": column})
    encoder = TableEncoder(**settings).fit(frame)
    out = encoder.transform(frame if new is None else pd.DataFrame({"c": new}))
    assert out.dtype == np.float32
    assert out.flags.c_contiguous
    names = encoder.get_feature_names_out().tolist()
    assert out.shape[1] == len(names)
    return out, names


def test_check_estimator():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(TableEncoder(), on_skip=None)
    failed = {one["check_name"] for one in results if one["status"] != "passed"}
    assert failed <= {"check_array_api_input"}
    assert len(results) > 40


def test_numbers_are_scaled_by_quartiles_and_clipped_smoothly():
    out, names = encoded([0.0, 1, 2, 3, 4, 1e9], n_bins=0)
    median, spread = 2.5, 3.75 - 1.25
    z = (np.array([0.0, 1, 2, 3, 4, 1e9]) - median) / spread
    np.testing.assert_allclose(out[:, 0], z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-6)
    assert names == ["c"]


def test_infinite_numbers_are_very_large():
    out, _ = encoded([0.0, 1, 2, 3, 4], [-np.inf, np.inf, 1e308, -1e308])
    np.testing.assert_allclose(out[:, 0], [-3, 3, 3, -3], rtol=1e-6)
    np.testing.assert_array_equal(out[0, 1:], -1)
    np.testing.assert_array_equal(out[1, 1:], 1)
    out, _ = encoded([0.0, 1, 2, np.inf, -np.inf, 4])
    assert np.isfinite(out).all()


def test_few_different_numbers_get_a_bin_each():
    out, names = encoded([3, 1, 1, 1, 1, 1, 7])
    assert names == ["c", "c_bin1", "c_bin2"]
    np.testing.assert_array_equal(out[[0, 1, 6], 1:], [[1, -1], [-1, -1], [1, 1]])


def test_many_numbers_get_quantiles():
    values = np.arange(1001) ** 2
    out, names = encoded(values, n_bins=4)
    assert names[1:] == [f"c_bin{i}" for i in range(1, 5)]
    np.testing.assert_allclose(out[500, 1:], [1, 1, -1, -1])
    np.testing.assert_allclose(out[0, 1:], -1)
    edges = values[[0, 250]]
    np.testing.assert_allclose(out[100, 1], 2 * 100**2 / (edges[1] - edges[0]) - 1, rtol=1e-5)


def test_a_number_that_is_nearly_always_the_same_has_bins_too():
    values = np.zeros(1000)
    values[:30] = np.arange(1, 31)
    _, names = encoded(values, n_bins=8)
    assert len(names) > 5


def test_missing_numbers_are_the_median_and_said_to_be_missing():
    out, names = encoded([1.0, None, 3, 2], n_bins=0)
    assert names == ["c", "c_missing"]
    np.testing.assert_array_equal(out[1], [0, 1])
    np.testing.assert_array_equal(out[[0, 2, 3], 1], -1)
    out, names = encoded([1.0, 3, 2], [None, 2.0], n_bins=0)  # that nobody has seen in fit
    np.testing.assert_array_equal(out, [[0], [0]])


def test_a_constant_counts_where_it_is_missing():
    out, names = encoded([5.0, None, 5.0])
    assert names == ["c_missing"]
    np.testing.assert_array_equal(out[:, 0], [-1, 1, -1])


@pytest.mark.parametrize("column", [[1.0, 1.0], ["a", "a"], [True, True], [None, None], ["", ""]])
def test_constant_columns_are_left_out(column):
    out, names = encoded(column)
    assert names == ["constant"]
    np.testing.assert_array_equal(out, 0)


def test_texts_are_one_hot_the_commonest_first():
    out, names = encoded(["b", "a", "b", None, "c"], ["a", "new", "b", None])
    assert names == ["c_b", "c_missing", "c_a", "c_c"]
    np.testing.assert_array_equal(out, [[0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]])


def test_two_levels_are_one_column():
    out, names = encoded(["b", "a", "b"], ["b", "a", "new", None])
    assert names == ["c_b"]
    np.testing.assert_array_equal(out[:, 0], [1, -1, 0, 0])


def test_rare_levels_are_others():
    words = [f"w{i}" for i in range(30) for _ in range(30 - i)]
    out, names = encoded(words, max_levels=5)
    assert names == [f"c_w{i}" for i in range(5)]
    assert not out[words.index("w5") :].any()


def test_booleans():
    out, names = encoded([True, False, None], [False, True, None])
    assert names == ["c"]
    np.testing.assert_array_equal(out[:, 0], [-1, 1, 0])
    np.testing.assert_array_equal(encoded([True, False], [0, 1])[0][:, 0], [-1, 1])


def test_ids_are_left_out_with_a_word():
    frame = pd.DataFrame({"id": [f"n{i}" for i in range(100)], "x": np.arange(100.0)})
    with pytest.warns(UserWarning, match="'id': text with more levels than a tenth of the rows"):
        encoder = TableEncoder(n_bins=0).fit(frame)
    assert encoder.get_feature_names_out().tolist() == ["x"]
    assert encoder.taken_for_ == {"id": "nothing", "x": "number"}


def test_dates_have_parts():
    days = pd.date_range("2023-01-01", periods=800, freq="D")
    _, names = encoded(days, n_bins=0)
    parts = ["days", "month", "weekday", "day_of_month", "day_of_year"]
    assert names == [f"c_{part}" for part in parts]
    frame = pd.DataFrame({"c": days})
    encoder = TableEncoder().fit(frame)
    one = pd.Series(encoder.transform(frame)[0], encoder.get_feature_names_out())
    assert one["c_weekday_bin6"] == 1  # a Sunday
    assert one["c_month_bin1"] == -1
    _, names = encoded(pd.date_range("2023-01-01", periods=50, freq="h"), n_bins=0)
    assert "c_hour" in names
    assert "c_month" not in names  # always January


def test_missing_dates_are_said_to_be_missing_once():
    days = pd.Series(pd.date_range("2023-01-01", periods=400, freq="D"))
    days[3] = None
    out, names = encoded(days, n_bins=0)
    assert [name for name in names if name.endswith("missing")] == ["c_days_missing"]
    assert out[3, names.index("c_days_missing")] == 1


def test_dates_in_text_are_those_of_dates():
    days = pd.date_range("2023-01-01", periods=400, freq="D")
    expected, _ = encoded(days)
    np.testing.assert_array_equal(encoded(days.strftime("%Y-%m-%d"))[0], expected)
    np.testing.assert_array_equal(encoded(days.date)[0], expected)


def test_repeated_columns_are_left_out():
    x, *_ = mixed_table()
    encoder = TableEncoder().fit(x)
    left_out = [name for name, kind in encoder.taken_for_.items() if kind == "nothing"]
    assert left_out == ["constant", "again", "empty"]


@pytest.mark.parametrize("given", [["few"], [1], [False, True] + [False] * 7])
def test_categories_of_choice(given):
    x, *_ = mixed_table()
    encoder = TableEncoder(categorical_features=given).fit(x)
    assert encoder.taken_for_["few"] == "text"
    assert "few_3" in encoder.get_feature_names_out()


@pytest.mark.parametrize("given", [["fwe"], [9], [-1], [True, False]])
def test_wrong_categories_are_refused(given):
    with pytest.raises(ValueError, match="categorical_features"):
        TableEncoder(categorical_features=given).fit(mixed_table()[0])


def test_the_container_does_not_matter():
    pa = pytest.importorskip("pyarrow")
    x, *_ = mixed_table()
    expected = TableEncoder().fit(x)
    same = [x.astype(object), pa.table({c: pa.array(x[c].astype(object)) for c in x})]
    for other in same:
        encoder = TableEncoder().fit(other)
        assert encoder.taken_for_ == expected.taken_for_
        np.testing.assert_array_equal(encoder.transform(other), expected.transform(x))
    rows = x.astype(object).to_numpy()
    for other in (rows, rows.tolist()):
        np.testing.assert_array_equal(TableEncoder().fit_transform(other), expected.transform(x))


def test_polars_frames():
    pl = pytest.importorskip("polars")
    x, *_ = mixed_table()
    expected = TableEncoder().fit(x)
    frame = pl.DataFrame(
        {
            name: pl.Series(name, [None if pd.isna(v) else v for v in x[name].astype(object)])
            for name in x
        }
    ).with_columns(pl.col("kind").cast(pl.Categorical), pl.col("few").cast(pl.Int8))
    encoder = TableEncoder().fit(frame)
    assert encoder.taken_for_ == expected.taken_for_
    np.testing.assert_array_equal(encoder.transform(frame), expected.transform(x))
    more = pl.DataFrame({"t": [1, 2], "d": ["1.5", "2.5"], "l": [[1], [2]]})
    more = more.with_columns(
        pl.col("t").cast(pl.Duration), pl.col("d").cast(pl.Decimal(10, 2)),
    )  # fmt: skip
    out = TableEncoder(n_bins=0).fit_transform(more.drop("l"))
    np.testing.assert_allclose(out, [[-1, -1], [1, 1]], rtol=0.06)
    with pytest.raises(TypeError, match="in its column 'l'"):
        TableEncoder().fit(more)


def test_wrong_tables_are_refused():
    from scipy.sparse import csr_array

    x, *_ = mixed_table()
    encoder = TableEncoder().fit(x)
    with pytest.raises(TypeError, match="sparse"):
        TableEncoder().fit(csr_array(np.eye(3)))
    with pytest.raises(ValueError, match="0 sample"):
        TableEncoder().fit(x[:0])
    with pytest.raises(ValueError, match="feature names"):
        encoder.transform(x.rename(columns={"city": "town"}))
    with pytest.raises(ValueError, match="in its column 'number', which is not a number"):
        encoder.transform(x.assign(number="much"))


def test_frames_without_a_meaning_are_refused():
    with pytest.raises(ValueError, match="several columns of the name 'a': rename them"):
        TableEncoder().fit(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    pl = pytest.importorskip("polars")
    with pytest.raises(TypeError, match=r"X is a LazyFrame: give .*X\.collect"):
        TableEncoder().fit(pl.DataFrame({"a": [1, 2]}).lazy())


def test_columns_may_change_their_dtype():
    """As they do where a part of the rows has no gaps, or only gaps."""
    x, *_ = mixed_table()
    encoder = TableEncoder().fit(x)
    expected = encoder.transform(x[10:20])
    part = x[10:20].assign(
        few=x["few"].astype(float), kind=x["kind"].astype(str), day=x["day"].astype(str),
        flag=x["flag"].astype(object), number=x["number"].astype(str).replace("nan", None),
    )  # fmt: skip
    np.testing.assert_allclose(encoder.transform(part), expected, rtol=1e-6)
    nothing = x[:1].assign(**dict.fromkeys(x, None))
    assert np.isfinite(encoder.transform(nothing)).all()


def test_wide_tables_have_fewer_bins():
    rng = np.random.default_rng(0)
    for n_columns, n_outputs in ((60, 60 * 17), (100, 100 * 11), (300, 300 * 5), (513, 513)):
        out = TableEncoder().fit_transform(rng.normal(size=(40, n_columns)))
        assert out.shape == (40, n_outputs)


def test_clone_pickle_frame_and_pipeline():
    x, y, _ = mixed_table()
    encoder = TableEncoder(n_bins=4).fit(x)
    assert clone(encoder).get_params() == encoder.get_params()
    again = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(again.transform(x), encoder.transform(x))
    frame = clone(encoder).set_output(transform="pandas").fit_transform(x)
    assert list(frame) == encoder.get_feature_names_out().tolist()
    model = make_pipeline(encoder, MLPClassifier(max_iter=20, learning_rate_init=0.01, tol=0.1))
    assert model.fit(x, y).score(x, y) > 0.8


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.float64, st.integers(1, 40)), hnp.arrays(np.float64, st.integers(1, 9)))
def test_any_numbers_become_finite_ones(values, new):
    known = Numbers.learn(values, 8)
    if known is not None:
        for rows in (values, new):
            out = np.full((len(rows), known.n_outputs), np.nan, np.float32)
            known.write(rows, out)
            assert (np.abs(out) <= 3).all()
            assert len(list(known.names("x"))) == known.n_outputs


@settings(max_examples=30, deadline=None)
@given(st.lists(st.datetimes() | st.none(), min_size=1, max_size=20))
def test_any_dates_become_finite_numbers(days):
    out = TableEncoder().fit_transform(pd.DataFrame({"day": pd.Series(days, dtype=object)}))
    assert np.isfinite(out).all()


def test_whole_numbers_in_text_are_codes_beside_numbers_only():
    codes = [str(i % 70) for i in range(800)]
    table = pd.DataFrame({"code": codes, "size": np.arange(800) % 7})
    assert TableEncoder().fit(table).taken_for_["code"] == "text"
    as_text = table.astype(str)  # nobody has chosen that
    assert TableEncoder().fit(as_text).taken_for_ == {"code": "number", "size": "text"}
    assert TableEncoder().fit(as_text.to_numpy()).taken_for_ == {0: "number", 1: "text"}
    rows = table.to_numpy()
    for same in (table.astype(object), rows, rows.tolist()):
        assert "text" in TableEncoder().fit(same).taken_for_.values()
    flags = table.assign(size=table["size"] > 3)  # no numbers either
    for same in (flags, flags.astype(object)):
        assert TableEncoder().fit(same).taken_for_["code"] == "number"
