"""load: the size that a file claims or unpacks to is limited, in each format and packing."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from table_tools import PACKINGS, X, Y, error_of, frame, put

from fastmlp.data import csv_layout, csv_stream, csv_text, limits, load, load_csv, load_idx
from fastmlp.data.limits import at_most, limit_of

MEGABYTE = 10**6
ZEROS = bytes(30 * MEGABYTE)


def idx(*shape: int) -> bytes:
    return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npy_header(shape: str, dtype: str = "|u1") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()


def npz(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", content)
    return stream.getvalue()


def parquet(table: pd.DataFrame) -> bytes:
    pytest.importorskip("pyarrow")
    stream = io.BytesIO()
    table.to_parquet(stream, index=False)
    return stream.getvalue()


CONTENTS: dict[str, Callable[[], bytes]] = {
    "csv": lambda: frame(np.tile(Y, 700), np.tile(X, (700, 1))).to_csv(index=False).encode(),
    "idx": lambda: idx(2000, 30, 30) + bytes(2000 * 900),
    "npy": lambda: npy(np.zeros((2000, 900), np.uint8)),
    "npz": lambda: npz(npy(np.zeros((2000, 900), np.uint8))),
    "parquet": lambda: parquet(pd.DataFrame({"label": np.zeros(600_000, int), "p": 7, "q": 8})),
}


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("packing", PACKINGS)
def test_too_much_is_refused_with_the_limit(tmp_path: Path, kind: str, packing: str) -> None:
    content = CONTENTS[kind]()
    if kind == "npz" and packing != "plain":
        pytest.skip("an archive inside an archive")
    path = put(tmp_path, PACKINGS[packing](content))
    said = error_of(path, max_bytes=MEGABYTE, label="none")
    assert said.startswith(" takes more than 1,000,000 bytes: give fewer rows, or if you trust it")
    assert "max_bytes" in said
    assert "--max-bytes" in said
    assert len(load(path, max_bytes=10 * MEGABYTE, label="none").x) >= 2000


def test_the_limit_is_a_hundred_times_the_file_and_a_gigabyte_at_least(tmp_path: Path) -> None:
    path = put(tmp_path, b"1")
    assert limit_of(path) == 2**30
    with path.open("r+b") as stream:
        stream.truncate(2**34)
    assert limit_of(path) == 100 * 2**34
    with at_most(5):
        assert limit_of(path) == 5
    assert limit_of(path) == 100 * 2**34
    with pytest.raises(ValueError, match="max_bytes is 0: give"):
        load(path, max_bytes=0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(idx(3, 4, 4) + ZEROS), "has 65 bytes or more instead of 64"),
        (lzma.compress(idx(3, 4, 4) + ZEROS), "has 65 bytes or more instead of 64"),
        (gzip.compress(idx(3, 4, 4) + bytes(40)), "has 56 bytes instead of 64"),
        (gzip.compress(b"\x93NUMPY\x02\x00" + struct.pack("<I", len(ZEROS)) + ZEROS), "is damaged"),
        (npz(b"\x93NUMPY\x02\x00" + struct.pack("<I", len(ZEROS)) + ZEROS), "is damaged"),
        (npz(ZEROS), "x in .* is no array: leave it out"),
        (npz(npy_header("(1000000, 20)")), "is damaged"),
        (npz(npy_header("(2,)", "<U8000000")), "is damaged"),
        (gzip.compress(npy_header("(10**9, 20)".replace("10**9", "1000000000"))), "takes more"),
        (npy_header("(-3, -4)") + bytes(12), "is damaged"),
        (npy_header("(100000000000, 1)", "|S0"), "is damaged"),
    ],
    ids=range(11),
)
def test_no_memory_for_what_a_header_claims(tmp_path: Path, content: bytes, said: str) -> None:
    path = put(tmp_path, content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=said):
            load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * MEGABYTE


@pytest.mark.parametrize("packing", ["plain", "gzip"])
@pytest.mark.parametrize("endless", [b"1," * 10**7, b"0" * 10**7, b'"\n",' * 4 * 10**6])
def test_a_row_without_an_end(tmp_path: Path, packing: str, endless: bytes) -> None:
    content = b"label,a\n1,2\n" + b"3,4\n" * 100_000 + endless * 2
    path = put(tmp_path, PACKINGS[packing](content))
    assert "has a row that does not end, far longer than its 2 columns: " in error_of(path)


@pytest.mark.parametrize("form", ["%.50f", "%60.5f", "%-60d"])
@pytest.mark.parametrize("header", ["", "label" + 100 * ",pixel"])
def test_wide_cells_are_no_endless_row(tmp_path: Path, form: str, header: str) -> None:
    x = np.random.RandomState(0).randint(0, 256, (5000, 101))
    np.savetxt(tmp_path / "wide.csv", x, form, ",", header=header, comments="")
    data = load(tmp_path / "wide.csv", label="first")
    np.testing.assert_array_equal(data.x, x[:, 1:])
    if header:
        np.testing.assert_array_equal(load_csv(tmp_path / "wide.csv")[0], x[:, 1:])


@pytest.mark.parametrize("blank", [b"\n", b" \r\n"])
def test_blank_lines_without_an_end_are_called_so(tmp_path: Path, blank: bytes) -> None:
    path = put(tmp_path, b"label,a\n1,2\n" + blank * 20 * MEGABYTE)
    assert error_of(path).startswith(" has a run of blanks or blank lines that does not end: ")


def test_a_first_line_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, b"0" * 18 * MEGABYTE)
    assert error_of(path).startswith(" has a line that does not end: give")
    monkeypatch.setattr(csv_layout, "MAX_COLUMNS", 17)
    assert load(put(tmp_path, frame().to_csv(index=False))).x.shape == (40, 16)
    path = put(tmp_path, frame(place=16).assign(p=1).to_csv(index=False))
    assert error_of(path).startswith(" has more than 17 columns: give")


def test_wide_tables_are_read_in_few_rows_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, frame().to_csv(index=False))
    seen: list[int] = []
    got_rows = csv_stream.Watched.got_rows

    def watched(self: csv_stream.Watched) -> None:
        seen.append(self.rows_at_a_time)
        got_rows(self)

    monkeypatch.setattr(csv_stream.Watched, "got_rows", watched)
    for cells, wanted in ((3 * 17, 3), (1, 1), (10**9, csv_text.ROWS_AT_A_TIME)):
        monkeypatch.setattr(csv_stream, "CELLS_AT_A_TIME", cells)
        seen.clear()
        np.testing.assert_array_equal(load(path).x, X)
        np.testing.assert_array_equal(load_csv(path)[1], Y)
        assert set(seen) == {wanted}


def test_the_memory_that_pandas_takes_counts_too(tmp_path: Path) -> None:
    path = put(tmp_path, "1.5,2.5\n" * 60_000)
    assert "takes more than 500,000 bytes" in error_of(
        path, max_bytes=500_000, scale=1, label="none"
    )
    assert load(path, max_bytes=MEGABYTE, scale=1, label="none").x.nbytes == 960_000


@pytest.mark.parametrize("code", [40, 32])  # 4 GiB, and 256 MiB
def test_a_dictionary_far_larger_than_the_file(tmp_path: Path, code: int) -> None:
    whole = bytearray(lzma.compress(frame().to_csv(index=False).encode()))
    size = (whole[12] + 1) * 4
    block = whole[12 : 12 + size]
    block[block.index(b"\x21\x01") + 2] = code  # the filter's one property
    block[-4:] = struct.pack("<I", zlib.crc32(block[:-4]))
    whole[12 : 12 + size] = block
    path = put(tmp_path, bytes(whole))
    assert "takes more than 134,217,728 bytes" in error_of(path)
    if code == 32:
        assert load(path, max_bytes=2**30).x.shape == (40, 16)
    # ... and in a second stream, after which lzma.open takes anything for padding.
    path = put(tmp_path, lzma.compress(frame().to_csv(index=False).encode()) + whole)
    assert "takes more than 134,217,728 bytes" in error_of(path)


def test_xz_in_several_streams_and_with_something_after_them(tmp_path: Path) -> None:
    text = frame().to_csv(index=False).encode()
    whole = lzma.compress(text[:100]) + lzma.compress(b"") + lzma.compress(text[100:]) + b"the end"
    np.testing.assert_array_equal(load(put(tmp_path, whole)).x, X)


def test_the_older_functions_have_the_usual_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "USUAL", 1000)
    monkeypatch.setattr(limits, "TIMES", 3)
    for name, pack in (("a.csv.gz", gzip.compress), ("a.zip", PACKINGS["zip"])):
        path = put(tmp_path, pack(b"label,pixel0\n" + b"1,2\n" * 3000), name)
        with pytest.raises(ValueError, match=r"takes more than 1,000 bytes: give fewer rows"):
            load_csv(path)
    put(tmp_path, gzip.compress(idx(50, 5, 5) + bytes(1250)), "train-images-idx3-ubyte.gz")
    put(tmp_path, idx(50) + bytes(50), "train-labels-idx1-ubyte")
    with pytest.raises(ValueError, match=r"images-idx3-ubyte.gz takes more than 1,000 bytes"):
        load_idx(tmp_path)


def test_parquet_s_equal_texts_are_one_in_memory(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    word = "a" * 100_000
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(3000, "i4")), pa.array([word]))
    columns = {"label": texts, "p0": pa.array(np.zeros(3000))}
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path, store_schema=False, dictionary_pagesize_limit=2**30)
    pool = pa.default_memory_pool()
    before = pool.max_memory()
    data = load(path)  # 300 MB, if each row had a word of its own
    assert data.x.shape == (3000, 1)
    assert data.class_names == (word,)
    assert pool.max_memory() - before < 30 * MEGABYTE
