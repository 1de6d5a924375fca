"""What writes parquet is believed, claims of what is not there are not."""

from __future__ import annotations

import datetime
import decimal
import io
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzz_images import picture
from fuzz_parquet import CODECS, written
from numpy.testing import assert_array_equal
from table_tools import X, Y, error_of, frame, put
from thrift_tools import footer_of, with_footer

from fastmlp.data import load, thrift
from fastmlp.data.frames import load_table
from fastmlp.data.limits import at_most
from fastmlp.data.parquet_footer import check_claims

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

DAY = datetime.datetime(2024, 2, 29)
N = 60


def table() -> Any:
    """Columns of every type, with gaps, lists and columns in columns."""
    text = ["", "é" * 3000, None] * (N // 3)
    return pa.table({
        "u1": pa.array(np.arange(N), "uint8"), "i8": np.arange(N) - 2**62, "f4": np.ones(N, "f4"),
        "f8": [0.5, None, float("nan")] * (N // 3), "bool": [True, None, False] * (N // 3),
        "text": text, "large": pa.array(text, pa.large_string()), "none": pa.nulls(N),
        "few": pa.array(text).dictionary_encode(), "bytes": [b"\0" * 1000, None, b""] * (N // 3),
        "fixed": pa.array([b"1234", None, b"abcd"] * (N // 3), pa.binary(4)),
        "gaps": pa.nulls(N, pa.binary(500)),
        "money": pa.array([decimal.Decimal("1.25"), None] * (N // 2), pa.decimal128(25, 2)),
        "when": pa.array([DAY] * N, pa.timestamp("us", "UTC")), "day": pa.array([DAY.date()] * N),
        "lists": [[1, 2], [], None] * (N // 3), "deep": [[[1], []], [[None]]] * (N // 2),
        "pairs": pa.array([[("a", 1)], []] * (N // 2), pa.map_(pa.string(), pa.int32())),
        "struct": [{"bytes": b"1", "path": None}, None] * (N // 2),
        "structs": [{"a": [{"b": 1.5}]}] * N,
    })  # fmt: skip


OPTIONS: dict[str, dict[str, Any]] = {
    "as usual": {}, "version 1.0": {"version": "1.0"}, "small pages": {"data_page_size": 1},
    "small dictionaries": {"dictionary_pagesize_limit": 1}, "no dictionaries": {
        "use_dictionary": False}, "no statistics": {"write_statistics": False},
    "row groups": {"row_group_size": 7}, "index": {"write_page_index": True},
    "checksums": {"write_page_checksum": True}, "no schema": {"store_schema": False},
    "int96": {"use_deprecated_int96_timestamps": True}, "batches": {"write_batch_size": 1},
    "names": {"use_compliant_nested_type": False}, "decimals": {"store_decimal_as_integer": True},
    "order": {"sorting_columns": [pq.SortingColumn(1)] if hasattr(pq, "SortingColumn") else None},
    "encodings": {"use_dictionary": False, "column_encoding": {
        "i8": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY", "large": "DELTA_LENGTH_BYTE_ARRAY",
        "f8": "BYTE_STREAM_SPLIT", "bool": "RLE"}},
}  # fmt: skip


def accept(content: bytes) -> None:
    with at_most(10**8):
        check_claims(io.BytesIO(content), Path("a.parquet"))


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("options", OPTIONS)
def test_what_pyarrow_writes(options: str, version: str) -> None:
    chosen = {"data_page_version": version, **OPTIONS[options]}
    try:
        written({"a": [1]}, **chosen)
    except TypeError:
        pytest.skip("this pyarrow has no such option")
    for compression in CODECS:
        accept(written(table(), compression=compression, **chosen))
    accept(written(table().slice(0, 0), **chosen))


@pytest.mark.parametrize("compression", ["uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4"])
@pytest.mark.parametrize("options", [
    {}, {"statistics": "full"}, {"statistics": False}, {"row_group_size": 7},
    {"data_page_size": 100}, {"use_pyarrow": True}, {"metadata": {"a": "b" * 9000}},
])  # fmt: skip
def test_what_polars_writes(compression: str, options: dict[str, Any]) -> None:
    pl = pytest.importorskip("polars")
    whole: Any = pl.from_arrow(table().drop_columns(["pairs"]))
    whole.write_parquet(stream := io.BytesIO(), compression=compression, **options)
    accept(stream.getvalue())


@pytest.mark.parametrize("n", [2**10, 2**16, 2**20])
def test_pages_that_pack_well(n: int) -> None:
    zeros = pa.table({"a": np.zeros(n), "b": pa.array([""] * n), "c": pa.nulls(n, "float64")})
    for compression in CODECS:
        for version in ("1.0", "2.0"):
            accept(written(zeros, compression=compression, data_page_version=version,
                           use_dictionary=False, data_page_size=2**30))  # fmt: skip


@pytest.mark.parametrize("n", [400, 3000, 100_000])
def test_long_headers_of_pages(n: int) -> None:
    accept(written({"a": ["a" * n, "b" * n]}, column_encoding={"a": "PLAIN"}, use_dictionary=False))


def test_wide_and_empty_tables() -> None:
    accept(written({f"column {i}": np.arange(3) for i in range(2000)}))
    accept(written({}))


@pytest.mark.parametrize("plaintext_footer", [False, True])
@pytest.mark.parametrize("columns", [{"key": ["a", "label"]}, {"key": ["a"]}])
def test_encrypted_files(
    tmp_path: Path, plaintext_footer: bool, columns: dict[str, list[str]]
) -> None:
    encryption = pytest.importorskip("pyarrow.parquet.encryption")

    class Keys(encryption.KmsClient):  # type: ignore[misc]
        def __init__(self, config: Any) -> None:
            super().__init__()

        def wrap_key(self, key: bytes, name: str) -> str:
            return key.hex()

        def unwrap_key(self, key: str, name: str) -> bytes:
            return bytes.fromhex(key)

    settings = encryption.EncryptionConfiguration(
        footer_key="key", column_keys=columns, plaintext_footer=plaintext_footer
    )
    factory = encryption.CryptoFactory(Keys)
    properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), settings)
    content = written({"label": Y, "a": Y}, encryption_properties=properties)
    what = "has encrypted columns" if plaintext_footer else "is an encrypted parquet file"
    for read in (load, load_table):
        assert f" {what}: save it without encryption" in error_of(put(tmp_path, content), read)


def test_what_is_read_is_the_same(tmp_path: Path) -> None:
    for compression in CODECS:
        for version in ("1.0", "2.0"):
            content = written(pa.Table.from_pandas(frame()), compression=compression,
                              data_page_version=version)  # fmt: skip
            data = load(put(tmp_path, content))
            assert_array_equal(data.x, X)
            assert_array_equal(data.y, Y)


@pytest.mark.parametrize("encoding", ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"])
def test_texts_of_which_pyarrow_makes_no_dictionaries(tmp_path: Path, encoding: str) -> None:
    words = ["first", "second", "third", "fourth"] * 10
    for version in ("1.0", "2.0"):
        content = written({"a": Y, "label": words}, use_dictionary=False, row_group_size=7,
                          column_encoding={"label": encoding}, data_page_version=version,
                          compression="zstd")  # fmt: skip
        data = load(path := put(tmp_path, content))
        assert data.class_names is not None
        assert [data.class_names[i] for i in data.y] == words  # type: ignore[union-attr]
        assert load_table(path, label="label").y.tolist() == words  # type: ignore[union-attr]


def test_images_that_are_counted_take_no_memory(tmp_path: Path) -> None:
    content = written({"image": [picture("PNG", "L")] * 9, "label": list(range(9))})
    found = footer_of(content)
    found[3] = 6, 2**20
    path = put(tmp_path, with_footer(content, found))
    tracemalloc.start()
    said = error_of(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert said == " has fewer rows than it says: download or copy it again"
    assert peak < 5e6


@pytest.mark.parametrize("n", [0, 3, 7, 8, 11, 12])
def test_files_too_short_for_a_footer(n: int) -> None:
    content = (b"PAR1" + b"\xff\xff\xff\x7f" + b"PAR1")[-n:] if n else b""
    with pytest.raises(ValueError, match=r"a.parquet is damaged \(it has no footer\)"):
        check_claims(io.BytesIO(content), Path("a.parquet"))


def test_structs_of_all_kinds() -> None:
    fields = {1: ("a", thrift.I32), 2: ("b", [{1: ("c", thrift.I64)}]), 40: ("d", thrift.I32)}
    skipped = (
        b"\x11\x12"  # two Booleans, 4 and 5
        b"\x13\x7f"  # a byte
        b"\x17" + bytes(8) +  # a double
        b"\x18\x03abc"
        b"\x19\x31\1\2\1"  # a list of Booleans
        b"\x1b\x02\x85\x02ab\x04\x01c\x06"  # a map from text to numbers
        b"\x1b\x00"  # an empty one
        b"\x1a\x15\x01"  # a set
        b"\x1c\x15\x02\x00"  # a struct
    )  # fmt: skip
    content = b"\x15\x03\x19\x2c\x16\x04\x00\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"
    content += b"\x21" + skipped[1:] + b"\x05\x50\x01\x00rest"
    found, end = thrift.read_struct(content, fields)
    assert found == {"a": -2, "b": [{"c": 2}, {"c": -(2**63)}], "d": -1}
    assert content[end:] == b"rest"
    for n in range(end):
        with pytest.raises(thrift.CutShortError):
            thrift.read_struct(content[:n], fields)
    with pytest.raises(thrift.ThriftError, match="of an unknown kind"):
        thrift.read_struct(b"\x4e\x00", fields)
    with pytest.raises(thrift.ThriftError, match="without a number"):
        thrift.read_struct(b"\x05\xfe\xff\x03\x00\x25\x00\x00", fields)
    with pytest.raises(thrift.ThriftError, match="'a' twice"):
        thrift.read_struct(b"\x15\x02\x05\x02\x02\x00", fields)


def test_numbers_wrap_around_as_in_pyarrow() -> None:
    """A number that is too wide, and 5 in its lower 32 bits."""
    wide = b"\x15\x8a\x80\x80\x80\x10\x00"
    assert thrift.read_struct(wide, {1: ("a", thrift.I32)})[0] == {"a": 5}
