"""What a reader returns: the values in a file, not yet checked or scaled."""

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
        Any real dtype; uint8 if the file holds whole numbers from 0 to 255.
    labels : ndarray of shape (n_rows,), optional
        Whole numbers, or words (dtype object or str), as the file has them.
    ids : ndarray of shape (n_rows,), optional
        A column that numbers or names the rows.
    words : tuple of str
        What was found and how it was interpreted, a few words each, for `Dataset.found`.
    class_names : tuple of str, optional
        Names of the classes 0, 1, ..., if the format has them (folders of images).
    unit : {"pixels", "features"}
        What the values of a row are called in messages.
    feature_names : tuple of str, optional
        Names of the columns of `x`, in tables with a header.
    is_image : bool
        The rows come from image files, whose scale is 255, however dark they are.
    """

    x: NDArray[Any]
    labels: NDArray[Any] | None = None
    ids: NDArray[Any] | None = None
    words: tuple[str, ...] = ()
    class_names: tuple[str, ...] | None = None
    unit: Unit = "pixels"
    feature_names: tuple[str, ...] | None = None
    is_image: bool = False
