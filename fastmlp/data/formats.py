"""Load data from a file or a folder in any known format, recognised by its content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp import checks
from fastmlp.data.cache import Progress
from fastmlp.data.labels import LabelError, as_classes
from fastmlp.data.limits import TooMuchError, at_most
from fastmlp.data.names import Part
from fastmlp.data.pipes import name_of, on_disk
from fastmlp.data.pixels import PixelError, settle
from fastmlp.data.raw import Raw, Unit
from fastmlp.data.sniff import kind_of
from fastmlp.words import counted, printable, shortened, shown

READERS = {
    "csv": "csv_table.read_csv",
    "parquet": "parquet.read_parquet",
    "idx": "idx.read_idx",
    "idx folder": "idx.read_idx",
    "npz": "numpy_files.read_npz",
    "npy": "numpy_files.read_npy",
    "numpy folder": "numpy_files.read_numpy_folder",
    "image": "images.read_image",
    "image folder": "images.read_image_folder",
}
"""The reader of each format that `kind_of` knows, imported when it is needed.

It gets those of `load`'s options that its signature has."""


@dataclass(frozen=True)
class Dataset:
    """Images or rows of a table, with all that is known about them.

    Attributes
    ----------
    x : ndarray of shape (n_rows, n_features)
        Pixels: uint8 where they are whole numbers of 0 to 255, not yet divided by anything; else
        float32 or float64, ready for the network.
    y : int64 ndarray of shape (n_rows,), or None
        Labels; None where there are none.
    class_names : tuple of str, or None
        Names of the classes 0, 1, ...; None if the labels are numbers.
    scale : float
        The `input_scale` for a network that is trained on `x`.
    ids : ndarray of shape (n_rows,), or None
        Numbers or names of the rows, int64 or text, if a column has them.
    limits : (float, float)
        The smallest and the largest pixel in the file.
    name : str
        What to call the data in a message: the path.
    found : str
        One line that says what was found and how it was interpreted.
    unit : {"pixels", "features"}
        What the values of a row are called in messages.
    feature_names : tuple of str, or None
        Names of the columns of `x`; None for tables without a header, arrays and images.
    """

    x: NDArray[Any]
    y: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] | None = None
    scale: float = 255.0
    ids: NDArray[Any] | None = None
    limits: tuple[float, float] = (0.0, 255.0)
    name: str = "data"
    found: str = ""
    unit: Unit = "pixels"
    feature_names: tuple[str, ...] | None = None


def load(
    path: str | Path,
    *,
    label: str | None = None,
    scale: float | None = None,
    prefer: Part = "train",
    side: int = 28,
    id_column: str | None = None,
    max_bytes: int | None = None,
    progress: Progress | None = None,
    feature_names: Sequence[str] | None = None,
) -> Dataset:
    """Load images and labels from a file or a folder, in any supported format.

    Formats are recognised by content, not by name: CSV and its relatives, IDX, ``.npz``, ``.npy``,
    parquet, images, folders of them; packed with gzip, xz, bz2 or zip.

    Parameters
    ----------
    path : str or Path
        A file, a folder, or a pipe such as ``/dev/stdin``; ``"-"`` is standard input.
    label : str, optional
        In tables, the labels' column: its name, or ``"first"``, ``"last"``, ``"none"``. By default
        a column named label, class, target or y; without names, what looks like labels.
    scale : float, optional
        What the values are divided by. By default, 1 for values between 0 and 1; the largest value
        for other whole numbers up to 127, such as digits from 0 to 16; and 255 for whole numbers up
        to 255, and for images. For all other values it is required.
    prefer : {"train", "t10k"}
        Which part to load if there is one for training and one for testing.
    side : int
        Width and height that images are resized to.
    id_column : str, optional
        In tables, a column that identifies the rows and is not a pixel. By default, and if there is
        no such column, one named id, imageid, image_id or index.
    max_bytes : int, optional
        How large a file may be when unpacked. By default, a hundred times its size, but at least 1
        GiB; for pipes, 1 GiB.
    progress : callable, optional
        Called as ``progress(done, total)``, in images, while a folder of images is read.
    feature_names : sequence of str, optional
        In tables that have all of these columns, they are features, whatever they look like, and
        neither labels nor ids. They stay in the file's order.

    Returns
    -------
    Dataset
        ``MLP(..., input_scale=dataset.scale).train(dataset.x, dataset.y)`` trains on it.

    Raises
    ------
    FileNotFoundError, OSError
        If there is no such file or folder, or it can't be read.
    TypeError, ValueError
        If an argument is invalid, or the file is not in a supported format, is larger than
        `max_bytes` when unpacked, or has an invalid pixel or label; the message says what to do.

    Examples
    --------
    >>> import numpy as np
    >>> np.savez("digits.npz", x=np.full((3, 4), 200, np.uint8), y=[0, 1, 0])
    >>> found = load("digits.npz")
    >>> found.x.shape, found.y.tolist(), found.scale
    ((3, 4), [0, 1, 0], 255.0)
    """
    if scale is not None:
        scale = checks.as_positive(scale, "scale")
    if label is not None and not isinstance(label, str):
        raise TypeError(f"label is {shown(label)}: give a column's name, 'first', 'last' or 'none'")
    if prefer not in ("train", "t10k"):
        raise ValueError(f'prefer is {shown(prefer)}: give "train" or "t10k"')
    if max_bytes is not None:
        max_bytes = checks.as_count(max_bytes, "max_bytes")
    options: dict[str, Any] = {
        "label": label, "prefer": prefer, "side": side, "id_column": id_column,
        "feature_names": feature_names, "progress": progress,
    }  # fmt: skip
    name = name_of(path)
    with at_most(max_bytes), named_file(path, name) as file:
        module, function = READERS[kind_of(file)].split(".")
        read = getattr(import_module(f"fastmlp.data.{module}"), function)
        raw: Raw = read(
            file, **{key: options[key] for key in signature(read).parameters if key in options}
        )
        if raw.x.size == 0:
            raise ValueError(f"{name} holds no {raw.unit}: give a file with one row at least")
        try:
            x, used_scale, limits, values = settle(raw.x, scale, is_image=raw.is_image)
            y, names = _classes(raw)
        except (PixelError, LabelError) as error:
            raise ValueError(f"{name}: {error}") from None
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None
    n_rows, n_features = x.shape
    size = f"{counted(n_rows, 'row')} of {counted(n_features, raw.unit[:-1])}"
    # A format that names the classes lists them in `raw.words`.
    classes = () if y is None or raw.class_names else (_class_words(y, names),)
    found = f"{name}: {', '.join((size, *raw.words, *classes, values))}"
    found = printable(" ".join(found.split()))
    return Dataset(
        x, y, names, used_scale, raw.ids, limits, name, found, raw.unit, raw.feature_names
    )


@contextmanager
def named_file(given: str | Path, name: str) -> Iterator[Path]:
    """Yield a path that can be read; errors show the source's `name`, in printable characters."""
    file: Path | None = None
    try:
        with on_disk(given) as file:
            yield file
    except (ValueError, OSError) as error:
        message = str(error)
        if file is not None:  # earlier errors have the source's name
            message = message.replace(str(file), name)
        message = printable(message)  # names within a file can be anything
        if message == str(error) and type(error) is not TooMuchError:
            raise
        raise (type(error) if isinstance(error, OSError) else ValueError)(message) from None


def _classes(raw: Raw) -> tuple[NDArray[np.int64] | None, tuple[str, ...] | None]:
    """Return the labels as classes, and the classes' names."""
    if raw.labels is None:
        return None, None
    if raw.class_names is None:
        return as_classes(raw.labels)
    # Folders called 0 to 9 are the classes of these numbers, even if one of them is missing.
    numbers, names = as_classes(np.array(raw.class_names, object))
    if names is None:
        return numbers[raw.labels], None
    return raw.labels.astype(np.int64), raw.class_names


def _class_words(y: NDArray[np.int64], names: tuple[str, ...] | None) -> str:
    if names is not None:
        some = ", ".join(map(shortened, names[:5])) + (", ..." if len(names) > 5 else "")
        return f"{counted(len(names), 'class')} ({some})"
    return f"{counted(len(np.unique(y)), 'class')} from {y.min()} to {y.max()}"
