"""read_npz, read_npy, read_numpy_folder: arrays by any name, and never a pickle."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastmlp.data.numpy_files import read_npy, read_npz, read_numpy_folder
from fastmlp.data.raw import Raw
from fastmlp.data.sniff import kind_of

RANDOM = np.random.RandomState(0)
X = RANDOM.randint(0, 256, (5, 3, 4)).astype(np.uint8)
Y = np.array([7, 0, 9, 1, 1])
READERS = {"npz": read_npz, "npy": read_npy, "numpy folder": read_numpy_folder}


def read(path: Path, **options) -> Raw:
    return READERS[kind_of(path)](path, **options)


def npz(folder: Path, name: str = "a.npz", **arrays: np.ndarray) -> Path:
    np.savez_compressed(folder / name, **arrays)
    return folder / name


def npy(folder: Path, name: str, array: np.ndarray) -> Path:
    np.save(folder / name, array)
    return folder / name


def check(raw: Raw, n: int = 5, labelled: bool = True) -> None:
    assert raw.x.dtype == np.uint8
    assert_array_equal(raw.x, X[:n].reshape(n, 12))
    if labelled:
        assert raw.labels is not None
        assert raw.labels.dtype == np.int64
        assert_array_equal(raw.labels, Y[:n])
    else:
        assert raw.labels is None
        assert raw.words[-1] == "no labels"


def error_of(path: Path, reader=read, **options) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (looked at below)
        reader(path, **options)
    message = str(caught.value)
    assert type(caught.value) is ValueError
    assert "\n" not in message
    assert str(path) in message
    assert ": " in message
    return message


PAIRS = [
    ("x_train", "y_train"), ("x_test", "y_test"), ("X", "y"), ("images", "labels"),
    ("data", "target"), ("train_images", "train_labels"), ("training_data", "training_classes"),
    ("trainX", "trainY"), ("train", "train_labels"), ("arr_0", "arr_1"), ("b", "a"),
]  # fmt: skip


@pytest.mark.parametrize("names", PAIRS)
@pytest.mark.parametrize("shape", [(5, 12), (5, 3, 4), (5, 3, 4, 1)])
@pytest.mark.parametrize("turned", [False, True])
def test_a_pair_by_its_names_or_shapes(tmp_path: Path, names, shape, turned: bool):
    arrays = dict(zip(names, (X.astype("i8").reshape(shape), Y.astype("u1")), strict=True))
    if turned:
        arrays = dict(reversed(arrays.items()))
    path = npz(tmp_path, **arrays)
    raw = read(path)
    check(raw)
    assert raw.words[0] == f"NumPy: {names[0]} and {names[1]}"
    assert ("images of 3x4 as rows" in raw.words) == (len(shape) > 2)
    check(read(path, label="none"), labelled=False)
    for name, array in arrays.items():
        npy(tmp_path, f"{name}.npy", array)
    path.unlink()
    check(read(tmp_path))


HALVES = {"x_train": X, "y_train": Y, "x_val": X[:1], "y_val": Y[:1], "x_test": X[:2]}
HALVES["y_test"] = Y[:2]


def test_halves(tmp_path: Path):
    path = npz(tmp_path, **HALVES)
    check(read(path))
    check(read(path, prefer="t10k"), 2)
    check(read(npz(tmp_path, x_test=X, y_test=Y, x_val=X[:1], y_val=Y[:1])))


def test_one_array_a_file(tmp_path: Path):
    for name, array in (
        ("kmnist-train-imgs", X), ("kmnist-train-labels", Y), ("kmnist-test-imgs", X[:2]),
        ("kmnist-test-labels", Y[:2]),
    ):  # fmt: skip
        np.savez_compressed(tmp_path / f"{name}.npz", array)
    (tmp_path / "kmnist_classmap.csv").write_text("index,char\n")
    check(read(tmp_path))
    check(read(tmp_path, prefer="t10k"), 2)
    check(read(tmp_path / "kmnist-train-imgs.npz"), labelled=False)


def test_one_half_a_file(tmp_path: Path):
    npz(tmp_path, "train.npz", x=X, y=Y)
    npz(tmp_path, "test.npz", x=X[:2], y=Y[:2])
    check(read(tmp_path))
    check(read(tmp_path, prefer="t10k"), 2)


def test_a_packed_array(tmp_path: Path):
    path = npy(tmp_path, "x_train.npy", X)
    packed = tmp_path / "x.npy.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    check(read_npy(packed), labelled=False)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f4", ">f8", "f2"])
def test_floats_and_layouts(tmp_path: Path, dtype: str, order):
    x = np.array(X / 255, dtype, order=order)
    raw = read(npy(tmp_path, "x.npy", x))
    assert raw.x.dtype == np.dtype(dtype).newbyteorder("=")
    assert raw.x.flags.c_contiguous
    assert_array_equal(raw.x, x.reshape(5, 12))


def test_colours_and_one_hot_labels_get_a_word(tmp_path: Path):
    x = RANDOM.randint(0, 256, (5, 4, 4, 3))
    raw = read(npz(tmp_path, x=x, y=np.eye(10)[Y]))
    assert_array_equal(raw.x, x.reshape(5, 48))
    assert_array_equal(raw.labels, Y)
    assert raw.words[1:] == ("images of 4x4x3 as rows", "one-hot labels as numbers")


def test_words_as_labels(tmp_path: Path):
    raw = read(npz(tmp_path, x=X, y=np.array(["a", "b", "c", "a", "b"])))
    assert raw.labels is not None
    assert raw.labels.tolist() == ["a", "b", "c", "a", "b"]


@pytest.mark.parametrize("label", ["first", "last"])
def test_labels_as_a_column(tmp_path: Path, label: str):
    parts = [Y, X.reshape(5, 12)]
    table = np.column_stack(parts if label == "first" else parts[::-1])
    path = npy(tmp_path, "a.npy", table)
    raw = read(path, label=label)
    check(raw)
    assert f"the {label} of 13 columns as labels" in raw.words
    assert_array_equal(read(path).x, table)


@pytest.mark.parametrize(("n", "hint"), [(16, False), (17, True), (18, False)])
def test_a_column_too_many_gets_a_word(tmp_path: Path, n: int, hint: bool):
    path = npy(tmp_path, "a.npy", RANDOM.randint(0, 256, (5, n)))
    said = f"{n} columns, all taken for features (is the first or last a label?)"
    assert (said in read(path).words) == hint
    assert said not in read(path, label="none").words


def test_arrays_of_unknown_role_are_passed_over(tmp_path: Path):
    assert "passed over: writer" in read(npz(tmp_path, X=X, y=Y, writer=Y)).words


@pytest.mark.parametrize(
    ("arrays", "named"),
    [
        ({"a": X, "b": X}, "holds a, b, and which of them are the images is not clear: name"),
        ({"a": X, "b": Y, "c": Y}, "holds a, b, c, and which of them are"),
        ({"y_train": Y, "a": X}, "holds y_train, a, and which of them are"),
        ({"x": X, "images": X, "y": Y}, "holds x, images, and which of them to read is not"),
        ({"x": X, "y": Y[:-1]}, "holds 5 images in x, but 4 labels in y: use"),
        ({"x": Y}, "has the shape (5,): give one row"),
        ({"x": X, "y": X}, "has the shape (5, 3, 4): give one label"),
        ({"x": X, "y": [1, 0, 2, 0.5, 1]}, "holds what is no whole number: give"),
        ({"x": X, "y": Y / 2}, "holds what is no whole number: this looks like regression"),
        ({"x": X[:0], "y": Y[:0]}, "holds no pixels: give"),
        ({"x": X.astype("M8[s]")}, "has dtype datetime64[s]: give"),
        ({}, "holds no arrays: save"),
    ],
)
def test_unclear_or_invalid_arrays(tmp_path: Path, arrays, named: str):
    assert named in error_of(npz(tmp_path, **arrays), read_npz)


def test_a_member_that_is_no_array(tmp_path: Path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"text")
    assert f"x in {path} is no array: leave it out" in error_of(path)


def test_several_data_sets(tmp_path: Path):
    for name in ("kmnist-train-imgs", "k49-train-imgs"):
        npz(tmp_path, f"{name}.npz", arr_0=X)
    assert "holds several data sets (k49-train-imgs.npz, kmnist-t" in error_of(tmp_path)


def test_a_folder_without_arrays(tmp_path: Path):
    (tmp_path / "a.txt").write_text("1")
    assert "holds a.txt, and no .npz or .npy files: put" in error_of(tmp_path, read_numpy_folder)


def test_a_pickle_is_refused_with_a_remedy(tmp_path: Path):
    objects = np.array([X[0], None], dtype=object)
    for path, where in (
        (npz(tmp_path, x=objects, y=Y[:2]), f"x in {tmp_path / 'a.npz'}"),
        (npz(tmp_path, "b.npz", x=X, y=objects), f"y in {tmp_path / 'b.npz'}"),
        (npy(tmp_path, "c.npy", objects), str(tmp_path / "c.npy")),
    ):
        message = error_of(path)
        assert message.startswith(f"{where} holds Python objects, which NumPy keeps as a pickle")
        assert "np.savez(path, X=np.stack(...), y=...)" in message


@pytest.mark.parametrize("make", [npz, lambda folder, x: npy(folder, "a.npy", x)])
def test_damaged_anywhere(tmp_path: Path, make):
    path = make(tmp_path, x=X[:1])
    reader = read_npz if path.suffix == ".npz" else read_npy
    whole = path.read_bytes()
    for kept in (8, 30, 100, len(whole) - 1):
        path.write_bytes(whole[:kept])
        assert "is damaged or cut short: download" in error_of(path, reader)
    for i in range(len(whole)):
        for bits in (255, 1):
            changed = bytearray(whole)
            changed[i] ^= bits
            path.write_bytes(changed)
            try:
                raw = reader(path)
            except ValueError as error:
                assert str(path) in str(error)  # noqa: PT017 (no error is right too)
            else:
                assert raw.x.ndim == 2


def test_a_forged_size(tmp_path: Path):
    path = npy(tmp_path, "a.npy", X)
    content = path.read_bytes()
    for size in (b"5000", b"9" * 12, b"9" * 25):  # of no file, no memory, no machine
        before, after = b"(5, 3, 4), }" + b" " * 30, b"(5, 3, " + size + b"), }"
        assert before in content
        path.write_bytes(content.replace(before, after.ljust(len(before))))
        assert "damaged" in error_of(path)


def test_a_web_page_under_the_name_of_an_array_is_named(tmp_path: Path):
    npy(tmp_path, "y_train.npy", Y)
    path = tmp_path / "x_train.npy"
    path.write_bytes(b"<html>404 Not Found</html>")
    assert error_of(tmp_path).startswith(f"{path} is a web page, not the data: open it")


def test_a_damaged_file_in_a_folder_is_named(tmp_path: Path):
    npy(tmp_path, "y_train.npy", Y)
    path = npz(tmp_path, "x_train.npz", arr_0=X)
    path.write_bytes(path.read_bytes()[:-20])
    assert f"{path} is damaged" in error_of(tmp_path)
