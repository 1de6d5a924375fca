"""The tutorial's functions: one-hot rows, predictions of bare weights, misclassified rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastmlp import checks, reference


def one_hot_encode(y: ArrayLike, num_classes: int) -> NDArray[np.float64]:
    """Return a float64 row for each label: 1 in the label's column, 0 elsewhere.

    Parameters
    ----------
    y : array_like of shape (n_rows,)
        Labels of any numeric type, whole numbers in 0..num_classes-1.
    num_classes : int

    Returns
    -------
    float64 ndarray of shape (n_rows, num_classes)

    Raises
    ------
    TypeError, ValueError
        If a label is not a whole number in 0..num_classes-1.

    Examples
    --------
    >>> one_hot_encode([0, 2], 3)
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    num_classes = checks.as_count(num_classes, "num_classes")
    return np.eye(num_classes)[checks.as_labels(y, None, num_classes)]


def make_prediction(
    x_data: ArrayLike,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    b2: ArrayLike,
    *deeper: ArrayLike,
) -> NDArray[np.intp]:
    """Return the most probable label of each row, given weights and biases without a network.

    Parameters
    ----------
    x_data : array_like of shape (n_rows, n_features)
    w1, b1, w2, b2, *deeper : array_like
        Weights (n_in, n_out) and biases (1, n_out) of each layer in turn, at least two layers.

    Returns
    -------
    intp ndarray of shape (n_rows,)

    Raises
    ------
    TypeError, ValueError
        If shapes don't fit each other, or a value is not finite.

    Examples
    --------
    >>> w = np.eye(2)
    >>> b = np.zeros((1, 2))
    >>> make_prediction([[1.0, 0.0], [0.2, 0.7]], w, b, w, b)
    array([0, 1])
    """
    weights, biases = [w1, w2, *deeper[::2]], [b1, b2, *deeper[1::2]]
    if len(weights) != len(biases):
        raise ValueError(f"w{len(weights)} has no biases: give a b for every w")
    w_arrays: list[NDArray[Any]] = []
    b_arrays: list[NDArray[Any]] = []
    n_in = None
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True), start=1):
        w_arrays.append(checks.as_shaped(w, (n_in, None), f"w{layer}"))
        n_in = w_arrays[-1].shape[1]
        b_arrays.append(checks.as_shaped(b, (1, n_in), f"b{layer}"))
    checks.as_finite(w_arrays, "w")
    checks.as_finite(b_arrays, "b")
    dtype = np.result_type(*w_arrays, *b_arrays)
    x = checks.as_features(x_data, len(w_arrays[0]), dtype, name="x_data")
    w_arrays = [w.astype(dtype, copy=False) for w in w_arrays]
    return np.argmax(reference.predict_proba(w_arrays, b_arrays, x), axis=1)


def find_misclassified(
    x_data: ArrayLike,
    y_true: ArrayLike,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    b2: ArrayLike,
    *deeper: ArrayLike,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Print the number of misclassified rows; return their indices and every row's prediction.

    Parameters
    ----------
    x_data : array_like of shape (n_rows, n_features)
    y_true : array_like of shape (n_rows,)
        The true labels.
    w1, b1, w2, b2, *deeper : array_like
        As `make_prediction` takes them.

    Returns
    -------
    indices : intp ndarray of shape (n_misclassified,)
        Rows whose prediction is wrong.
    predictions : intp ndarray of shape (n_rows,)

    Raises
    ------
    TypeError, ValueError
        If shapes don't fit each other, a value is not finite, or a label is not one of the classes.

    Examples
    --------
    >>> w = np.eye(2)
    >>> b = np.zeros((1, 2))
    >>> find_misclassified([[1.0, 0.0], [0.2, 0.7]], [0, 0], w, b, w, b)
    Number of misclassified examples: 1
    (array([1]), array([0, 1]))
    """
    predictions = make_prediction(x_data, w1, b1, w2, b2, *deeper)
    n_classes = np.shape((b2, *deeper)[-1])[-1]
    labels = checks.as_labels(y_true, len(predictions), n_classes, "y_true")
    indices = np.flatnonzero(predictions != labels)
    print(f"Number of misclassified examples: {len(indices)}")
    return indices, predictions


def show_misclassified_example(
    index: int, x_data: ArrayLike, y_true: ArrayLike, predictions: ArrayLike
) -> None:
    """Print the predicted and the actual label of one row, and show it as a grey image.

    Parameters
    ----------
    index : int
        The row's index in `x_data`.
    x_data : array_like of shape (n_rows, n_features)
        Square images, pixels 0 to 1, row by row.
    y_true, predictions : array_like of shape (n_rows,)

    Raises
    ------
    IndexError
        If there is no such row.
    ValueError
        If the rows are not square images.
    """
    import matplotlib.pyplot as plt

    rows = checks.as_numeric(x_data, "x_data")
    side = math.isqrt(rows.shape[-1]) if rows.ndim else 0
    if rows.ndim != 2 or side * side != rows.shape[-1]:
        raise ValueError(
            f"x_data has shape {rows.shape}: give rows whose pixels make a square image"
        )
    print("Predicted Label:", np.asarray(predictions)[index])
    print("Actual Label:", np.asarray(y_true)[index])
    image = rows[index].reshape(side, side).astype(np.float64) * 255
    plt.imshow(image, cmap="gray", interpolation="nearest")
    plt.show()
