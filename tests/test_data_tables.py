"""load: what a table's columns mean, and in which encoding it is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from table_tools import X, Y, error_of, frame, put

from fastmlp.data import csv_layout, load

INDEX_NAMES = ["", "Unnamed: 0", "unnamed: 7", "Unnamed: 0.1", "__index_level_0__"]
KINDS = ["csv", "parquet"]


def save(table: pd.DataFrame, folder: Path, kind: str) -> Path:
    """Write a table, whose columns may have the same name."""
    path = folder / f"table.{kind}"
    if kind == "csv":
        table.to_csv(path, index=False)
        return path
    pa = pytest.importorskip("pyarrow")
    arrays = [pa.array(table.iloc[:, i]) for i in range(table.shape[1])]
    pa.parquet.write_table(pa.table(arrays, names=list(table.columns)), path)
    return path


@pytest.fixture(autouse=True)
def _parquet_is_imported() -> None:
    pytest.importorskip("pyarrow.parquet")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", [0, 1, 17])
@pytest.mark.parametrize("name", INDEX_NAMES)
def test_a_saved_index_is_no_pixel_wherever_it_stands(
    tmp_path: Path, name: str, place: int, kind: str
) -> None:
    rows = np.sort(np.random.RandomState(0).permutation(50)[:40])  # as train_test_split leaves them
    for index in (np.arange(40), rows, 200 + 1000 * rows, 2**60 + rows, rows[::-1], 1.0 * rows):
        is_sure = (place == 0 and name in ("", "Unnamed: 0")) or name == "__index_level_0__"
        for n_rows in (1, 40) if is_sure or index[0] < index[1] else (1,):
            table = frame()[:n_rows]
            table.insert(place, name, index[:n_rows])
            data = load(save(table, tmp_path, kind))
            assert_array_equal(data.x, X[:n_rows])
            assert_array_equal(data.y, Y[:n_rows])
            assert "is a saved index, skipped" in data.found


@pytest.mark.parametrize("kind", KINDS)
def test_several_saved_indices_are_no_pixels(tmp_path: Path, kind: str) -> None:
    table = frame()
    for place, name in ((3, "index"), (0, "Unnamed: 0"), (0, "id"), (0, "Unnamed: 0.1")):
        table.insert(place, name, np.arange(40) + 5)
    data = load(save(table, tmp_path, kind))
    assert_array_equal(data.x, X)
    assert data.ids is not None
    assert data.ids.tolist() == [*range(5, 45)]
    assert data.found.count("is a saved index, skipped") == 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", [1, 17])
def test_pixels_headed_as_an_index_are_pixels(tmp_path: Path, place: int, kind: str) -> None:
    different = np.arange(40) * 37 % 256
    for values in (X[:, 3] % 8, X[:, 3] / 255, np.arange(40) // 2, different, different[::-1]):
        table = frame()
        table.insert(place, "Unnamed: 1", values)
        data = load(save(table, tmp_path, kind), scale=1)
        # Older versions of pandas round the last digit of a fraction otherwise.
        assert_allclose(data.x[:, place - 1], values, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_is_judged_by_all_rows(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_layout, "SAMPLE", 2000)
    table = pd.concat([frame()] * 4)  # beyond the rows that are judged first
    table.insert(1, "Unnamed: 0", [*range(159), 158])
    message = error_of(save(table, tmp_path, kind))
    table["Unnamed: 0"] = [*range(150), *range(200, 190, -1)]
    assert error_of(save(table, tmp_path, kind)) == message
    assert "'Unnamed: 0' looks like a saved index, but does not number the rows: name" in message


@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_the_same_name_are_read_by_their_place(tmp_path: Path, kind: str) -> None:
    table = frame()
    table.columns = pd.Index(["label", *["ink"] * 3, *table.columns[4:]])
    data = load(save(table, tmp_path, kind))
    assert_array_equal(data.x, X)
    assert_array_equal(data.y, Y)
    path = save(table, tmp_path, kind)
    assert "has 3 columns named ink: give it one" in error_of(path, label="ink")
    for name in ("label", "id"):
        table.columns = pd.Index([name, *table.columns[1:16], name])
        if name == "id":
            table.insert(3, "label", Y)
        assert f"has 2 columns named {name}: give it one" in error_of(save(table, tmp_path, kind))


@pytest.mark.parametrize("number", [2**63, 2**64, 10**20, -(2**70)])
def test_one_whole_number_beyond_64_bits_is_a_number(tmp_path: Path, number: int) -> None:
    table = frame().astype(object)
    table.loc[5, "pixel3"] = number
    path = put(tmp_path, table.to_csv(index=False))
    assert "neither within 0 to 1 nor whole numbers up to 255: say" in error_of(path)
    assert_array_equal(load(path, scale=1).x, table.iloc[:, 1:].astype(float))
    table.loc[7, "pixel2"] = "dark"
    path = put(tmp_path, table.to_csv(index=False))
    assert "line 9, column 'pixel2': 'dark' is no number" in error_of(path)

    table = frame().astype(object)
    table.insert(0, "id", [*range(5), number, *range(6, 40)])
    ids = load(put(tmp_path, table.to_csv(index=False))).ids
    assert ids is not None
    assert int(ids[5]) == number
    table.loc[5, "label"] = number
    path = put(tmp_path, table.to_csv(index=False))
    assert f"line 7, column 'label': '{number}', which is out of range" in error_of(path)


def test_truth_values_beside_a_long_number_are_no_numbers(tmp_path: Path) -> None:
    table = frame().astype(object).assign(pixel2=True, pixel3=10**20)
    message = error_of(put(tmp_path, table.to_csv(index=False)))
    assert "line 2, column 'pixel2': 'True' is no number" in message


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("where", ["header", "label", "id"])
def test_a_table_that_is_no_utf_8_is_read_as_cp1252(
    tmp_path: Path, where: str, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_layout, "SAMPLE", 500 if late else 2**18)
    names = np.array(["Größe", "café", "5 €", "naïve"])[Y % 4]
    table = frame(names if where == "label" else Y)
    table.insert(0, "id", names if where == "id" else np.arange(40))
    if where == "header":
        table = table.rename(columns={"label": "größe"})
    if late and where != "header":
        table.loc[:20, "label" if where == "label" else "id"] = "x"
    path = put(tmp_path, table.to_csv(index=False).encode("cp1252"))
    data = load(path, label="größe" if where == "header" else None)
    assert "commas and a header, read as cp1252, as it is no UTF-8, labels" in data.found
    assert_array_equal(data.x, X)
    assert data.y is not None
    read = data.ids if where == "id" else None
    if data.class_names is not None:
        read = np.array(data.class_names)[data.y]
    if read is not None:
        assert read.tolist() == table["label" if where == "label" else "id"].tolist()


@pytest.mark.parametrize("encoding", ["cp1251", "mac_roman", "shift_jis", "gbk"])
def test_words_in_another_encoding_are_still_the_same_words(tmp_path: Path, encoding: str) -> None:
    words = ["漢字", "文"] if encoding in ("shift_jis", "gbk") else ["да", "нет"]
    words = ["Größe", "Café"] if encoding == "mac_roman" else words
    path = put(tmp_path, frame(np.array(words)[Y % 2]).to_csv(index=False).encode(encoding))
    if encoding == "gbk":  # with a byte that cp1252 has no letter for
        assert "no table of numbers in UTF-8, UTF-16 or cp1252: give" in error_of(path)
        return
    data = load(path)
    assert data.y is not None
    assert data.class_names is not None
    assert len(data.class_names) == 2
    assert_array_equal(data.y == data.y[0], Y[0] % 2 == Y % 2)


@pytest.mark.parametrize(
    ("names", "unit"),
    [
        ([f"pixel{i}" for i in range(16)], "pixels"),
        ([f"{i}x{j}" for i in range(1, 5) for j in range(1, 5)], "pixels"),
        ([*map(str, range(16))], "pixels"),
        (["pixel0", "pixel1"], "pixels"),
        (["length", "width", "height", "weight"], "features"),
        ([*map(str, range(4))], "features"),
        ([f"V{i}" for i in range(15)], "features"),
        ([*"abcdefghijklmnop"], "features"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_table_is_said_to_hold_pixels_only_where_it_does(
    tmp_path: Path, names: list[str], unit: str, kind: str
) -> None:
    table = pd.DataFrame(X[:, : len(names)], columns=names)
    table.insert(0, "label", Y)
    table.insert(0, "id", range(100, 140))
    data = load(save(table, tmp_path, kind))
    assert data.unit == unit
    assert f": 40 rows of {len(names)} {unit}," in data.found
    assert f"names the rows and is no {unit[:-1]}," in data.found
    assert ("pixel" in data.found) == (unit == "pixels")


@pytest.mark.parametrize(
    ("x", "unit"),
    [(X, "pixels"), (X[:, :4], "features"), (X[:, :4].reshape(-1, 2, 2), "pixels")],
)
def test_an_array_is_said_to_hold_pixels_only_where_it_does(
    tmp_path: Path, x: np.ndarray, unit: str
) -> None:
    np.savez(tmp_path / "a.npz", x=x, y=Y)
    assert f" of {x[0].size} {unit}," in load(tmp_path / "a.npz").found


def test_a_table_of_ids_or_labels_alone_has_no_features(tmp_path: Path) -> None:
    path = put(tmp_path, "label\n1\n2\n")
    assert "has nothing but labels: give it a column for each feature" in error_of(path)
    assert "has nothing but ids: give" in error_of(put(tmp_path, "id\n1\n2\n"))
