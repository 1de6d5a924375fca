"""What the readers of files share: is it a file, is it packed, and is the archive whole?"""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, cast

from fastmlp.words import listed

UNPACKING_ERRORS = (
    EOFError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)
"""What Python's unpackers raise on archives that are cut short or damaged."""

HEAD = 1024  # bytes, enough to tell any format that is known here
_OPENERS = (
    (re.compile(rb"\x1f\x8b\x08"), gzip.open),
    (re.compile(rb"\xfd7zXZ\0"), lzma.open),
    (re.compile(rb"BZh[1-9](1AY&SY|\x17\x72\x45\x38\x50\x90)"), bz2.open),
)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_UNREAD = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!\x1a\x07": "RAR",
    b"\x1f\x9d": "compress",
}
_TAR_AT = 257  # where a tar archive says so


def damaged(path: Path) -> ValueError:
    """Return the error for an archive that raised one of `UNPACKING_ERRORS`."""
    return ValueError(f"{path} is damaged or cut short: download or copy it again")


def check_is_file(path: Path) -> None:
    """Raise FileNotFoundError or IsADirectoryError unless `path` is a file."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the path of a file")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: check the path for typing errors")


def is_zip(head: bytes) -> bool:
    """Say whether a file that starts with `head` is a zip archive (as `.npz` and `.xlsx` are)."""
    return head.startswith(_ZIP)


@contextlib.contextmanager
def open_unpacked(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, and unpack it on the way if it is packed, whatever its name says.

    Parameters
    ----------
    path : Path
        A plain file, or one packed with gzip, xz or bz2, or a zip archive with one file in it.

    Yields
    ------
    stream : binary file
        It reads and seeks. Unpacking errors in the block come out as the ValueError below.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If `path` is no file.
    ValueError
        If the archive is damaged, cut short, encrypted, holds another archive or not one file, or
        is of a kind that Python can't unpack.
    """
    check_is_file(path)
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(path.open("rb"))
        head = _head(plain)
        opener = next((opener for magic, opener in _OPENERS if magic.match(head)), None)
        try:
            if is_zip(head):
                stream = stack.enter_context(_open_zip(plain, path))
            elif opener is not None:
                stream = stack.enter_context(cast(IO[bytes], opener(plain)))
            else:
                _refuse_unread(head, path)
                stream = plain
            if stream is not plain:
                _refuse_nested(_head(stream), path)
            yield stream
        except UNPACKING_ERRORS:
            raise damaged(path) from None
        except OSError as error:
            if opener is bz2.open and type(error) is OSError and error.errno is None:
                raise damaged(path) from None  # bz2 has no exception of its own
            raise


def first_bytes(path: Path) -> bytes:
    """Return the first `HEAD` bytes of a file, unpacked; raise as `open_unpacked` does."""
    with open_unpacked(path) as stream:
        return stream.read(HEAD)


def zip_members(path: Path) -> list[str]:
    """Return the names of a zip archive's files, without those that macOS and file managers add."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _members(archive)
    except (*UNPACKING_ERRORS, NotImplementedError, UnicodeDecodeError):
        raise damaged(path) from None


def _head(stream: IO[bytes]) -> bytes:
    head = stream.read(HEAD)
    stream.seek(0)
    return head


def _members(archive: zipfile.ZipFile) -> list[str]:
    return [
        name
        for name in archive.namelist()
        if not name.endswith("/")
        and "__MACOSX" not in PurePosixPath(name).parts
        and not PurePosixPath(name).name.startswith(".")
        and PurePosixPath(name).name.lower() not in ("thumbs.db", "desktop.ini")
    ]


@contextlib.contextmanager
def _open_zip(stream: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    """Open the one file in a zip archive; a README may lie beside a single CSV file."""
    try:
        archive = zipfile.ZipFile(stream)
        names = _members(archive)
        tables = [name for name in names if name.lower().endswith(".csv")]
        names = tables if len(tables) == 1 else names
        if len(names) != 1:
            raise ValueError(
                f"{path} should hold one file, and holds {listed(names)}: "
                "unpack it and give the file itself"
            )
        if archive.getinfo(names[0]).flag_bits & 1:
            raise ValueError(f"{path} is encrypted: unpack it and give the file itself")
        member = archive.open(names[0])
    except NotImplementedError:
        raise ValueError(
            f"{path} is packed in a way that Python can't read: unpack it and give the file itself"
        ) from None
    except UnicodeDecodeError:  # of a name; a kind of ValueError
        raise damaged(path) from None
    except OSError as error:
        if error.errno == errno.EINVAL:  # it points before its own start
            raise damaged(path) from None
        raise
    with archive, member:
        yield member


def _unread(head: bytes) -> str | None:
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return "tar"
    return next((_UNREAD[magic] for magic in _UNREAD if head.startswith(magic)), None)


def _refuse_unread(head: bytes, path: Path) -> None:
    if kind := _unread(head):
        raise ValueError(
            f"{path} is packed with {kind}, which is not read here: "
            "unpack it first and give the file itself"
        )


def _refuse_nested(head: bytes, path: Path) -> None:
    packed = is_zip(head) or any(magic.match(head) for magic, _ in _OPENERS)
    if packed or _unread(head):
        raise ValueError(
            f"{path} is an archive inside an archive: unpack it and give the file that comes out"
        )
