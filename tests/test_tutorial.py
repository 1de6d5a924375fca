"""The tutorial's module functions."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import fastmlp

W1 = np.array([[1.0, -1.0], [0.0, 2.0]])
B1 = np.array([[0.0, 0.5]])
W2 = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -1.0]])
B2 = np.array([[0.0, 0.0, 0.1]])
X = np.array([[3.0, 0.0], [0.0, 2.0], [0.2, 0.0], [-1.0, -2.0]])
#  a1:         [3, 0]      [0, 4.5]    [0.2, 0.3]  [0, 0]
#  logits:     [3, 0, .1]  [0, 4.5..]  [.2, .3..]  [0, 0, .1]
LABELS = [0, 1, 1, 2]


@pytest.mark.parametrize(
    "y", [[2, 0], np.array([2.0, 0.0]), np.array([2, 0], np.uint8), np.array([2, 0], ">i4")]
)
def test_one_hot_encode(y):
    rows = fastmlp.one_hot_encode(y, 3)
    assert rows.dtype == np.float64
    assert_array_equal(rows, [[0, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize("y", [[0.5], [3], [-1], [np.nan], [[1]], []])
def test_one_hot_encode_refuses_what_is_no_label(y):
    with pytest.raises(ValueError, match=r"^y "):
        fastmlp.one_hot_encode(y, 3)


@pytest.mark.parametrize("make", [np.asarray, np.asfortranarray, np.ndarray.tolist])
def test_make_prediction(make):
    assert_array_equal(fastmlp.make_prediction(make(X), W1, B1, W2, B2), LABELS)


def test_make_prediction_with_one_more_layer():
    flip = np.eye(3)[::-1]
    predicted = fastmlp.make_prediction(X, W1, B1, W2, B2, flip, np.zeros((1, 3)))
    assert_array_equal(predicted, [2, 1, 1, 0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X[:, :1], W1, B1, W2, B2), "x_data has 1 columns"),
        ((X, W1, B1.ravel(), W2, B2), r"b1 has shape \(2,\)"),
        ((X, W1, B1, W2[:1], B2), r"w2 has shape \(1, 3\)"),
        ((X, W1, B1, W2, B2, np.eye(3)), "w3 has no biases"),
        ((X * np.nan, W1, B1, W2, B2), "x_data holds NaN"),
    ],
)
def test_make_prediction_refuses_what_does_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        fastmlp.make_prediction(*arguments)


def test_find_misclassified(capsys):
    indices, predictions = fastmlp.find_misclassified(X, [0, 2, 1, 0], W1, B1, W2, B2)
    assert capsys.readouterr().out == "Number of misclassified examples: 2\n"
    assert_array_equal(indices, [1, 3])
    assert_array_equal(predictions, LABELS)
    with pytest.raises(ValueError, match="y_true has 3 labels for 4 rows"):
        fastmlp.find_misclassified(X, [0, 2, 1], W1, B1, W2, B2)


@pytest.mark.parametrize("dtype", [np.float64, np.uint8])
def test_show_misclassified_example(dtype, monkeypatch, capsys):
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gca().images[-1]))
    images = np.arange(2 * 784).reshape(2, 784).astype(dtype)
    try:
        fastmlp.show_misclassified_example(1, images, [4, 5], [4, 6])
        (image,) = shown
        assert_array_equal(image.get_array(), images[1].reshape(28, 28) * 255.0)
        assert image.get_cmap().name == "gray"
        assert image.get_interpolation() == "nearest"
    finally:
        plt.close("all")
    assert capsys.readouterr().out == "Predicted Label: 6\nActual Label: 5\n"
    with pytest.raises(ValueError, match="square"):
        fastmlp.show_misclassified_example(0, images[:, :783], [4, 5], [4, 6])
    assert not plt.get_fignums()
