"""What names say, and which of several arrays is chosen by them."""

from __future__ import annotations

import pytest

from fastmlp.data.names import Name, choose, parse

NAMES = {
    "train-images-idx3-ubyte": ("", "train", "x"),
    "train-images.idx3-ubyte": ("", "train", "x"),
    "t10k-labels-idx1-ubyte.gz": ("", "t10k", "y"),
    "emnist-letters-train-images-idx3-ubyte.gz": ("emnist-letters", "train", "x"),
    "emnist-byclass-test-labels-idx1-ubyte": ("emnist-byclass", "t10k", "y"),
    "qmnist-test-labels-idx2-int.gz": ("qmnist", "t10k", "y"),
    "xnist-images-idx3-ubyte.xz": ("xnist", "", "x"),
    "kmnist-train-imgs.npz": ("kmnist", "train", "x"),
    "k49-test-labels.npz": ("k49", "t10k", "y"),
    "x_train": ("", "train", "x"),
    "Y_Test": ("", "t10k", "y"),
    "X": ("", "", "x"),
    "y": ("", "", "y"),
    "trainX": ("", "train", "x"),
    "ytest": ("", "t10k", "y"),
    "testlabels": ("", "t10k", "y"),
    "val_images": ("", "val", "x"),
    "training_data": ("", "train", "x"),
    "train_target": ("", "train", "y"),
    "data": ("", "", "x"),
    "image_labels": ("image", "", "y"),
    "digits": ("digits", "", ""),
    "arr_0": ("arr-0", "", ""),
}


@pytest.mark.parametrize(("name", "meaning"), NAMES.items())
def test_names(name: str, meaning: tuple[str, str, str]):
    assert parse(name) == Name(*meaning)


BOTH = ("x_train", "y_train", "x_test", "y_test", "x_val", "y_val")


@pytest.mark.parametrize(
    ("names", "prefer", "chosen"),
    [
        (BOTH, "train", ("x_train", "y_train")),
        (BOTH, "t10k", ("x_test", "y_test")),
        (BOTH[::-1], "train", ("x_train", "y_train")),
        (BOTH[2:], "train", ("x_test", "y_test")),
        (BOTH[4:], "train", ("x_val", "y_val")),
        ((*BOTH, "X", "y"), "train", ("x_train", "y_train")),
        (("X", "y", "x_test", "y_test"), "train", ("X", "y")),
        (("x_train", "y_test"), "train", ("x_train", None)),
        (("y_train", "x_test"), "train", (None, "y_train")),
        ((), "train", (None, None)),
    ],
)
def test_choice(names: tuple[str, ...], prefer, chosen: tuple[str | None, str | None]):
    assert choose({name: parse(name) for name in names}, prefer, "a.npz") == chosen


@pytest.mark.parametrize(
    ("names", "named"),
    [
        (("a_x", "a_y", "b_y", "b_x"), r"several data sets \(a_x, b_x\): give the path of one"),
        (("x", "images", "y"), "x, images, and which of them to read is not clear: give one"),
        (("x", "y", "labels"), "y, labels, and which of them to read is not clear: give one"),
    ],
)
def test_no_choice(names: tuple[str, ...], named: str):
    with pytest.raises(ValueError, match=rf"^a\.npz holds {named}"):
        choose({name: parse(name) for name in names}, "train", "a.npz")
