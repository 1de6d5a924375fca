"""Read IDX files, the format in which MNIST and its descendants are published."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.archives import (
    check_is_file,
    damaged,
    open_unpacked,
    size_of,
)
from fastmlp.data.arrays import as_labels, as_rows, is_one_hot
from fastmlp.data.columns import unit_of
from fastmlp.data.limits import check_room, grow
from fastmlp.data.names import Name, Part, choose, parse
from fastmlp.data.raw import Raw, Unit
from fastmlp.data.sniff import contents, kind_or_none, unlike_its_name, visible
from fastmlp.words import counted

_TYPES = {8: ">u1", 9: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_UBYTE = 8
AT_A_TIME = 2**22  # bytes of a packed file
_MNIST_NAME = re.compile(r"(train|t10k)-(images[-.]idx3|labels[-.]idx1)-ubyte(\.gz)?")
_PACKED = (".gz", ".xz", ".bz2", ".zip")


def load_idx(
    path: str | Path, prefer: Part = "train"
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Load images and labels from a folder that holds MNIST's train pair, its t10k pair, or both.

    Files are named as MNIST's, ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte``,
    also with a dot before ``idx``, and plain or with ``.gz`` at the end.

    Parameters
    ----------
    path : str or Path
        The folder.
    prefer : "train" or "t10k"
        The pair to load if the folder holds both.

    Returns
    -------
    x : uint8 array (n, rows * columns)
        Pixels, 0 to 255.
    y : int64 array (n,)
        Labels.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such folder, no pair in it, or only one half of a pair.
    ValueError
        If a file is not an IDX file or is cut short, or if images and labels differ in number.
    """
    if prefer not in ("train", "t10k"):
        raise ValueError(f'prefer is {prefer!r}: give "train" or "t10k"')
    folder = Path(path)
    if not folder.exists():
        raise FileNotFoundError(f"{folder} does not exist: check the path for typing errors")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file: give the folder that holds the IDX files")

    named = (path for path in visible(folder) if _MNIST_NAME.fullmatch(path.name))
    files = sorted((path for path in named if path.is_file()), key=_is_packed)
    if not files:
        raise FileNotFoundError(f"{folder} holds no IDX files: {_put_there(prefer)}")
    images_path, labels_path = _choose_pair(files, folder, prefer)
    if images_path is None or labels_path is None:
        raise _no_partner(folder, images_path, labels_path)
    images = _read(images_path, n_dimensions=3)
    labels = _read(labels_path, n_dimensions=1)
    _check_lengths(images, images_path, labels, labels_path)
    if images.size == 0:
        raise ValueError(f"{images_path} holds no pixels: give a file with at least one image")
    return images.reshape(len(images), -1).astype(np.uint8, copy=False), labels.astype(np.int64)


def read_idx(path: Path, *, label: str | None = None, prefer: Part = "train") -> Raw:
    """Read images and labels from IDX files of any names, packed or not.

    Parameters
    ----------
    path : Path
        A folder with one data set's files, each by itself or inside a folder of its own name; or
        a file of images, beside which its labels are looked for.
    label : str, optional
        'none' leaves the labels out; any other value has no effect.
    prefer : 'train' or 't10k'
        The pair to read if a folder holds both.

    Returns
    -------
    Raw
        Labels are int64, or None for a file of images without labels beside it.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`, or a folder holds images without labels or the reverse.
    ValueError
        If a folder holds several data sets, if a file is not an IDX file or is cut short, or if
        images and labels differ in number.
    """
    if path.is_dir():
        files = sorted(_idx_files(path), key=lambda file: (_is_packed(file), file.parent != path))
        if not files:
            raise FileNotFoundError(
                f"{path} holds {contents(path)}, and no IDX files: {_put_there(prefer)}"
            )
        images_path, labels_path = _choose_pair(files, path, prefer, needs_labels=label != "none")
        if images_path is None or (labels_path is None and label != "none"):
            alone = f", or give {images_path} alone to predict" if images_path else ""
            raise _no_partner(path, images_path, labels_path, alone)
    else:
        check_is_file(path)
        images_path, labels_path = path, _labels_beside(path)
    if label == "none":
        labels_path = None
    images = _read(images_path)
    if images.ndim < 2:
        raise ValueError(f"{images_path} holds labels, not images: give the file of images")
    x, words = as_rows(images, str(images_path))
    names = images_path.name + (f" and {labels_path.name}" if labels_path else "")
    words = (f"IDX: {names}", *words)
    if "emnist" in images_path.name.lower():
        words = (*words, "EMNIST's images lie on their side, as in the file")
    unit: Unit = "pixels" if images.ndim > 2 else unit_of(x.shape[1])
    if labels_path is None:
        return Raw(x, words=(*words, "no labels"), unit=unit)
    labels = _read(labels_path)
    _check_lengths(images, images_path, labels, labels_path)
    if labels.ndim == 2 and labels.shape[1] > 1 and not is_one_hot(labels):  # QMNIST's
        words = (*words, f"the first of {labels.shape[1]} columns as labels")
        labels = labels[:, 0]
    y, more = as_labels(labels, str(labels_path))
    return Raw(x, y, words=(*words, *more), unit=unit)


def _put_there(prefer: Part) -> str:
    return f"put {prefer}-images-idx3-ubyte[.gz] and {prefer}-labels-idx1-ubyte[.gz] there"


def _choose_pair(
    files: list[Path], folder: Path, prefer: Part, needs_labels: bool = True
) -> tuple[Path | None, Path | None]:
    """Return the file of images and that of labels; None for one of them that is missing."""
    by_name: dict[Name, Path] = {}
    for path in files:
        name = parse(path.name)
        if not name.role:
            name = name._replace(role="y" if _n_dimensions(path) == 1 else "x")
        by_name.setdefault(name, path)  # the first of a file and its packed copy
    names = {path: name for name, path in by_name.items()}
    if not needs_labels:
        names = {path: name for path, name in names.items() if name.role == "x"} or names
    return choose(names, prefer, str(folder))


def _idx_files(folder: Path, wanted: Name | None = None) -> Iterator[Path]:
    """Yield the IDX files in a folder, or only those whose names say what a `wanted` one says.

    Invalid files with the name of an IDX file are among them, to be errors later.
    """
    for path in visible(folder):
        if wanted is None or parse(path.name) == wanted:
            file = path / path.name if path.is_dir() else path
            if file.is_file() and (_has_idx_name(file) or kind_or_none(file) == "idx"):
                yield file


def _is_packed(path: Path) -> bool:
    return path.name.endswith(_PACKED)


def _has_idx_name(path: Path) -> bool:
    return re.search(r"[-_.]idx[1-4]\b", path.name) is not None and bool(parse(path.name).role)


def _labels_beside(images: Path) -> Path | None:
    """Return the file of labels whose name fits a file of images, if there is one."""
    name = parse(images.name)
    if name.role == "y":
        raise ValueError(f"{images} holds labels, not images: give the file of images")
    folders = [images.parent]
    if images.parent.name == images.name:
        folders.append(images.parent.parent)
    found = (file for folder in folders for file in _idx_files(folder, name._replace(role="y")))
    return min(found, key=_is_packed, default=None)


def _no_partner(
    folder: Path, images: Path | None, labels: Path | None, otherwise: str = ""
) -> FileNotFoundError:
    found = (images or labels or folder).name
    name = found.removesuffix(Path(found).suffix) if found.endswith(_PACKED) else found
    missing = name
    for pair in (("images", "labels"), ("idx3", "idx1")):
        missing = missing.replace(*(pair if images else reversed(pair)))
    partner = f"its partner {missing}[.gz]" if missing != name else "the other half of the pair"
    return FileNotFoundError(
        f"{folder} holds {found}, but not {partner}: put it there too{otherwise}"
    )


def _check_lengths(
    images: NDArray[np.generic], images_path: Path, labels: NDArray[np.generic], labels_path: Path
) -> None:
    if len(images) != len(labels):
        raise ValueError(
            f"{images_path} holds {counted(len(images), 'image')}, but {labels_path.name} "
            f"holds {counted(len(labels), 'label')}: use the two files that belong together"
        )


def _read(path: Path, n_dimensions: int | None = None) -> NDArray[np.generic]:
    """Read one IDX file: any, or one of bytes, whose name says whether it is packed."""
    with open_unpacked(path) as stream:
        if n_dimensions and path.suffix == ".gz" and size_of(stream) is not None:
            raise damaged(path)
        return _elements(stream, _magic(stream, path, n_dimensions), path)


def _n_dimensions(path: Path) -> int:
    with open_unpacked(path, whole=False) as stream:
        return _magic(stream, path)[3]


def _magic(stream: IO[bytes], path: Path, n_dimensions: int | None = None) -> bytes:
    """Return the first four bytes; raise unless they are those of an IDX file, as in `_read`."""
    magic = stream.read(4).ljust(4, b"\xff")
    is_idx = magic[:2] == b"\0\0" and magic[2] in _TYPES and 1 <= magic[3] <= 4
    if is_idx and (n_dimensions is None or magic[2:] == bytes([_UBYTE, n_dimensions])):
        return magic
    kinds = {1: " of labels (magic number 2049)", 3: " of images (magic number 2051)"}
    what = kinds.get(n_dimensions or 0, "")
    raise unlike_its_name(path, f"{path} is no IDX file{what}: get the original file again")


def _elements(stream: IO[bytes], magic: bytes, path: Path) -> NDArray[np.generic]:
    """Read what follows a magic number: big-endian sizes, and as many elements as they say."""
    dtype, n_dimensions = np.dtype(_TYPES[magic[2]]), magic[3]
    n_header = 4 + 4 * n_dimensions
    header = stream.read(n_header - 4)
    shape = struct.unpack(f">{n_dimensions}I", header.ljust(n_header - 4, b"\0"))
    n_bytes = math.prod(shape) * dtype.itemsize
    n_found, more = size_of(stream), ""
    if n_found is None:  # a packed file is read for as many bytes as it should have, and one more
        check_room(n_header + n_bytes, path)
        content, n_read = np.empty(0, np.uint8), 0
        while n_read == len(content) < n_bytes:
            grow(content, n_read + AT_A_TIME, n_bytes)
            n_read += stream.readinto(content[n_read:])  # type: ignore[attr-defined]
        more = " or more" if stream.read(1) else ""
        n_found = 4 + len(header) + n_read + bool(more)
    elif n_found == n_header + n_bytes:
        content = np.fromfile(stream, np.uint8, n_bytes)
    if n_found != n_header + n_bytes:
        raise ValueError(
            f"{path} has {n_found} bytes{more} instead of {n_header + n_bytes}, it is cut short or "
            "damaged: download or copy it again"
        )
    elements = content.view(dtype).reshape(shape)
    return elements.astype(dtype.newbyteorder("="), copy=False)
