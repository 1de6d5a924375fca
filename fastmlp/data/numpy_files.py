"""Read NumPy's files, .npz and .npy, never as a pickle."""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import math
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.lib.format import (
    MAGIC_PREFIX,
    read_array_header_1_0,
    read_array_header_2_0,
    read_magic,
)
from numpy.typing import NDArray

from fastmlp.data.archives import (
    UNPACKING_ERRORS,
    check_is_file,
    damaged,
    open_unpacked,
    size_of,
    too_large_for_memory,
    zip_members,
)
from fastmlp.data.arrays import as_labels, as_rows
from fastmlp.data.columns import unit_of
from fastmlp.data.limits import TooMuchError, check_room, limited
from fastmlp.data.names import Part, choose, parse
from fastmlp.data.raw import Raw, Unit
from fastmlp.data.sniff import contents, kind_or_none, unlike_its_name, visible
from fastmlp.words import counted, listed, shortened

_NO_PICKLE = (
    "holds Python objects, which NumPy keeps as a pickle, and a pickle can run any code: open it "
    "in a program of yours if you trust it, and save the arrays as numbers with "
    "np.savez(path, X=np.stack(...), y=...)"
)
_HEADER_ERRORS = (
    ValueError, TypeError, OverflowError, SyntaxError, TokenError, RecursionError
)  # fmt: skip
MAX_HEADER = 10_000  # bytes: NumPy refuses longer ones, too
Reader = Callable[[], NDArray[Any]]  # of an array that has not been read yet


class _PickleError(ValueError):
    """An array holds Python objects, as a pickle."""


def read_npz(path: Path, *, label: str | None = None, prefer: Part = "train") -> Raw:
    """Read images and labels from an archive of arrays.

    Parameters
    ----------
    path : Path
        A ``.npz`` file. Arrays are recognised by their names (x_train and y_train, X and y,
        images and labels, data and target, ...), or by their shapes if there are only two.
    label : str, optional
        'none' leaves the labels out. 'first' or 'last' takes that column for the labels where
        there is one table and no array of labels. Any other value has no effect.
    prefer : 'train' or 't10k'
        The part to read if there are both.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If `path` is not a file.
    ValueError
        If the file is damaged, holds a pickle, or its arrays can't be told apart.
    """
    check_is_file(path)
    return _take(_arrays_of_npz(path), path, label, prefer)


def read_npy(path: Path, *, label: str | None = None, prefer: Part = "train") -> Raw:
    """Read images from one array; for parameters and errors, see `read_npz`."""
    return _take({path.name: lambda: _read_npy(path)}, path, label, prefer)


def read_numpy_folder(path: Path, *, label: str | None = None, prefer: Part = "train") -> Raw:
    """Read images and labels from a folder of ``.npz`` and ``.npy`` files.

    An array is known by its file's name, as in ``x_train.npy`` and ``kmnist-train-imgs.npz``, and
    if a file has several, by that and its own name. For parameters and errors, see `read_npz`.
    """
    arrays: dict[str, Reader] = {}
    for file in visible(path):
        if not file.is_file():
            continue
        kind = kind_or_none(file) or file.suffix[1:]  # a damaged one is an error later
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
    words = [f"NumPy: {shortened(x_name)}" + (f" and {shortened(y_name)}" if y_name else "")]
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
    x, more = as_rows(table, f"{shortened(x_name)} in {path}")
    words += more
    unit: Unit = "pixels" if table.ndim > 2 else unit_of(x.shape[1])
    if labels is None:
        return Raw(x, words=(*words, *_hint(table, label), "no labels"), unit=unit)
    if labels.ndim in (1, 2):  # before each label takes the memory of an int64
        _check_lengths(x, labels, x_name, y_name, path)
    y, more = as_labels(labels, f"{shortened(y_name or x_name)} in {path}")
    return Raw(x, y, words=(*words, *more), unit=unit)


def _check_lengths(
    x: NDArray[Any], y: NDArray[Any], x_name: str, y_name: str | None, path: Path
) -> None:
    if len(x) != len(y):
        raise ValueError(
            f"{path} holds {counted(len(x), 'image')} in {shortened(x_name)}, "
            f"but {counted(len(y), 'label')} in {shortened(y_name or '')}: "
            "use arrays that belong together"
        )


def _choose(
    arrays: Mapping[str, Reader], path: Path, prefer: Part
) -> tuple[str, str | None, list[str]]:
    """Return the names of the arrays of images and of labels, and the names that say neither."""
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
    """Return words about a table with one column more than a square image, maybe of labels."""
    n = table.shape[-1] - 1
    if table.ndim != 2 or label == "none" or n < 1 or math.isqrt(n) ** 2 != n:
        return ()
    return (f"{table.shape[1]} columns, all taken for features (is the first or last a label?)",)


def _read_npy(path: Path) -> NDArray[Any]:
    with open_unpacked(path) as stream:
        if stream.read(len(MAGIC_PREFIX)) != MAGIC_PREFIX:
            raise unlike_its_name(path, str(damaged(path)))
        stream.seek(0)
        with _explained(path, str(path)):
            return _read_array(stream, size_of(stream), path)


def _arrays_of_npz(path: Path) -> dict[str, Reader]:
    names = zip_members(path)
    if not names:
        raise ValueError(f"{path} holds no arrays: save them with np.savez(path, X=..., y=...)")
    return {_bare(name): functools.partial(_read_from_npz, path, name) for name in names}


def _bare(name: str) -> str:
    return name[:-4] if name.lower().endswith(".npy") else name


def _read_from_npz(path: Path, name: str) -> NDArray[Any]:
    where = f"{shortened(_bare(name))} in {path}"
    with (
        _explained(path, where),
        path.open("rb") as file,
        zipfile.ZipFile(file) as archive,
        archive.open(name) as member,
    ):
        stream = limited(member, path)
        if stream.peek(1).startswith(MAGIC_PREFIX):
            return _read_array(stream, archive.getinfo(name).file_size, path)
    raise ValueError(f"{where} is no array: leave it out")


def _read_array(stream: IO[bytes], size: int | None, path: Path) -> NDArray[Any]:
    """Read a ``.npy`` file of `size` bytes; None if the size is not known.

    NumPy's own function would first allocate the memory that the file says it needs.
    """
    major, _ = read_magic(stream)
    if not 1 <= major <= 3:
        raise damaged(path)
    width = 2 if major == 1 else 4  # bytes that say how long the header is
    length = stream.read(width)
    n_header = int.from_bytes(length, "little")
    if n_header > MAX_HEADER:
        raise damaged(path)
    header = io.BytesIO(length + stream.read(n_header))
    # Version 3 is version 2 with UTF-8 in the names of structured dtypes, which are not read here.
    shape, is_fortran, dtype = (
        read_array_header_1_0(header) if major == 1 else read_array_header_2_0(header)
    )
    if dtype.hasobject:
        raise _PickleError
    n_bytes = math.prod(shape) * dtype.itemsize
    n_before = len(MAGIC_PREFIX) + 2 + width + n_header
    is_cut = size is not None and n_before + n_bytes > size
    if is_cut or min((*shape, dtype.itemsize)) < 0 or dtype.itemsize == 0:
        raise damaged(path)
    check_room(n_before + n_bytes, path)
    content = np.empty(n_bytes, np.uint8)
    if stream.readinto(content) < n_bytes:  # type: ignore[attr-defined]
        raise damaged(path)
    stream.read(1)  # at the end, archives verify their checksums
    array = content.view(dtype)
    return array.reshape(shape, order="F" if is_fortran else "C")


@contextlib.contextmanager
def _explained(path: Path, where: str) -> Iterator[None]:
    """Turn what NumPy and zipfile raise on invalid files into errors that say what to do."""
    try:
        yield
    except TooMuchError:
        raise
    except _PickleError:
        raise ValueError(f"{where} {_NO_PICKLE}") from None
    except MemoryError:
        raise too_large_for_memory(where) from None
    except (*UNPACKING_ERRORS, *_HEADER_ERRORS):
        raise damaged(path) from None
    except NotImplementedError:
        raise ValueError(
            f"{path} is packed in a way that Python can't read: save it with np.savez_compressed"
        ) from None
    except RuntimeError:  # zipfile's
        raise ValueError(f"{path} is encrypted: unpack it and give the files themselves") from None
    except OSError as error:
        # An offset before the archive's start; or bz2, which has no exception of its own.
        if error.errno in (errno.EINVAL, None):
            raise damaged(path) from None
        raise
