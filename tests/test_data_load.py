"""load: tables, however they are written."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from table_tools import EPS, PACKINGS, WORDS, X, Y, error_of, frame, put

from fastmlp.data import csv_text, load


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    separator=st.sampled_from(",;\t "),
    header=st.booleans(),
    place=st.sampled_from(["first", "last", "none", "named"]),
    words=st.booleans(),
    quotes=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    packing=st.sampled_from(list(PACKINGS)),
    values=st.sampled_from(["bytes", "bits", "fractions", "whole fractions"]),
    rows_at_a_time=st.sampled_from([1, 7, 40, 4096]),
    explicit=st.booleans(),
)
def test_a_table_is_the_same_however_it_is_written(
    tmp_path: Path,
    separator: str, header: bool, place: str, words: bool, quotes: Any, end: str, encoding: str,
    packing: str, values: str, rows_at_a_time: int, explicit: bool,
) -> None:  # fmt: skip
    y = WORDS[Y] if words else Y
    x: np.ndarray = {
        "bytes": X,
        "bits": X // 128,
        "fractions": X / 255,
        "whole fractions": X.astype(float),
    }[values]
    names = {"first": "Label", "last": "y", "named": "class", "none": ""}
    at = {"first": 0, "last": 16, "named": 5, "none": 0}
    if place == "named" and not header and not words:
        place = "last"
    table = frame(None if place == "none" else y, x, at[place], names[place])
    text = table.to_csv(
        sep=separator, header=header, index=False, quoting=quotes, lineterminator=end
    )
    path = put(tmp_path, PACKINGS[packing](text.encode(encoding)))
    label = (names[place] if place == "named" and header else place) if explicit else None
    if label == "named":
        label = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_text, "ROWS_AT_A_TIME", rows_at_a_time)
        data = load(path, label=label)
    if values == "fractions":
        assert data.x.dtype == np.float64
        np.testing.assert_allclose(data.x, x, rtol=1e-15, atol=EPS)
    else:
        assert data.x.dtype == np.uint8
        assert_array_equal(data.x, x)
    assert data.x.flags.c_contiguous
    assert data.scale == (1 if values in ("bits", "fractions") else 255)
    assert data.ids is None
    assert "\n" not in data.found
    if place == "none":
        assert data.y is None
        assert data.class_names is None
        return
    assert data.y is not None
    assert data.y.dtype == np.int64
    if words:
        assert data.class_names == tuple(sorted(WORDS))
        assert_array_equal(np.array(data.class_names)[data.y], y)
    else:
        assert data.class_names is None
        assert_array_equal(data.y, y)


@pytest.mark.parametrize("name", ["label", "Label ", "class", "TARGET", "y"])
@pytest.mark.parametrize("place", [0, 3, 16])
def test_a_column_of_a_known_name_is_the_label(tmp_path: Path, name: str, place: int) -> None:
    data = load(put(tmp_path, frame(place=place, name=name).to_csv(index=False)))
    assert_array_equal(data.x, X)
    assert_array_equal(data.y, Y)
    assert f"labels: column {name.strip()!r}" in data.found


def test_a_label_may_have_any_name_or_none(tmp_path: Path) -> None:
    path = put(tmp_path, frame(name="digit").to_csv(index=False))
    assert load(path).y is None
    for label in ("digit", "Digit ", "first"):
        assert_array_equal(load(path, label=label).y, Y)
    assert_array_equal(load(path, label="last").y, X[:, 15])
    assert load(path, label="none").x.shape == (40, 17)
    assert "has no column 'number', but digit, pixel0," in error_of(path, label="number")
    with pytest.raises(TypeError, match="label is 0: give a column's name"):
        load(path, label=0)  # type: ignore[arg-type]


def test_two_columns_that_could_be_the_label_are_named(tmp_path: Path) -> None:
    table = frame().assign(y=Y)
    path = put(tmp_path, table.to_csv(index=False))
    assert "has the columns label and y: name the one" in error_of(path)
    assert_array_equal(load(path, label="label").x[:, 16], Y)


def test_where_one_can_t_tell_the_label_has_to_be_named(tmp_path: Path) -> None:
    few = X[:, :15] % 8  # with the labels 16 columns; and 15 or 17 are no image either
    path = put(tmp_path, frame(Y, few[:, :14]).to_csv(index=False, header=False))
    assert "one can't tell which holds the labels: say" in error_of(path)
    assert_array_equal(load(path, label="first").y, Y)
    assert "no header, so no column 'label': say" in error_of(path, label="label")


def test_a_header_of_numbers_is_one(tmp_path: Path) -> None:
    for start in (0, 1):
        table = pd.DataFrame(X, columns=range(start, 16 + start))
        data = load(put(tmp_path, table.to_csv(index=False)))
        assert data.y is None
        assert_array_equal(data.x, X)
        table.insert(0, "label", Y)
        data = load(put(tmp_path, table.to_csv(index=False)))
        assert_array_equal(data.x, X)
        assert_array_equal(data.y, Y)
    both = pd.DataFrame(np.column_stack([X, Y]))
    data = load(put(tmp_path, both.to_csv(index=False)))
    assert_array_equal(data.x, X)
    assert_array_equal(data.y, Y)


@pytest.mark.parametrize("n_rows", [1, 2, 40])
@pytest.mark.parametrize("shuffled", [True, False])
@pytest.mark.parametrize("label", [None, "label"])
def test_a_saved_index_is_no_pixel(
    tmp_path: Path, n_rows: int, shuffled: bool, label: str | None
) -> None:
    table = frame()[:n_rows]
    if shuffled:
        table = table.sample(frac=1, random_state=0)
        table.index += 3
    path = put(tmp_path, table.to_csv())
    for again in ("the nameless column 1", "column 'Unnamed: 0'"):
        data = load(path, label=label)
        assert_array_equal(data.x, table.iloc[:, 1:])
        assert_array_equal(data.y, table["label"])
        assert data.ids is None
        assert f"{again} is a saved index, skipped" in data.found
        pd.read_csv(path).to_csv(path, index=False)


def test_a_saved_index_below_no_header_is_no_pixel(tmp_path: Path) -> None:
    data = load(put(tmp_path, frame().to_csv(header=False)))
    assert_array_equal(data.x, X)
    assert_array_equal(data.y, Y)


@pytest.mark.parametrize("name", ["id", "ImageId", "image_id", "index", "row"])
@pytest.mark.parametrize("text", [False, True])
def test_an_id_is_no_pixel(tmp_path: Path, name: str, text: bool) -> None:
    ids: list[Any] = [f"{i:03}" if text else i for i in range(1, 41)]
    table = frame()
    table.insert(0, name, ids)
    path = put(tmp_path, table.to_csv(index=False))
    data = load(path)
    assert_array_equal(data.x, X)
    assert_array_equal(data.y, Y)
    assert data.ids is not None
    assert data.ids.tolist() == ids
    assert f"column {name!r} names the rows and is no pixel" in data.found


def test_other_values_under_the_name_of_an_index_are_refused(tmp_path: Path) -> None:
    table = frame()
    table.index = [0] * 40  # type: ignore[assignment]
    path = put(tmp_path, table.to_csv())
    assert "nameless" in error_of(path) or "looks like a saved index" in error_of(path)
    path = put(tmp_path, "label,,pixel0\n1,2.5,3\n")
    assert "column 2 has no name: name it, or leave it out" in error_of(path)


@pytest.mark.parametrize(
    ("x", "scale", "words"),
    [
        (X, 255, "whole numbers from 0 to 255, divided by 255"),
        (X // 128, 1, "whole numbers from 0 to 1, not divided"),
        (X // 128.0, 1, "whole numbers from 0 to 1, not divided"),
        (X // 16, 15, "from 0 to 15, divided by 15, the largest (--scale, in Python scale=, says"),
        (X // 2.0, 127, "whole numbers from 0 to 127, divided by 127, the largest"),
        (X // 2 + 1, 255, "whole numbers from 1 to 128, divided by 255"),
        (X / 255, 1, "fractions from 0 to 1, not divided"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "parquet", "npz", "npy"])
def test_the_values_say_what_they_are_divided_by(
    tmp_path: Path, x: np.ndarray, scale: float, words: str, kind: str
) -> None:
    path = tmp_path / f"table.{kind}"
    if kind == "csv":
        frame(x=x).to_csv(path, index=False)
    elif kind == "parquet":
        pytest.importorskip("pyarrow")
        frame(x=x).to_parquet(path)
    elif kind == "npz":
        np.savez(path, x=x, y=Y)
    else:
        np.save(path, x)
    data = load(path)
    assert data.scale == scale
    assert words in data.found
    np.testing.assert_allclose(data.x, x, rtol=1e-15, atol=EPS)
    assert (data.x.dtype == np.uint8) == (not words.startswith("fractions"))


@pytest.mark.parametrize(
    "x", [X.astype(int) - 128, X * 256.0, X.astype(int) + 1, X / 25.5, X / 127.5 - 1]
)
def test_other_values_need_a_scale(tmp_path: Path, x: np.ndarray) -> None:
    path = put(tmp_path, frame(x=x).to_csv(index=False))
    message = error_of(path)
    assert "neither within 0 to 1 nor whole numbers up to 255" in message
    assert "--scale" in message
    for scale in (1, 10.0):
        data = load(path, scale=scale)
        np.testing.assert_allclose(data.x, x / scale, rtol=1e-14, atol=EPS)
        assert data.x.dtype == np.float64
        assert data.scale == scale
    with pytest.raises(ValueError, match="scale is 0"):
        load(path, scale=0)


def test_a_declared_scale_goes_before_what_the_values_say(tmp_path: Path) -> None:
    path = put(tmp_path, frame(x=X // 128).to_csv(index=False))
    data = load(path, scale=255)
    assert (data.x.dtype, data.scale) == (np.uint8, 255)
    assert data.found.endswith("divided by 255")
    path = put(tmp_path, frame(x=X / 255).to_csv(index=False))
    assert_array_equal(load(path, scale=255).x, load(path).x)  # divided already


@pytest.mark.parametrize(("low", "high"), [(0, 1.0000001), (-1e-9, 1), (-1e-7, 1.0000002)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_that_rounding_moved_out_of_0_to_1_count_as_within(
    tmp_path: Path, low: float, high: float, dtype: str
) -> None:
    x = (X / 255).astype(dtype)
    x[0, :2] = low, high
    np.save(tmp_path / "x.npy", x)
    data = load(tmp_path / "x.npy")
    assert_array_equal(data.x, x)
    assert (data.scale, data.limits) == (1, (0, 1))
    assert "fractions from 0 to 1, not divided" in data.found
    for wrong in (1.0001, -0.0001):
        x[0, 0] = wrong
        np.save(tmp_path / "x.npy", x)
        assert "neither within 0 to 1" in error_of(tmp_path / "x.npy")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_labels_that_are_words(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "table"
    for y, names in (
        (WORDS[Y], tuple(sorted(WORDS))),
        (np.array([*"0123456789AB"])[np.arange(40) % 12], tuple("0123456789AB")),
        (np.array(["7", "2", "01"])[np.arange(40) % 3], None),
    ):
        if kind == "csv":
            frame(y).to_csv(path, index=False)
        else:
            pytest.importorskip("pyarrow")
            frame(y).to_parquet(path)
        data = load(path)
        assert data.class_names == names
        assert data.y is not None
        assert_array_equal(data.x, X)
        if names is None:
            assert_array_equal(data.y, y.astype(int))
        else:
            assert_array_equal(np.array(names)[data.y], y)


def test_decimal_commas(tmp_path: Path) -> None:
    path = put(tmp_path, frame(x=X / 255).to_csv(index=False, sep=";", decimal=","))
    data = load(path)
    np.testing.assert_allclose(data.x, X / 255, rtol=1e-15, atol=EPS)
    assert "semicolons and a header, decimal commas" in data.found


def test_a_table_in_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "table.bin"
    table = frame().sample(frac=1, random_state=0)
    table.to_parquet(path)  # with the index, as pandas saves it
    data = load(path)
    assert data.x.dtype == np.uint8
    assert_array_equal(data.x, table.iloc[:, 1:])
    assert_array_equal(data.y, table["label"])
    assert "saved index, skipped" in data.found
    table.assign(pixel3="dark").to_parquet(path)
    assert "column 'pixel3' holds " in error_of(path)
    table.assign(pixel3=pd.array([None, *range(39)], "Int64")).to_parquet(path)
    assert "column 'pixel3' has 1 missing value: fill" in error_of(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert "is damaged" in error_of(path)
