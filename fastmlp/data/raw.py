"""What a reader of one format hands on: the file's own values, not yet judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

Unit = Literal["pixels", "features"]


@dataclass(frozen=True)
class Raw:
    """A file's rows as they stand there.

    Attributes
    ----------
    x : ndarray of shape (n_rows, n_features)
        Any real dtype; uint8 wherever the file holds whole numbers of 0 to 255.
    labels : ndarray of shape (n_rows,), optional
        Whole numbers, or words (dtype object or str), as the file has them.
    ids : ndarray of shape (n_rows,), optional
        A column that numbers or names the rows, and is no pixel.
    words : tuple of str
        What was found and how it was taken, a few words each, for the line that is printed.
    class_names : tuple of str, optional
        Where the format itself names the classes 0, 1, ... (folders of images).
    unit : {"pixels", "features"}
        What the numbers of a row are called in messages.
    feature_names : tuple of str, optional
        What the columns of `x` are called, in tables that say so.
    is_image : bool
        The rows come from image files, whose bytes go up to 255, however dark they are.
    """

    x: NDArray[Any]
    labels: NDArray[Any] | None = None
    ids: NDArray[Any] | None = None
    words: tuple[str, ...] = ()
    class_names: tuple[str, ...] | None = None
    unit: Unit = "pixels"
    feature_names: tuple[str, ...] | None = None
    is_image: bool = False
