"""Read NumPy's files, .npz and .npy, never as a pickle."""

from __future__ import annotations

import contextlib
import errno
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.archives import UNPACKING_ERRORS, check_is_file, damaged, open_unpacked
from fastmlp.data.arrays import as_labels, as_rows
from fastmlp.data.columns import unit_of
from fastmlp.data.names import Part, choose, parse
from fastmlp.data.raw import Raw, Unit
from fastmlp.data.sniff import contents, kind_or_none, visible
from fastmlp.words import listed

_NO_PICKLE = (
    "holds Python objects, which NumPy keeps as a pickle, and a pickle can run any code: open it "
    "in a program of yours if you trust it, and save the arrays as numbers with "
    "np.savez(path, X=np.stack(...), y=...)"
)
Reader = Callable[[], NDArray[Any]]  # of an array that has not been read yet


def read_npz(path: Path, *, label: str | None = None, prefer: Part = "train") -> Raw:
    """Read images and labels from an archive of arrays.

    Parameters
    ----------
    path : Path
        A ``.npz`` file. Arrays are told apart by their names (x_train and y_train, X and y,
        images and labels, data and target, ...), or by their shapes where there are only two.
    label : str, optional
        'none' leaves the labels out. 'first' or 'last' takes that column for the labels where
        there is one table and no array of labels. Anything else does nothing.
    prefer : 'train' or 't10k'
        The half to read where there are both.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If `path` is no file.
    ValueError
        If the file is damaged, holds a pickle, or arrays that can't be told apart.
    """
    check_is_file(path)
    return _take(_arrays_of_npz(path), path, label, prefer)


def read_npy(path: Path, *, label: str | None = None, prefer: Part = "train") -> Raw:
    """Read images from one array; for parameters and errors, see `read_npz`."""
    check_is_file(path)
    return _take({path.name: lambda: _read_npy(path)}, path, label, prefer)


def read_numpy_folder(path: Path, *, label: str | None = None, prefer: Part = "train") -> Raw:
    """Read images and labels from a folder of ``.npz`` and ``.npy`` files.

    An array goes by its file's name, as in ``x_train.npy`` and ``kmnist-train-imgs.npz``, and
    where a file has several, by that and its own. For parameters and errors, see `read_npz`.
    """
    arrays: dict[str, Reader] = {}
    for file in visible(path):
        if file.is_dir():
            continue
        kind = kind_or_none(file) or file.suffix[1:]  # one that is damaged is named later
        if kind == "npy":
            arrays[file.name] = functools.partial(_read_npy, file)
        elif kind == "npz":
            inside = _arrays_of_npz(file)
            for name, reader in inside.items():
                arrays[file.name if len(inside) == 1 else f"{file.name} {name}"] = reader
    if not arrays:
        raise ValueError(
            f"{path} holds {contents(path)}, and no .npz or .npy files: put them there"
        )
    return _take(arrays, path, label, prefer)


def _take(arrays: Mapping[str, Reader], path: Path, label: str | None, prefer: Part) -> Raw:
    """Choose the images and the labels, and read them."""
    x_name, y_name, passed_over = _choose(arrays, path, prefer)
    if label == "none":
        y_name = None
    words = [f"NumPy: {x_name}" + (f" and {y_name}" if y_name else "")]
    if passed_over:
        words.append(f"passed over: {listed(passed_over)}")
    table = arrays[x_name]()
    labels: NDArray[Any] | None = None
    if y_name is not None:
        labels = arrays[y_name]()
    elif label in ("first", "last") and table.ndim == 2 and table.shape[1] > 1:
        at = 0 if label == "first" else table.shape[1] - 1
        labels, table = table[:, at], np.delete(table, at, axis=1)
        words.append(f"the {label} of {table.shape[1] + 1} columns as labels")
    x, more = as_rows(table, f"{x_name} in {path}")
    words += more
    unit: Unit = "pixels" if table.ndim > 2 else unit_of(x.shape[1])
    if labels is None:
        return Raw(x, words=(*words, *_hint(table, label), "no labels"), unit=unit)
    y, more = as_labels(labels, f"{y_name or x_name} in {path}")
    if len(x) != len(y):
        raise ValueError(
            f"{path} holds {len(x)} images in {x_name}, but {len(y)} labels in {y_name}: "
            "use arrays that belong together"
        )
    return Raw(x, y, words=(*words, *more), unit=unit)


def _choose(
    arrays: Mapping[str, Reader], path: Path, prefer: Part
) -> tuple[str, str | None, list[str]]:
    """Return the names of the images' array, the labels', and those that say nothing."""
    if len(arrays) == 1:
        return next(iter(arrays)), None, []
    names = {key: parse(key) for key in arrays}
    if len(arrays) == 2 and not any(name.part or name.role for name in names.values()):
        by_role = {_role_by_shape(read().shape): key for key, read in arrays.items()}
        if len(by_role) == 2:
            return by_role["x"], by_role["y"], []
    for key, name in names.items():
        if name.part and not name.role:  # train, beside train_labels
            names[key] = name._replace(role="x")
    x, y = choose({key: name for key, name in names.items() if name.role}, prefer, str(path))
    if x is None:
        raise ValueError(
            f"{path} holds {listed(list(arrays))}, and which of them are the images is not clear: "
            "name them x_train, y_train, x_test and y_test, or X and y"
        )
    return x, y, [key for key, name in names.items() if not name.role]


def _role_by_shape(shape: tuple[int, ...]) -> str:
    return "x" if len(shape) > 1 and math.prod(shape[1:]) > 1 else "y"


def _hint(table: NDArray[Any], label: str | None) -> tuple[str, ...]:
    """Say so where one column too many makes it likely that labels are among the features."""
    if table.ndim != 2 or label == "none" or table.shape[1] < 2:
        return ()
    if math.isqrt(table.shape[1] - 1) ** 2 != table.shape[1] - 1:
        return ()
    return (f"{table.shape[1]} columns, all taken for features (is the first or last a label?)",)


def _read_npy(path: Path) -> NDArray[Any]:
    with open_unpacked(path) as stream, _house_errors(path, str(path)):
        return np.lib.format.read_array(stream, allow_pickle=False)


def _arrays_of_npz(path: Path) -> dict[str, Reader]:
    with _open_npz(path, str(path)) as archive:
        names = list(archive)
    if not names:
        raise ValueError(f"{path} holds no arrays: save them with np.savez(path, X=..., y=...)")
    return {name: functools.partial(_read_from_npz, path, name) for name in names}


def _read_from_npz(path: Path, name: str) -> NDArray[Any]:
    with _open_npz(path, f"{name} in {path}") as archive:
        array = archive[name]
    if not isinstance(array, np.ndarray):  # the bytes of what is no .npy file
        raise ValueError(f"{name} in {path} is no array: leave it out")
    return array


@contextlib.contextmanager
def _open_npz(path: Path, where: str) -> Iterator[Mapping[str, NDArray[Any]]]:
    with (
        _house_errors(path, where),
        path.open("rb") as stream,  # NumPy leaves files open that turn out to be damaged
        np.load(stream, allow_pickle=False) as archive,
    ):
        yield archive


@contextlib.contextmanager
def _house_errors(path: Path, where: str) -> Iterator[None]:
    """Turn what NumPy raises on files that it can't read into errors that say what to do."""
    try:
        yield
    except MemoryError:
        raise ValueError(
            f"{where} is larger than this machine's memory, or damaged: give fewer rows, or "
            "download or copy it again"
        ) from None
    except RuntimeError:  # zipfile's
        raise ValueError(f"{path} is encrypted: unpack it and give the files themselves") from None
    except ValueError as error:
        if "Object arrays" in str(error):
            raise ValueError(f"{where} {_NO_PICKLE}") from None
        raise damaged(path) from None
    except (*UNPACKING_ERRORS, TypeError, OverflowError, SyntaxError, TokenError):
        raise damaged(path) from None
    except OSError as error:
        if error.errno == errno.EINVAL:  # an offset before the archive's start
            raise damaged(path) from None
        raise
