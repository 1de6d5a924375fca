"""load: what is wrong with a table is said in one line, with the place and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from table_tools import PACKINGS, X, error_of, frame, put

from fastmlp.data import csv_stream, load, load_csv


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("five", "'five', a word among numbers: correct"),
        ("", "'', which is missing: correct"),
        ("nan", "'nan', which is no whole number"),
        ("1.5", "'1.5', which is no whole number"),
        ("-1", "'-1', which is out of range"),
    ],
)
def test_a_bad_label_is_named_with_its_line(tmp_path: Path, cell: str, problem: str) -> None:
    text = frame().to_csv(index=False).replace("\n3,", f"\n\n{cell},", 1)
    path = put(tmp_path, text)
    assert error_of(path).startswith(f", line 6, column 'label': {problem}")


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("dark", "'dark' is no number"),
        ("", "'' is no number"),
        ("nan", "'nan' is no finite number"),
        ("inf", "'inf' is no finite number"),
        ("True", "'True' is no number"),
        ("1_7", "'1_7' is no number"),
    ],
)
def test_a_bad_pixel_is_named_with_its_line(
    tmp_path: Path, header: bool, cell: str, problem: str
) -> None:
    rows = frame().to_csv(index=False, header=header).splitlines()
    rows[30] = rows[30].rsplit(",", 1)[0] + f",{cell}"
    message = error_of(put(tmp_path, "\n".join(rows)))
    name = "'pixel15'" if header else "17"
    assert message.startswith(f", line 31, column {name}: {problem}: correct it")


@pytest.mark.parametrize("more", [-1, 1])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("separator", [",", ";", " "])
@pytest.mark.parametrize("at", [1, 5, 35])
def test_ragged_rows_are_named(
    tmp_path: Path, more: int, header: bool, separator: str, at: int
) -> None:
    rows = frame().to_csv(index=False, header=header, sep=separator).splitlines()
    rows[at] = rows[at] + f"{separator}9" if more == 1 else rows[at].rsplit(separator, 1)[0]
    message = error_of(put(tmp_path, "\n".join(rows)), label="first")
    of_what = "the header 17 names" if header else "the first row 17"
    assert message.startswith(f", line {at + 1} has {17 + more} values, {of_what}: give every row")


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "label,pixel0", "label,pixel0\n"])
@pytest.mark.parametrize("packing", PACKINGS)
def test_nothing_to_read(tmp_path: Path, content: str, packing: str) -> None:
    path = put(tmp_path, PACKINGS[packing](content.encode()))
    assert "empty" in (message := error_of(path)) or "no rows" in message


@pytest.mark.parametrize(
    "content",
    [
        b"label,pixel0\n1,2\n\x81\xfe,1\n",
        b"label,pixel0\n" + b"1,2\n" * 70_000 + b"\x81\xfe,1\n",
        "label,größe\n1,2\n".encode() + b"\xff,1\n",
        "label,größe\n".encode() + b"1,2\n" * 70_000 + b"\xff,1\n",
        b'label,pixel0\n1,"2\n',
    ],
)
def test_no_table(tmp_path: Path, content: bytes) -> None:
    message = error_of(put(tmp_path, content))
    assert "no table of numbers" in message or "is no number" in message


def test_an_interrupt_while_pandas_reads_is_an_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Any, size: int = -1) -> bytes:
        self.error = KeyboardInterrupt()
        raise pd.errors.ParserError("Calling read(nbytes) on source failed.")

    monkeypatch.setattr(csv_stream.Watched, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(put(tmp_path, frame().to_csv(index=False)))


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    path = put(tmp_path, b"PAR1" + bytes(50), "table.parquet")
    assert "pip install pyarrow" in error_of(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no\.csv does not exist: check"):
        load(tmp_path / "no.csv")
    with pytest.raises(ValueError, match="prefer is 'test'"):
        load(tmp_path, prefer="test")  # type: ignore[arg-type]


TOWNS = ["Bern", "Basel", "", "Chur"]


@pytest.mark.parametrize("label", [True, False])
@pytest.mark.parametrize("kind", ["csv", "semicolons", "parquet", "load_csv"])
@pytest.mark.parametrize("first", TOWNS)
def test_a_text_column_is_called_one(tmp_path: Path, kind: str, label: bool, first: str) -> None:
    table = frame(None).assign(town=[first, *(TOWNS * 10)[:39]], other=["", *"a" * 39])
    table = table.assign(label=1) if label or kind == "load_csv" else table
    path = tmp_path / "table.csv"
    if kind == "parquet":
        pytest.importorskip("pyarrow")
        table.assign(town=table["town"].replace("", None)).to_parquet(path)
    elif kind == "semicolons":
        table.assign(pixel3=0.5, pixel4=0.5).to_csv(path, index=False, sep=";", decimal=",")
    else:
        table.to_csv(path, index=False)
    message = r"column 'town'.* a text column: leave it out, or encode it, as OneHotEncoder"
    with pytest.raises(ValueError, match=message) as caught:
        load_csv(path) if kind == "load_csv" else load(path)
    assert ("--label" in str(caught.value)) == (not label and kind != "load_csv")


@pytest.mark.parametrize("reader", [load, load_csv])
def test_odd_cells_among_numbers_are_no_text_column(tmp_path: Path, reader: Any) -> None:
    column = ["Bern", "Chur", *range(4)]
    path = put(tmp_path, frame(None, X[:6]).assign(town=column, label=1).to_csv(index=False))
    with pytest.raises(ValueError, match="line 2, column 'town': 'Bern' is no number: correct it"):
        reader(path)
