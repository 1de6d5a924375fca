"""Arrays as files hold them, as rows of features and as labels. Nothing is scaled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.labels import REGRESSION, looks_like_regression
from fastmlp.data.pixels import PIXEL_MAX


def as_rows(array: NDArray[Any], where: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return images or rows as (n_rows, n_features), and words on how they were interpreted.

    Parameters
    ----------
    array : ndarray of shape (n_rows, ...)
        Rows, grey images (n, height, width) or colour images (n, height, width, channels).
    where : str
        What to call it in an error.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_features)
        uint8 where all values are integers or bools within 0..255, else the array's own dtype in
        this machine's byte order.
    words : tuple of str

    Raises
    ------
    ValueError
        If the array is empty, has fewer than two dimensions, or holds no real numbers.
    """
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{where} has dtype {array.dtype}: give real numbers, say uint8 or float32"
        )
    if array.ndim < 2:
        raise ValueError(
            f"{where} has the shape {array.shape}: give one row or image for each sample, "
            "as (n, n_features) or (n, height, width)"
        )
    if array.size == 0:
        raise ValueError(f"{where} holds no pixels: give a file with at least one image")
    words = []
    if array.ndim > 2:
        sizes = array.shape[1:-1] if array.shape[-1] == 1 and array.ndim > 3 else array.shape[1:]
        words.append(f"images of {'x'.join(map(str, sizes))} as rows")
    rows = array.reshape(len(array), -1)
    if rows.dtype.kind != "f" and rows.min() >= 0 and rows.max() <= PIXEL_MAX:
        return np.ascontiguousarray(rows, np.uint8), tuple(words)
    return np.ascontiguousarray(rows, rows.dtype.newbyteorder("=")), tuple(words)


def as_labels(array: NDArray[Any], where: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return labels as (n_rows,), int64 or text, and words on how they were interpreted.

    Parameters
    ----------
    array : ndarray of shape (n_rows,), (n_rows, 1) or (n_rows, n_classes)
        Whole numbers of any dtype, words, or one-hot rows.
    where : str
        What to call it in an error.

    Raises
    ------
    ValueError
        If the array has another shape, or holds fractions.
    """
    if array.ndim == 2 and array.shape[1] > 1:
        if not is_one_hot(array):
            raise ValueError(
                f"{where} has the shape {array.shape}, and its rows are not one-hot: "
                "give one label for each row"
            )
        return array.argmax(axis=1).astype(np.int64), ("one-hot labels as numbers",)
    if array.ndim not in (1, 2):
        raise ValueError(
            f"{where} has the shape {array.shape}: give one label for each row, as (n,)"
        )
    labels = array.reshape(-1)
    if labels.dtype.kind in "US":
        return labels.astype(np.str_), ()
    if labels.dtype.kind not in "biuf":
        raise ValueError(f"{where} has dtype {labels.dtype}: give labels as whole numbers or words")
    limit = np.iinfo(np.int64).max
    if labels.dtype.kind == "f":
        # As float: the limit itself is too large for float16.
        fits = bool(np.isfinite(labels).all()) and float(np.abs(labels).max(initial=0)) < limit
        if not (fits and np.array_equal(labels, np.floor(labels))):
            remedy = "give labels 0, 1, ..."
            if looks_like_regression(*np.unique(labels[np.isfinite(labels)], return_counts=True)):
                remedy = REGRESSION
            raise ValueError(f"{where} holds what is no whole number: {remedy}")
    elif labels.dtype.kind == "u" and labels.size and int(labels.max()) > limit:
        raise ValueError(f"{where} holds the label {labels.max()}: give labels 0, 1, ...")
    return labels.astype(np.int64), ()


def is_one_hot(array: NDArray[Any]) -> bool:
    """Say whether every row holds one 1 and otherwise zeros."""
    if array.dtype.kind not in "biuf" or array.size == 0:
        return False
    binary = bool(((array == 0) | (array == 1)).all())
    return binary and bool(((array == 1).sum(axis=1) == 1).all())
