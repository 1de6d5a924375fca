"""load: faults in a table are reported in one line, with the place and a remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from table_tools import PACKINGS, X, Y, error_of, frame, put

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


@pytest.mark.parametrize("reader", [load, load_csv])
@pytest.mark.parametrize("sign", ["#", "%"])
@pytest.mark.parametrize("comment", ["{} more", "{}, more", "{} it's \"so"])
def test_a_comment_among_the_rows_is_called_one(
    tmp_path: Path, reader: Any, sign: str, comment: str
) -> None:
    rows = frame().to_csv(index=False).splitlines()
    for at in (1, 2, 30):
        text = "\n".join([*rows[:at], comment.format(sign), *rows[at:]])
        with pytest.raises(ValueError, match=f"csv, line {at + 1} begins with {sign} and looks"):
            reader(put(tmp_path, text))


def test_a_comment_in_a_table_of_as_many_columns_is_called_one(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b,label\n1,2,3\n% a,b,4\n1,2,3\n")
    assert error_of(path).startswith(", line 3 begins with % and looks like a comment: remove")
    with pytest.raises(ValueError, match="line 1 begins with # and looks like a comment: remove"):
        load_csv(put(tmp_path, "# of digits\nlabel,pixel0\n1,2\n"))


@pytest.mark.parametrize("missing", ["", " ", "NA", "nan", "None"])
@pytest.mark.parametrize("reader", [load, load_csv])
def test_an_empty_column_is_called_one(tmp_path: Path, reader: Any, missing: str) -> None:
    table = frame().assign(**{"Unnamed: 32": missing})
    path = put(tmp_path, table.to_csv(index=False))
    with pytest.raises(ValueError, match="csv: column 'Unnamed: 32' is empty: remove it"):
        reader(path)
    if reader is load:
        table = table.drop(columns="label")  # for which it is not taken, either
        assert error_of(put(tmp_path, table.to_csv(index=False))).startswith(": column 'Unnamed")
    table.loc[39, "Unnamed: 32"] = "7"
    path = put(tmp_path, table.assign(label=1).to_csv(index=False))
    with pytest.raises(ValueError, match=r"csv, line 2, column 'Unnamed: 32': .* number: correct"):
        reader(path)


@pytest.mark.parametrize("name", ["label", "prefer"])
def test_long_arguments_are_cut(tmp_path: Path, name: str) -> None:
    given = ["x" * 100_000] if name == "label" else "x" * 100_000
    with pytest.raises((TypeError, ValueError), match=f"^{name} is ") as caught:
        load(tmp_path, **{name: given})  # type: ignore[arg-type]
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("kind", ["npz", "parquet", "folder"])
def test_names_that_would_steer_a_terminal_are_escaped(tmp_path: Path, kind: str) -> None:
    """Also in what was found, and in what pyarrow says of bytes of a file."""
    path, name = tmp_path / "data", "\x1b[31mred"
    if kind == "npz":
        with path.open("wb") as file:
            np.savez(file, x=X, y=Y, **{name: Y})
        assert r"passed over: \x1b[31mred" in load(path).found
        with path.open("wb") as file:
            np.savez(file, **{name: X, "a": X, "b": X})
        assert r"holds \x1b[31mred, a, b, and which" in error_of(path)
    elif kind == "folder":
        (path / name).mkdir(parents=True)
        assert r"holds \x1b[31mred/, and nothing" in error_of(path)
    else:
        pytest.importorskip("pyarrow")
        frame().to_parquet(path)
        content = path.read_bytes()
        start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
        path.write_bytes(content[:start] + b"\x1f" + content[start + 1 :])  # no type is 15
        assert error_of(path).isprintable()


@pytest.mark.parametrize(("dtype", "scale"), [("f4", 1e-300), ("f8", 1e-308)])
def test_a_scale_that_leaves_no_number_is_refused(tmp_path: Path, dtype: str, scale: float) -> None:
    np.save(tmp_path / "x.npy", (X * 100.5).astype(dtype))
    said = error_of(tmp_path / "x.npy", scale=scale)
    assert f"divided by {scale:g} are too large for float{8 * int(dtype[1])}: give a l" in said


LONG = "x" * 60_000  # zip has no longer ones


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
def test_long_names_are_cut(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "data"
    if kind == "npz":
        x, y = f"x_{LONG}", f"y_{LONG}"
        for arrays in ({LONG: X, LONG[1:]: X}, {x: X, y: Y[1:]}, {x: X, y: X}, {x: X.astype(str)},
                       {x: X.astype(object)}):  # fmt: skip
            with path.open("wb") as stream:
                np.savez(stream, **arrays)  # type: ignore[arg-type]
            with pytest.raises(ValueError, match="data") as caught:
                load(path)
            assert len(str(caught.value)) < 600
        with path.open("wb") as stream:
            np.savez(stream, **{x: X, y: Y})
        assert len(load(path).found) < 600
        return
    table = frame().assign(**{LONG: ["a"] * 39 + ["1"]})
    if kind == "csv":
        with path.open("w") as stream:
            table.to_csv(stream, index=False)
        for label in (None, "z", "z" * 100_000):
            assert len(error_of(path, label=label)) < 600
        put(tmp_path, frame(None).to_csv(index=False, header=False), "data")
        assert len(error_of(path, label=LONG)) < 600
        return
    pytest.importorskip("pyarrow")
    for values in ("a", None, pd.Series([1.0, *[None] * 39]), pd.Timestamp(0)):
        frame().assign(**{LONG: values}).to_parquet(path)
        assert len(error_of(path)) < 600
    twice = pd.concat([frame(), pd.DataFrame(X[:, :2], columns=["i" * 99999] * 2)], axis=1)
    put(tmp_path, twice.to_csv(index=False), "data")
    for options in ({"label": "i" * 99999}, {"id_column": "i" * 99999}):
        assert len(error_of(path, **options)) < 600


def test_a_column_that_is_mostly_missing_holds_no_words(tmp_path: Path) -> None:
    for missing in ("NA", "N/A", "null", "None", "?"):
        table = frame().assign(p=[missing] * 30 + [*map(str, range(10))])
        message = error_of(put(tmp_path, table.to_csv(index=False)))
        assert message == (
            f", line 2, column 'p': {missing!r} is no number: correct it or remove the row"
        )
    words = frame().assign(p=["none"] * 20 + ["mild"] * 20)
    assert "a text column" in error_of(put(tmp_path, words.to_csv(index=False)))
