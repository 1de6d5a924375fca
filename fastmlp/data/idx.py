"""Read folders of IDX files, the format in which MNIST is published."""

from __future__ import annotations

import gzip
import math
import struct
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.archives import UNPACKING_ERRORS, damaged

Part = Literal["train", "t10k"]


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
        The pair to load where the folder holds both.

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
        If a file is no IDX file, is cut short, or if images and labels differ in number.
    """
    if prefer not in ("train", "t10k"):
        raise ValueError(f'prefer is {prefer!r}: give "train" or "t10k"')
    folder = Path(path)
    if not folder.exists():
        raise FileNotFoundError(f"{folder} does not exist: check the path for typing errors")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file: give the folder that holds the IDX files")

    images_path, labels_path = _find_pair(folder, prefer)
    images = _read(images_path, n_dimensions=3)
    labels = _read(labels_path, n_dimensions=1)
    if len(images) != len(labels):
        raise ValueError(
            f"{images_path} holds {len(images)} images, but {labels_path.name} holds "
            f"{len(labels)} labels: use the two files that belong together"
        )
    if images.size == 0:
        raise ValueError(f"{images_path} holds no pixels: give a file with at least one image")
    return images.reshape(len(images), -1), labels.astype(np.int64)


def _find_pair(folder: Path, prefer: Part) -> tuple[Path, Path]:
    for part in (prefer, "t10k" if prefer == "train" else "train"):
        images = _find(folder, f"{part}-images", "idx3-ubyte")
        labels = _find(folder, f"{part}-labels", "idx1-ubyte")
        if images and labels:
            return images, labels
        if found := images or labels:
            missing = f"{part}-labels-idx1-ubyte" if images else f"{part}-images-idx3-ubyte"
            raise FileNotFoundError(
                f"{folder} holds {found.name}, but not its partner {missing}[.gz]: put it there too"
            )
    raise FileNotFoundError(
        f"{folder} holds no IDX files: put {prefer}-images-idx3-ubyte[.gz] and "
        f"{prefer}-labels-idx1-ubyte[.gz] there"
    )


def _find(folder: Path, stem: str, kind: str) -> Path | None:
    names = (f"{stem}{dot}{kind}{end}" for end in ("", ".gz") for dot in "-.")
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _read(path: Path, n_dimensions: int) -> NDArray[np.uint8]:
    """Read one IDX file: a magic number, big-endian sizes, and as many bytes as they say."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except UNPACKING_ERRORS:
        raise damaged(path) from None
    if content[:4] != bytes([0, 0, 8, n_dimensions]):  # 8: the elements are unsigned bytes
        kind = "images (magic number 2051)" if n_dimensions == 3 else "labels (magic number 2049)"
        raise ValueError(f"{path} is no IDX file of {kind}: get the original file again")
    n_header = 4 + 4 * n_dimensions
    header = content[4:n_header].ljust(n_header - 4, b"\0")
    shape = struct.unpack(f">{n_dimensions}I", header)
    expected = n_header + math.prod(shape)
    if len(content) != expected:
        raise ValueError(
            f"{path} has {len(content)} bytes instead of {expected}, it is cut short or damaged: "
            "download or copy it again"
        )
    return np.frombuffer(content, np.uint8, offset=n_header).reshape(shape).copy()  # writable
