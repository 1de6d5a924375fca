"""load_csv: Kaggle's layout, packed or not, and everything that can be wrong with it."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from table_tools import error_of as said_of

from fastmlp.data import csv_digits, csv_text, load_csv

RANDOM = np.random.RandomState(0)
X = RANDOM.randint(0, 256, (9, 6)).astype(np.uint8)
MANY = RANDOM.randint(0, 256, (50, 30))
Y = np.array([3, 0, 9, 9, 1, 2, 5, 7, 4])
GOOD = "label,pixel0,pixel1\n5,0,255\n0,17,3\n"


def text_of(x: np.ndarray, y: np.ndarray | None = None) -> str:
    names = [f"pixel{i}" for i in range(x.shape[1])]
    table = x if y is None else np.column_stack([y, x])
    rows = [["label"] * (y is not None) + names, *table.tolist()]
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    elif name.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("train.csv", text)
            archive.writestr("__MACOSX/._train.csv", "put there by macOS")
    else:
        path.write_bytes(text.encode())
    return path


def error_of(path: Path, kind: type[Exception] = ValueError) -> str:
    return said_of(path, load_csv, kind)


def fault(folder: Path, text: str) -> str:
    return error_of(put(folder, "bad.csv", text))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.zip", "A.CSV", "a.txt"])
@pytest.mark.parametrize("labelled", [True, False])
def test_packed_or_not_with_and_without_labels(tmp_path: Path, name: str, labelled: bool):
    x, y = load_csv(str(put(tmp_path, name, text_of(X, Y if labelled else None))))
    assert x.dtype == np.uint8
    assert x.flags.c_contiguous
    assert_array_equal(x, X)
    if labelled:
        assert y is not None
        assert y.dtype == np.int64
        assert_array_equal(y, Y)
    else:
        assert y is None


@pytest.mark.parametrize("rows_at_a_time", [1, 4, 9, 10])
def test_chunks_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_at_a_time: int):
    monkeypatch.setattr(csv_text, "ROWS_AT_A_TIME", rows_at_a_time)
    x, y = load_csv(put(tmp_path, "a.csv", text_of(X, Y)))
    assert_array_equal(x, X)
    assert_array_equal(y, Y)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.removesuffix("\n"),
        GOOD.replace("\n", "\r\n"),
        GOOD + "\n\n",
        "\ufeff" + GOOD,
        GOOD.replace("17", "17.0").replace("5,0", "5.0,0"),
        GOOD.replace("17", "1.7e1"),
        GOOD.replace("17", '"17"'),
        GOOD.replace("17", " 17"),
        GOOD.replace("label", "Label "),
        "pixel0,label,pixel1\n0,5,255\n17,0,3\n",
    ],
)
def test_other_ways_to_write_the_same(tmp_path: Path, text: str):
    x, y = load_csv(put(tmp_path, "a.csv", text))
    assert x.dtype == np.uint8
    assert_array_equal(x, [[0, 255], [17, 3]])
    assert_array_equal(y, [5, 0])


def test_one_row(tmp_path: Path):
    x, y = load_csv(put(tmp_path, "a.csv", "pixel0\n3\n"))
    assert_array_equal(x, [[3]])
    assert y is None


def test_missing_file(tmp_path: Path):
    assert "does not exist: check" in error_of(tmp_path / "no.csv", FileNotFoundError)


def test_folder(tmp_path: Path):
    assert "is a folder: give" in error_of(tmp_path, IsADirectoryError)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.zip"])
@pytest.mark.parametrize("text", ["", "\n", "\n\n"])
def test_empty(tmp_path: Path, name: str, text: str):
    assert "is empty: give" in error_of(put(tmp_path, name, text))


@pytest.mark.parametrize("text", ["label,pixel0", "label,pixel0\n", "pixel0,pixel1\n\n"])
def test_header_only(tmp_path: Path, text: str):
    assert "has a header, but no rows: give" in fault(tmp_path, text)


def test_no_header(tmp_path: Path):
    assert "starts with numbers" in fault(tmp_path, "5,0,255\n0,17,3\n")
    assert "starts with numbers" in fault(tmp_path, "5,0,0\n0,17,3\n")  # pandas renames to 0.1


def test_labels_alone(tmp_path: Path):
    assert "has labels, but no pixels: give" in fault(tmp_path, "label\n5\n")


def test_labels_twice(tmp_path: Path):
    text = "label,pixel0,label\n5,0,5\n"
    assert "has 2 columns named label: give" in fault(tmp_path, text)


def test_saved_index(tmp_path: Path):
    text = ",label,pixel0\n0,5,255\n1,0,3\n"
    assert "column 1 has no name: name it, or leave it out" in fault(tmp_path, text)
    for name in ("Unnamed: 0", "Unnamed: 3", "index", "Id"):
        for numbers in (range(200), range(7, 9), range(300), range(1)):
            rows = "".join(f"5,{i},{i % 7}\n" for i in numbers)
            message = fault(tmp_path, f"label,{name},pixel0\n{rows}")
            assert "is no pixel: leave it out" in message
            assert "fastmlp.data.load" in message
        x, _ = load_csv(put(tmp_path, "a.csv", f"label,{name},pixel0\n5,7,255\n0,7,3\n"))
        assert_array_equal(x, [[7, 255], [7, 3]])


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("x", "'x' is no number"),
        ("", "'' is no number"),
        ("True", "'True' is no number"),
        ("0x11", "'0x11' is no number"),
        ("1_7", "'1_7' is no number"),
        ("\u0667", "'\u0667' is no number"),
        ("1 7", "'1 7' is no number"),
        ("nan", "'nan' is no whole number"),
        ("NaN", "'NaN' is no whole number"),
        ("inf", "'inf' is no whole number"),
        ("-inf", "'-inf' is no whole number"),
        ("1e400", "'1e400' is no whole number"),
        ("NA", "'NA' is no number"),
        ("0.5", "'0.5' is no whole number"),
        ("254.999", "'254.999' is no whole number"),
        ("256", "'256' is out of range"),
        ("-1", "'-1' is out of range"),
        ("511.0", "'511.0' is out of range"),
        ("99999999999999999999999", "'99999999999999999999999' is out of range"),
        ("18446744073709551615", "'18446744073709551615' is out of range"),
    ],
)
@pytest.mark.parametrize("rows_at_a_time", [1, 4096])
def test_bad_pixel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: str, problem: str, rows_at_a_time: int
):
    monkeypatch.setattr(csv_text, "ROWS_AT_A_TIME", rows_at_a_time)
    message = fault(tmp_path, GOOD.replace("17", cell))
    assert message.startswith(f", line 3, column 'pixel0': {problem}: correct it or remove the row")
    assert "pixels are whole numbers, 0 to 255" in message


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("five", "'five' is no number"),
        ("", "'' is no number"),
        ("nan", "'nan' is no whole number"),
        ("1.5", "'1.5' is no whole number"),
        ("-1", "'-1' is out of range"),
        ("1e30", "'1e30' is out of range"),
    ],
)
def test_bad_label(tmp_path: Path, cell: str, problem: str):
    message = fault(tmp_path, GOOD.replace("5,0", f"{cell},0"))
    assert message.startswith(f", line 2, column 'label': {problem}: correct it or remove the row")
    assert "labels are whole numbers" in message


def test_a_whole_column_of_truths(tmp_path: Path):
    assert "'True' is no number" in fault(tmp_path, "label,pixel0\n1,True\n2,False\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD + "7,1\n", ", line 4 has 2 values, the header 3 names"),
        (GOOD + "7,1\n8,2,3\n", ", line 4 has 2 values, the header 3 names"),
        (GOOD + "7,1,2,3\n", ", line 4 has 4 values, the header 3 names"),
        (GOOD + "7\n", ", line 4 has 1 value, the header 3 names"),
        ("label,pixel0\n1,2,3\n4,5,6\n", ", line 2 has 3 values, the header 2 names"),
        ("label,pixel0\n0,2,3\n1,5,6\n", ", line 2 has 3 values, the header 2 names"),
        ("label,pixel0\n1,2,3,4\n1,2,5,6\n", ", line 2 has 4 values, the header 2 names"),
        ("label,pixel0\n1,2,\n4,5,\n", ", line 2 has 3 values, the header 2 names"),
    ],
)
def test_ragged_rows(tmp_path: Path, text: str, problem: str):
    assert fault(tmp_path, text).startswith(f"{problem}: give every row as many")


def test_the_first_fault_is_named_after_blank_lines_and_in_a_later_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(csv_text, "ROWS_AT_A_TIME", 2)
    text = "label,pixel0\n1,2\n\n3,4\n5,6\n7,8\n9,oops\nalas,0\n"
    assert ", line 7, column 'pixel0': 'oops'" in fault(tmp_path, text)


def test_long_cells_are_shortened(tmp_path: Path):
    assert len(fault(tmp_path, GOOD.replace("17", "x" * 5000))) < 200


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(GOOD.encode(), mtime=0),
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x1c",
        GOOD.encode() + b"\xff\xfe,1,2\n",
        GOOD.encode() + b"7,1,2\n" * 3000 + b"\xff\xfe,1,2\n",
        GOOD.encode("utf-16"),
        GOOD.encode() + b'7,"1,2\n',
    ],
)
def test_no_table_at_all(tmp_path: Path, content: bytes):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    assert " is no table of numbers with commas between them: give a CSV" in error_of(path)


@pytest.mark.parametrize("kept", [5, 30, 200, -9, -1])
def test_gzip_cut_short(tmp_path: Path, kept: int):
    path = put(tmp_path, "cut.csv.gz", text_of(MANY))
    path.write_bytes(path.read_bytes()[:kept])
    assert " is damaged or cut short: download" in error_of(path)


def test_gzip_cut_short_after_a_fault_that_only_pandas_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(csv_text, "ROWS_AT_A_TIME", 10)
    monkeypatch.setattr(csv_digits, "_problem", lambda *_: None)
    text = GOOD + "oops,0,0\n" + "".join(f"{n % 10},{n % 256},0\n" for n in range(50_000))
    path = put(tmp_path, "cut.csv.gz", text)  # longer than what pandas reads at a time
    path.write_bytes(path.read_bytes()[:-9])
    assert " is damaged or cut short: download" in error_of(path)


def test_gzip_without_any_content(tmp_path: Path):
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(b"")
    assert "is empty: give" in error_of(path)


@pytest.mark.parametrize("name", ["bad.csv.gz", "bad.zip"])
def test_plain_text_under_an_archives_name(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_text(GOOD)
    assert " is damaged or cut short: download" in error_of(path)


def test_damaged_archives(tmp_path: Path):
    for name, offset in (("bad.csv.gz", 40), ("bad.zip", 60)):
        path = put(tmp_path, name, text_of(MANY))
        content = bytearray(path.read_bytes())
        content[offset : offset + 20] = bytes(20)
        path.write_bytes(content)
        assert " is damaged or cut short: download" in error_of(path)


def test_zip_cut_short(tmp_path: Path):
    path = put(tmp_path, "cut.zip", GOOD)
    path.write_bytes(path.read_bytes()[:-10])
    assert " is damaged or cut short: download" in error_of(path)


@pytest.mark.parametrize(
    ("names", "found"),
    [([], "none"), (["readme.txt"], "none"), (["train.csv", "test.csv"], "train.csv, test.csv")],
)
def test_zip_without_exactly_one_csv(tmp_path: Path, names: list[str], found: str):
    path = tmp_path / "digits.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, GOOD)
    assert f"should hold one CSV file, and holds {found}: unpack it" in error_of(path)


def test_zip_encrypted(tmp_path: Path):
    path = tmp_path / "secret.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train.csv", GOOD)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    path.write_bytes(content)
    assert "is encrypted: unpack it" in error_of(path)
