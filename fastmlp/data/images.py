"""Read image files: one, a folder of them, or a folder with one subfolder for each class."""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.archives import check_is_file, open_unpacked
from fastmlp.data.cache import Progress
from fastmlp.data.grey import rows
from fastmlp.data.names import PART_OF, Part
from fastmlp.data.raw import Raw
from fastmlp.data.sniff import contents, kind_or_none, visible
from fastmlp.words import counted, encodable, listed

SIDE = 28  # pixels, as in MNIST
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")


def read_image(path: Path, *, side: int = SIDE) -> Raw:
    """Read one image as one row.

    Parameters
    ----------
    path : Path
        PNG, JPEG, BMP, GIF, TIFF, WebP or PNM. Colours become grey. An image that is not square
        gets margins in the colour of its background; then it is resized.
    side : int
        The rows' width and height in pixels.

    Returns
    -------
    Raw
        `x` is uint8 of shape (1, side * side), white on black; `ids` has the file's name.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If `path` is not a file.
    ValueError
        If it is not an image, or a damaged one.
    """
    check_is_file(path)
    return _read([path], [path.name], side)


def read_image_folder(
    path: Path,
    *,
    label: str | None = None,
    prefer: Part = "train",
    side: int = SIDE,
    progress: Progress | None = None,
) -> Raw:
    """Read a folder of images, one subfolder for each class, or without labels a flat one.

    Parameters
    ----------
    path : Path
        The folder. If its subfolders are called train and test, or the like, one of them is
        read. Files that are not images are skipped and listed in `words`.
    label : str, optional
        'none' leaves the labels out; any other value has no effect.
    prefer : 'train' or 't10k'
        The part to read if there are both.
    side : int
        The rows' width and height in pixels; see `read_image` for how images are resized.
    progress : callable, optional
        Called as ``progress(done, total)``, in images.

    Returns
    -------
    Raw
        `x` is uint8 of shape (n, side * side), `ids` has the files' paths within the folder.
        Subfolders whose names are all whole numbers have these as labels; otherwise the sorted
        names are `class_names`, and `labels` counts them from 0.

    Raises
    ------
    NotADirectoryError
        If `path` is not a folder.
    ValueError
        If there are no images in it, some beside and some inside subfolders, or damaged ones.
    """
    if not path.is_dir():
        raise NotADirectoryError(f"{path} is no folder: give a folder of images")
    folder, words = _part(path, prefer)
    flat, others = _images_in(folder)
    classes: dict[str, list[Path]] = {}
    for inner in visible(folder):
        if inner.is_dir():
            classes[inner.name], more = _images_in(inner)
            others += more
    empty = [name for name, files in classes.items() if not files]
    classes = {name: files for name, files in classes.items() if files}
    if flat and classes:
        raise ValueError(
            f"{folder} holds images ({listed([file.name for file in flat], 3)}) and folders of "
            f"images ({listed(list(classes), 3)}): put every image into its class's folder"
        )
    if not flat and not classes:
        raise ValueError(
            f"{folder} holds {contents(folder)}, and no images: "
            "put them there, in one folder for each class"
        )
    if others or empty:
        words.append(
            f"passed over: {listed([*(f.name for f in others), *(f'{e}/' for e in empty)])}"
        )
    names, numbers, class_names = _classes(classes, folder)
    files = flat + [file for name in names for file in classes[name]]
    by_class = f", {counted(len(names), 'class')}, one a folder ({listed(names, 10)})"
    words.insert(0, counted(len(files), "image") + (by_class if classes else " without labels"))
    raw = _read(files, [file.relative_to(folder).as_posix() for file in files], side, progress)
    labels = np.repeat(numbers, [len(classes[name]) for name in names]) if classes else None
    if label == "none":
        labels = class_names = None
    words = [*words, *raw.words[1:]]
    return replace(raw, labels=labels, words=tuple(words), class_names=class_names)


def _part(folder: Path, prefer: Part) -> tuple[Path, list[str]]:
    """Return the part to read if a folder holds train/ and test/, else the folder itself."""
    inner = [path for path in visible(folder) if path.is_dir()]
    parts = {PART_OF[path.name.lower()]: path for path in inner if path.name.lower() in PART_OF}
    if not inner or len(parts) != len(inner):
        return folder, []
    order = (prefer, "t10k" if prefer == "train" else "train", "val")
    chosen = next(parts[part] for part in order if part in parts)
    return chosen, [f"of the folder {chosen.name}"]


def _images_in(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return a folder's images, damaged ones too, and its other files, pipes among them."""
    images: list[Path] = []
    others: list[Path] = []
    for path in visible(folder):
        if not path.is_dir():
            is_image = path.is_file() and (
                path.suffix.lower() in SUFFIXES or kind_or_none(path) == "image"
            )
            (images if is_image else others).append(path)
    return images, others


def _classes(
    classes: dict[str, list[Path]], folder: Path
) -> tuple[list[str], NDArray[np.int64], tuple[str, ...] | None]:
    """Return the folders' names in the order of their labels, these, and the classes' names."""
    names = sorted(classes)
    if not all(name.isascii() and name.isdigit() and len(name) < 10 for name in names):
        return names, np.arange(len(names), dtype=np.int64), tuple(map(encodable, names))
    names.sort(key=int)
    numbers = np.array([int(name) for name in names], np.int64)
    for first, second in itertools.pairwise(names):
        if int(first) == int(second):
            raise ValueError(f"{folder} holds {first}/ and {second}/, one class twice: join them")
    return names, numbers, None


def _read(files: list[Path], ids: list[str], side: int, progress: Progress | None = None) -> Raw:
    images = ((str(file), functools.partial(open_unpacked, file)) for file in files)
    raw = rows(images, len(files), side, progress)
    return replace(raw, ids=np.array(list(map(encodable, ids)), dtype=object))
