"""What is a table, and what are pixels?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fastmlp.data.frames import load_table
from fastmlp.data.recognise import why_table

RNG = np.random.default_rng(0)
WHOLE = RNG.integers(0, 256, (40, 20))


def frame(values: Any = WHOLE, stem: str = "part") -> pd.DataFrame:
    """Columns that are no image by their names: no two of them are called alike."""
    names = [f"{stem} {chr(97 + i)}" for i in range(np.shape(values)[1])]
    return pd.DataFrame(values, columns=names).assign(label=np.arange(len(values)) % 2)


def with_cell(cell: Any, row: int = 3) -> pd.DataFrame:
    table = frame().astype(object)
    table.iloc[row, 5] = cell
    return table


def reason(path: Path, table: pd.DataFrame, **options: Any) -> str | None:
    if path.suffix == ".parquet":
        pytest.importorskip("pyarrow")
        table.infer_objects().to_parquet(path, index=False)
    else:
        header = options.pop("header", True)
        table.to_csv(path, index=False, header=header)
    found = why_table(path, **options)
    return None if found is None else found.words


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (None, "column 'part f' has gaps"),
        (-1, "it has negative numbers"),
        (256, "it has values above 255"),
        (1.5, "it has fractions beyond 1"),
    ],
)
def test_a_cell_makes_a_table(tmp_path: Path, cell: Any, words: str, ending: str) -> None:
    assert reason(tmp_path / f"a.{ending}", with_cell(cell)) == words


@pytest.mark.parametrize("cell", ["oak", "2020-02-03"])
def test_text_and_dates_make_a_table(tmp_path: Path, cell: str) -> None:
    assert reason(tmp_path / "a.csv", with_cell(cell)) == f"column 'part f' holds {cell!r}"
    text = frame().assign(**{"part f": [cell] * 40})
    assert reason(tmp_path / "a.parquet", text) == f"column 'part f' holds {cell!r}"


def test_all_rows_count_where_columns_are_no_image(tmp_path: Path) -> None:
    long = pd.concat([frame()] * 200, ignore_index=True)
    assert reason(tmp_path / "a.csv", long) is None
    for cell, words in ((1000, "it has values above 255"), (None, "column 'part f' has gaps")):
        table = long.astype(object)
        table.iloc[-1, 5] = cell
        assert reason(tmp_path / "a.csv", table) == words


def test_whole_numbers_are_pixels_in_16_columns_or_more(tmp_path: Path) -> None:
    for ending in ("csv", "parquet"):
        path = tmp_path / f"a.{ending}"
        assert reason(path, frame(WHOLE[:, :16])) is None
        assert reason(path, frame(WHOLE[:, :15])) == "15 columns are no image"
        assert reason(path, frame(WHOLE / 255)) is None


def test_quantities_for_labels_make_a_table_but_of_images(tmp_path: Path) -> None:
    prices = np.linspace(0, 100, 40)
    assert reason(tmp_path / "a.csv", frame().assign(label=prices)) == "its labels are quantities"
    images = pd.DataFrame(WHOLE[:, :16]).assign(label=prices)
    assert reason(tmp_path / "a.csv", images.add_prefix("x"), label="xlabel") is None


def test_what_is_called_pixel_is_an_image(tmp_path: Path) -> None:
    for cell in (None, -1, "oak"):
        table = with_cell(cell).rename(columns={"part a": "pixel0"})
        assert reason(tmp_path / "a.csv", table) is None


def test_squares_without_names_are_images_unless_the_first_rows_say_otherwise(
    tmp_path: Path,
) -> None:
    images = pd.DataFrame(WHOLE[:, :16])
    options = {"header": False, "label": "none"}
    assert reason(tmp_path / "a.csv", images, **options) is None
    assert reason(tmp_path / "a.csv", images - 300, **options) == "it has negative numbers"


def test_arrays_are_no_tables(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", WHOLE - 1000)
    assert why_table(tmp_path / "a.npy") is None
    with pytest.raises(ValueError, match=r"a\.npy holds images or arrays.*give a CSV or parquet"):
        load_table(tmp_path / "a.npy")


def test_a_table_is_read_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "# of last year\nid;name;price;when;open;y\n"
        '7;"Smith; Ann";1,5;2020-02-03;true;a\n8;;-2,25;2021-01-01;false;b\n9;Bo;?;;true;a\n'
    )
    found = load_table(tmp_path / "a.csv")
    assert found.found == (
        f"{tmp_path}/a.csv: 3 rows of 4 columns, CSV with semicolons and a header, decimal commas, "
        "1 line of comments skipped, labels: column 'y', column 'id' names the rows and is no "
        "feature"
    )
    assert found.x.columns.tolist() == ["name", "price", "when", "open"]
    assert found.x["name"].tolist()[0] == "Smith; Ann"
    assert found.x["name"].isna().tolist() == [False, True, False]
    np.testing.assert_array_equal(found.x["price"], [1.5, -2.25, np.nan])
    assert found.x["open"].dtype == bool
    assert found.y is not None
    assert found.y.tolist() == ["a", "b", "a"]
    assert found.ids is not None
    assert found.ids.tolist() == [7, 8, 9]
    assert (found.label_name, found.id_name) == ("y", "id")


@pytest.mark.parametrize("last", ["3,c", "3,c,4,5", ""])
def test_ragged_tables_are_refused_by_their_line(tmp_path: Path, last: str) -> None:
    (tmp_path / "a.csv").write_text(f"a,b,y\n1,x,0\n2,z,1\n{last}\n4,,\n")
    if not last:
        assert len(load_table(tmp_path / "a.csv").x) == 3
        return
    n = last.count(",") + 1
    with pytest.raises(ValueError, match=f"line 4 has {n} values, the header 3 names"):
        load_table(tmp_path / "a.csv")


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,a,y\n1,x,0\n2,z,1\n")
    with pytest.raises(ValueError, match="several columns named 'a': give each"):
        load_table(tmp_path / "a.csv")


def test_tables_in_other_encodings(tmp_path: Path) -> None:
    text = "a,town,y\n" + "1,Oslo,0\n" * 50_000 + "2,Graz,1\n3,Köln,1\n"
    (tmp_path / "a.csv").write_bytes(text.encode("cp1252"))
    found = load_table(tmp_path / "a.csv")
    assert found.x["town"].iloc[-1] == "Köln"
    assert "read as cp1252" in found.found
