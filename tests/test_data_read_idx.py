"""read_idx: MNIST's descendants, by any name, packed or not, as folders and as files."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from table_tools import error_of as said_of

from fastmlp.data import load, load_idx
from fastmlp.data.idx import read_idx
from fastmlp.data.sniff import kind_of

CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
RANDOM = np.random.RandomState(0)
X = RANDOM.randint(0, 256, (5, 3, 4)).astype("u1")
Y = np.array([7, 0, 9, 1, 1], "u1")


def idx(array: np.ndarray) -> bytes:
    magic = bytes([0, 0, CODES[array.dtype.str[1:]], array.ndim])
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return magic + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def put_pair(folder: Path, images: str, labels: str, x: np.ndarray = X, y: np.ndarray = Y) -> Path:
    put(folder / images, idx(x))
    put(folder / labels, idx(y))
    return folder


def error_of(path: Path, kind: type[Exception] = ValueError) -> str:
    return said_of(path, read_idx, kind)


PAIRS = [
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
    ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
    ("emnist-letters-train-images-idx3-ubyte", "emnist-letters-train-labels-idx1-ubyte"),
    ("qmnist-test-images-idx3-ubyte", "qmnist-test-labels-idx2-int"),
    ("KMNIST_Train_Images.idx", "KMNIST_Train_Labels.idx"),
    ("images", "labels"),
    ("digits-x", "digits-y"),
    ("digits.idx3", "digits-labels.idx1"),
]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress, bz2.compress])
@pytest.mark.parametrize("nested", [False, True])
def test_names_and_packings(tmp_path: Path, pair: tuple[str, str], end: str, pack, nested: bool):
    paths = [tmp_path / f"{n}{end}/{n}{end}" if nested else tmp_path / f"{n}{end}" for n in pair]
    for path, array in zip(paths, (X, Y), strict=True):
        put(path, pack(idx(array)))
    put(tmp_path / "README.txt", b"digits")
    put(tmp_path / ".DS_Store", b"\0\0\x08\x03")
    assert kind_of(tmp_path) == "idx folder"
    for path in (tmp_path, paths[0]):
        raw = read_idx(path)
        assert raw.x.dtype == np.uint8
        assert raw.x.flags.writeable
        assert_array_equal(raw.x, X.reshape(5, 12))
        assert raw.labels is not None
        assert raw.labels.dtype == np.int64
        assert_array_equal(raw.labels, Y)
        assert raw.words[0] == f"IDX: {paths[0].name} and {paths[1].name}"
        assert "images of 3x4 as rows" in raw.words
        assert ("EMNIST's images lie on their side, as in the file" in raw.words) == (
            "emnist" in pair[0]
        )
    assert read_idx(tmp_path, label="none").labels is None
    assert read_idx(paths[0], label="none").labels is None
    message = error_of(paths[1]).removeprefix(" ")
    assert message.startswith("holds labels, not images: give")


def test_halves(tmp_path: Path):
    put_pair(tmp_path, "a-test-images-idx3-ubyte", "a-test-labels-idx1-ubyte", X[:2], Y[:2])
    assert len(read_idx(tmp_path, prefer="train").x) == 2
    put_pair(tmp_path, "a-train-images-idx3-ubyte", "a-train-labels-idx1-ubyte")
    assert len(read_idx(tmp_path).x) == 5
    raw = read_idx(tmp_path, prefer="t10k")
    assert len(raw.x) == 2
    assert raw.labels is not None
    assert len(raw.labels) == 2
    assert len(read_idx(tmp_path / "a-test-images-idx3-ubyte").x) == 2


def test_a_file_beside_its_packed_copy_is_one(tmp_path: Path):
    put_pair(tmp_path, *PAIRS[0])
    put(tmp_path / f"{PAIRS[0][0]}.gz", gzip.compress(idx(X[:1])))
    put(tmp_path / "train-images.idx3-ubyte/train-images.idx3-ubyte", idx(X[:1]))
    assert len(read_idx(tmp_path).x) == 5  # as load_idx does
    assert len(load_idx(tmp_path)[0]) == 5


def test_several_data_sets(tmp_path: Path):
    put_pair(tmp_path, "emnist-letters-train-images-idx3-ubyte", PAIRS[3][1])
    put_pair(tmp_path, "emnist-digits-train-images-idx3", "emnist-digits-train-labels-idx1")
    message = error_of(tmp_path)
    named = f"{tmp_path}/emnist-digits-train-images-idx3, {tmp_path}/emnist-letters-train-images"
    assert f"holds several data sets ({named}" in message
    assert "give the path of one of them" in message
    assert_array_equal(read_idx(tmp_path / "emnist-digits-train-images-idx3").labels, Y)


@pytest.mark.parametrize("dtype", [*CODES, "i4"])
def test_element_types_of_labels(tmp_path: Path, dtype: str):
    put_pair(tmp_path, *PAIRS[0], y=Y.astype(dtype))
    raw = read_idx(tmp_path)
    assert raw.labels is not None
    assert raw.labels.dtype == np.int64
    assert_array_equal(raw.labels, Y)


@pytest.mark.parametrize("dtype", CODES)
def test_element_types_of_images(tmp_path: Path, dtype: str):
    x = (X // 2).astype(dtype)
    put_pair(tmp_path, *PAIRS[0], x=x)
    raw = read_idx(tmp_path)
    assert raw.x.dtype == (np.dtype(dtype) if dtype in ("f4", "f8") else np.uint8)
    assert_array_equal(raw.x, x.reshape(5, 12))


def test_qmnist_labels_are_the_first_of_eight_columns(tmp_path: Path):
    y = np.column_stack([Y, RANDOM.randint(0, 99_999, (5, 7))]).astype("i4")
    raw = read_idx(put_pair(tmp_path, *PAIRS[4], y=y))
    assert_array_equal(raw.labels, Y)
    assert "the first of 8 columns as labels" in raw.words


def test_one_hot_labels(tmp_path: Path):
    raw = read_idx(put_pair(tmp_path, *PAIRS[0], y=np.eye(10, dtype="u1")[Y]))
    assert_array_equal(raw.labels, Y)
    assert "one-hot labels as numbers" in raw.words


@pytest.mark.parametrize(("there", "missing"), [(0, 1), (1, 0)])
@pytest.mark.parametrize("pair", [*PAIRS[:4], PAIRS[6]])
def test_missing_partner(tmp_path: Path, there: int, missing: int, pair: tuple[str, str]):
    put_pair(tmp_path, *(name.replace("train", "t10k") for name in PAIRS[0]))
    folder = tmp_path / "one"
    put(folder / pair[there], idx((X, Y)[there]))
    message = error_of(folder, FileNotFoundError)
    assert f"holds {pair[there]}, but not its partner {pair[missing]}[.gz]: put it" in message


def test_missing_partner_is_not_made_up_for_by_the_other_half(tmp_path: Path):
    put_pair(tmp_path, "test-images-idx3-ubyte", "test-labels-idx1-ubyte")
    put(tmp_path / PAIRS[0][0], idx(X))
    assert "not its partner train-labels-idx1-ubyte" in error_of(tmp_path, FileNotFoundError)


def test_images_alone(tmp_path: Path):
    path = put(tmp_path / PAIRS[0][0], idx(X))
    put(tmp_path / "t10k-labels-idx1-ubyte", idx(Y))  # another half's
    raw = read_idx(path)
    assert raw.labels is None
    assert raw.words[-1] == "no labels"


def test_damaged_files_are_named(tmp_path: Path):
    put_pair(tmp_path, *PAIRS[0])
    images, labels = (tmp_path / name for name in PAIRS[0])
    for path in (images, labels):
        whole = path.read_bytes()
        for content, named in (
            (whole[:-1], "bytes instead of"),
            (whole + b"\0", "bytes instead of"),
            (whole[:6], "bytes instead of"),
            (gzip.compress(whole)[:-9], "is damaged or cut short: download"),
            (b"", "is no IDX file: get"),
            (b"\0\0\x08\x05" + bytes(20), "is no IDX file: get"),
            (b"\0\0\x0e\x03" + b"\xff" * 12, "bytes instead of"),
        ):
            path.write_bytes(content)
            with pytest.raises(ValueError, match=f"^{path} .*{named}"):
                read_idx(tmp_path)
        path.write_bytes(whole)


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_web_page_under_the_name_of_a_file_is_named(tmp_path: Path, at: int, pack):
    put_pair(tmp_path, *PAIRS[0])
    path = put(tmp_path / PAIRS[0][at], pack(b"<!DOCTYPE html><html>404 Not Found</html>"))
    for read in (load, read_idx):
        with pytest.raises(ValueError, match=f"^{path} is a web page, not the data: open it"):
            read(tmp_path)
    with pytest.raises(ValueError, match=f"^{path} is a web page"):
        read_idx(tmp_path / PAIRS[0][0])
    with pytest.raises(ValueError, match=f"^{path} is a web page"):
        load_idx(tmp_path)


def test_numbers_that_differ(tmp_path: Path):
    message = error_of(put_pair(tmp_path, *PAIRS[3], y=Y[:-1]))
    assert f"holds 5 images, but {PAIRS[3][1]} holds 4 labels: use" in message


def test_nothing_there(tmp_path: Path):
    assert "does not exist: check" in error_of(tmp_path / "no", FileNotFoundError)
    assert "holds nothing, and no IDX files: put" in error_of(tmp_path, FileNotFoundError)
    put(tmp_path / "a.txt", b"1")
    assert "holds a.txt, and no IDX files: put" in error_of(tmp_path, FileNotFoundError)


REAL = Path(os.environ.get("FASTMLP_DATA", Path(__file__).parents[2] / "shared/data")) / "mnist"


@pytest.mark.skipif(not REAL.is_dir(), reason="needs MNIST's IDX files")
def test_mnist_itself():
    x, y = load_idx(REAL)
    raw = read_idx(REAL)
    assert kind_of(REAL) == "idx folder"
    assert_array_equal(raw.x, x)
    assert_array_equal(raw.labels, y)
