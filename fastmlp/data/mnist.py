"""Download MNIST once, and load it from the cache from then on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.cache import Progress, cache_folder
from fastmlp.data.idx import Part, load_idx
from fastmlp.files import atomic_write, check_writable

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


class Archive(NamedTuple):
    """One of MNIST's files as published."""

    name: str
    n_bytes: int
    sha256: str


ARCHIVES = (
    Archive(
        "train-images-idx3-ubyte.gz",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    Archive(
        "train-labels-idx1-ubyte.gz",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    Archive(
        "t10k-images-idx3-ubyte.gz",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    Archive(
        "t10k-labels-idx1-ubyte.gz",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
)
PIECE = 2**16  # bytes between two reports of progress
SECONDS_OF_SILENCE = 20  # until a mirror counts as dead


def load_mnist(
    prefer: Part = "train",
    *,
    cache_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Load MNIST from the cache, after downloading what is missing or damaged there.

    Parameters
    ----------
    prefer : "train" or "t10k"
        The 60,000 training images or the 10,000 test images.
    cache_dir : str or Path, optional
        Where the four files are kept; by default ``mnist`` in the user's cache folder.
    progress : callable, optional
        Called as ``progress(done, total)`` while downloading, in bytes.

    Returns
    -------
    x : uint8 ndarray of shape (n, 784)
        Pixels, 0 to 255.
    y : int64 ndarray of shape (n,)
        Labels, 0 to 9.

    Raises
    ------
    ConnectionError
        If none of the mirrors delivers a file with the right checksum.
    OSError
        If the cache folder can't be written.
    """
    folder = cache_folder() / "mnist" if cache_dir is None else Path(cache_dir)
    missing = [archive for archive in ARCHIVES if not _is_whole(folder, archive)]
    if missing:
        _check_writable(folder, missing[0])  # better now than after the download
        mirrors = list(MIRRORS)
        done, total = 0, sum(archive.n_bytes for archive in missing)

        def report(n_bytes: int) -> None:
            if progress:
                progress(done + n_bytes, total)

        for archive in missing:
            content = _download(archive, mirrors, report)
            with atomic_write(folder / archive.name) as stream:
                stream.write(content)
            done += archive.n_bytes
    return load_idx(folder, prefer)


def _is_whole(folder: Path, archive: Archive) -> bool:
    path = folder / archive.name
    has_its_size = path.is_file() and path.stat().st_size == archive.n_bytes
    return has_its_size and _is_right(path.read_bytes(), archive)


def _is_right(content: bytes | bytearray, archive: Archive) -> bool:
    return hashlib.sha256(content).hexdigest() == archive.sha256


def _check_writable(folder: Path, archive: Archive) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_writable(folder / archive.name)
    except OSError as error:
        raise type(error)(
            f"can't keep MNIST in {folder}: "
            "set FASTMLP_CACHE_DIR to a folder that is writable and has space"
        ) from error


def _download(archive: Archive, mirrors: list[str], report: Callable[[int], None]) -> bytes:
    """Return an archive from the first mirror that has it, and move those that fail to the end.

    `report` is called with the number of bytes received so far.
    """
    import requests

    failures = []
    for mirror in list(mirrors):
        content = bytearray()
        fault = "sends another file"
        try:
            with requests.get(
                mirror + archive.name, stream=True, timeout=SECONDS_OF_SILENCE
            ) as response:
                response.raise_for_status()
                for piece in response.iter_content(PIECE):
                    content += piece
                    if len(content) > archive.n_bytes:
                        break
                    report(len(content))
            if _is_right(content, archive):
                return bytes(content)
        except requests.RequestException as error:
            fault = _reason(error)
        failures.append(f"{mirror} {fault}")
        mirrors.append(mirrors.pop(0))
    raise ConnectionError(
        f"can't download {archive.name} ({', '.join(failures)}): "
        "check the connection, or put MNIST's files in a folder and give that folder"
    )


def _reason(error: Exception) -> str:
    """Return in a few words what went wrong; the exceptions' own messages fill a paragraph."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answers {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "doesn't answer"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "hangs up"
    return "can't be reached"
