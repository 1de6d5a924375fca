"""load_idx: MNIST's pairs of files, valid or damaged."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastmlp.data import load_idx

RANDOM = np.random.RandomState(0)
X = RANDOM.randint(0, 256, (5, 3, 4)).astype(np.uint8)
Y = np.array([7, 0, 9, 1, 1], np.uint8)


def idx(array: np.ndarray) -> bytes:
    header = np.array([0x800 + array.ndim, *array.shape], ">u4")
    return header.tobytes() + array.tobytes()


def put(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def put_pair(
    folder: Path, part: str = "train", x: np.ndarray = X, y: np.ndarray = Y, form: str = "-{}-ubyte"
) -> Path:
    put(folder, f"{part}-images{form.format('idx3')}", idx(x))
    put(folder, f"{part}-labels{form.format('idx1')}", idx(y))
    return folder


def error_of(folder: Path, kind: type[Exception] = ValueError) -> str:
    with pytest.raises(kind) as caught:
        load_idx(folder)
    message = str(caught.value)
    assert type(caught.value) is kind
    assert "\n" not in message
    assert str(folder) in message
    return message


@pytest.mark.parametrize("form", ["-{}-ubyte", ".{}-ubyte", "-{}-ubyte.gz", ".{}-ubyte.gz"])
@pytest.mark.parametrize("part", ["train", "t10k"])
def test_names_plain_and_packed(tmp_path: Path, part: str, form: str):
    x, y = load_idx(str(put_pair(tmp_path, part, form=form)))
    assert x.dtype == np.uint8
    assert y.dtype == np.int64
    assert x.flags.c_contiguous
    assert x.flags.writeable
    assert_array_equal(x, X.reshape(5, 12))
    assert_array_equal(y, Y)


def test_preferred_pair(tmp_path: Path):
    put_pair(tmp_path, "train")
    put_pair(tmp_path, "t10k", X[:2], Y[:2])
    assert len(load_idx(tmp_path)[0]) == 5
    assert len(load_idx(tmp_path, prefer="train")[0]) == 5
    assert len(load_idx(tmp_path, prefer="t10k")[0]) == 2
    with pytest.raises(ValueError, match="prefer is 'test': give"):
        load_idx(tmp_path, prefer="test")  # type: ignore[arg-type]


def test_no_such_folder(tmp_path: Path):
    assert "does not exist: check" in error_of(tmp_path / "no", FileNotFoundError)


def test_a_file(tmp_path: Path):
    path = put(tmp_path, "train-images-idx3-ubyte", idx(X))
    assert "is a file: give the folder" in error_of(path, NotADirectoryError)


def test_empty_folder(tmp_path: Path):
    message = error_of(tmp_path, FileNotFoundError)
    assert "holds no IDX files: put train-images-idx3-ubyte" in message


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        ("train-images-idx3-ubyte", "not its partner train-images-idx3-ubyte"),
        ("train-labels-idx1-ubyte", "not its partner train-labels-idx1-ubyte"),
    ],
)
def test_missing_partner_is_not_made_up_for_by_the_other_pair(
    tmp_path: Path, gone: str, named: str
):
    put_pair(put_pair(tmp_path), "t10k")
    (tmp_path / gone).unlink()
    assert named in error_of(tmp_path, FileNotFoundError)


def test_counts_that_differ(tmp_path: Path):
    message = error_of(put_pair(tmp_path, y=Y[:-1]))
    assert "holds 5 images, but train-labels-idx1-ubyte holds 4 labels: use" in message


@pytest.mark.parametrize("shape", [(0, 3, 4), (5, 0, 4)])
def test_no_pixels(tmp_path: Path, shape: tuple[int, ...]):
    message = error_of(put_pair(tmp_path, x=np.empty(shape, np.uint8), y=Y[: shape[0]]))
    assert "holds no pixels: give" in message


@pytest.mark.parametrize(
    "content", [b"", b"\0\0", b"not an IDX file", idx(Y), idx(X)[:2] + b"\x0d" + idx(X)[3:]]
)
def test_bad_magic_number(tmp_path: Path, content: bytes):
    put(put_pair(tmp_path), "train-images-idx3-ubyte", content)
    assert "train-images-idx3-ubyte is no IDX file of images" in error_of(tmp_path)


def test_images_in_place_of_labels(tmp_path: Path):
    put(put_pair(tmp_path), "train-labels-idx1-ubyte", idx(X))
    assert "train-labels-idx1-ubyte is no IDX file of labels" in error_of(tmp_path)


@pytest.mark.parametrize("kept", [4, 6, 8, 15, 16, -1])
def test_cut_short(tmp_path: Path, kept: int):
    put(put_pair(tmp_path), "train-images-idx3-ubyte", idx(X)[:kept])
    message = error_of(tmp_path)
    assert "cut short or damaged: download" in message
    assert "instead of" in message


def test_too_long(tmp_path: Path):
    put(put_pair(tmp_path), "train-labels-idx1-ubyte", idx(Y) + b"\0")
    assert "train-labels-idx1-ubyte has 14 bytes instead of 13" in error_of(tmp_path)


def test_sizes_beyond_memory(tmp_path: Path):
    put(put_pair(tmp_path), "train-images-idx3-ubyte", b"\0\0\x08\x03" + b"\xff" * 12)
    assert "cut short or damaged" in error_of(tmp_path)


@pytest.mark.parametrize("kept", [0, 5, 30, -4])
def test_gzip_cut_short(tmp_path: Path, kept: int):
    path = put_pair(tmp_path, form="-{}-ubyte.gz") / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:kept])
    message = error_of(tmp_path)
    assert str(path) in message
    assert message.endswith(("download or copy it again", "get the original file again"))


def test_gzip_damaged_or_none_at_all(tmp_path: Path):
    path = put_pair(tmp_path, form="-{}-ubyte.gz") / "train-images-idx3-ubyte.gz"
    content = bytearray(path.read_bytes())
    content[20] ^= 255
    for bad in (bytes(content), idx(X)):
        path.write_bytes(bad)
        assert f"{path} is damaged or cut short: download" in error_of(tmp_path)
