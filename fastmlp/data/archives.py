"""Open files, packed or not; invalid ones are errors that say what to do."""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import lzma
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, cast

from fastmlp.data.limits import Xz, check_room, limited
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

HEAD = 1024  # bytes, enough to recognise any format
_MAGIC = {
    "gzip": re.compile(rb"\x1f\x8b\x08"),
    "xz": re.compile(rb"\xfd7zXZ\0"),
    "bz2": re.compile(rb"BZh[1-9](1AY&SY|\x17\x72\x45\x38\x50\x90)"),
}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_UNREAD = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!\x1a\x07": "RAR",
    b"\x1f\x9d": "compress",
}
_TAR_AT = 257  # offset of the magic bytes in a tar archive


def too_large_for_memory(where: Path | str) -> ValueError:
    """Return the error for data that raised MemoryError."""
    return ValueError(
        f"{where} is larger than this machine's memory, or damaged: give fewer rows, or "
        "download or copy it again"
    )


def damaged(path: Path) -> ValueError:
    """Return the error for an archive that raised one of `UNPACKING_ERRORS`."""
    return ValueError(f"{path} is damaged or cut short: download or copy it again")


def check_is_file(path: Path) -> None:
    """Raise an OSError unless `path` is a file, which can be read more than once."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the path of a file")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: check the path for typing errors")
    if not path.is_file():
        raise OSError(f"{path} is a pipe or a device: give it to fastmlp.data.load, or save it")


def is_junk(name: str) -> bool:
    """Say whether a file or a folder of this name is hidden or made by macOS or a file manager."""
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini", "__macosx")


def is_zip(head: bytes) -> bool:
    """Say whether a file that starts with `head` is a zip archive (as `.npz` and `.xlsx` are)."""
    return head.startswith(_ZIP)


@contextlib.contextmanager
def open_unpacked(path: Path, *, whole: bool = True) -> Iterator[IO[bytes]]:
    """Open a file, and unpack it on the way if it is packed, whatever its name says.

    Parameters
    ----------
    path : Path
        A plain file, or one packed with gzip, xz or bz2, or a zip archive with one file in it.
    whole : bool
        False if only its beginning is read: then it may be of any size.

    Yields
    ------
    stream : binary file
        It can be read and sought. Unpacking errors in the block become the ValueError below.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, OSError
        If `path` is not a file.
    ValueError
        If the archive is damaged, cut short, encrypted, holds another archive or not one file, or
        is of a kind that Python can't unpack; or if more comes out of it than `limits` allows.
    """
    check_is_file(path)
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(path.open("rb"))
        head = _head(plain)
        packing = next((name for name, magic in _MAGIC.items() if magic.match(head)), None)
        try:
            if not is_zip(head) and packing is None:
                if kind := _unread(head):
                    raise ValueError(
                        f"{path} is packed with {kind}, which is not read here: "
                        "unpack it first and give the file itself"
                    )
                if whole:
                    check_room(os.fstat(plain.fileno()).st_size, path)
                yield plain
                return
            if packing is None:
                packed = stack.enter_context(open_zip(plain, path, whole=whole))
            else:
                packed = stack.enter_context(_opened(packing, plain, path))
            stream = stack.enter_context(limited(packed, path))
            head = _head(stream)
            if is_zip(head) or _unread(head) or any(m.match(head) for m in _MAGIC.values()):
                raise ValueError(
                    f"{path} is an archive inside an archive: "
                    "unpack it and give the file that comes out"
                )
            yield stream
        except UNPACKING_ERRORS:
            raise damaged(path) from None
        except MemoryError:
            raise too_large_for_memory(path) from None
        except OSError as error:
            if type(error) is OSError and error.errno is None:
                raise damaged(path) from None  # bz2 has no exception of its own, nor in a zip
            raise


def _opened(packing: str, plain: IO[bytes], path: Path) -> IO[bytes]:
    if packing == "xz":
        return cast(IO[bytes], Xz(plain, path))
    return cast(IO[bytes], gzip.open(plain) if packing == "gzip" else bz2.open(plain))


def size_of(stream: IO[bytes]) -> int | None:
    """Return the size of a plain file; None for a stream that is unpacked, as it is unknown."""
    try:
        return os.fstat(stream.fileno()).st_size
    except OSError:
        return None


def first_bytes(path: Path) -> bytes:
    """Return the first `HEAD` bytes of a file, unpacked; raise as `open_unpacked` does."""
    with open_unpacked(path, whole=False) as stream:
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
        and not is_junk(PurePosixPath(name).name)
    ]


@contextlib.contextmanager
def open_zip(
    stream: IO[bytes], path: Path, wanted: str = "file", *, whole: bool = True
) -> Iterator[IO[bytes]]:
    """Open the one file in a zip archive, or the one CSV file: a README may lie beside it."""
    try:
        archive = zipfile.ZipFile(stream)
        names = _members(archive)
        tables = [name for name in names if name.lower().endswith(".csv")]
        names = tables if len(tables) == 1 or wanted == "CSV file" else names
        if len(names) != 1:
            raise ValueError(
                f"{path} should hold one {wanted}, and holds {listed(names)}: "
                f"unpack it and give the {wanted} itself"
            )
        if archive.getinfo(names[0]).flag_bits & 1:
            raise ValueError(f"{path} is encrypted: unpack it and give the {wanted} itself")
        if whole:
            check_room(archive.getinfo(names[0]).file_size, path)
        member = archive.open(names[0])
    except NotImplementedError:
        raise ValueError(
            f"{path} is packed in a way that Python can't read: unpack it and give the file itself"
        ) from None
    except UnicodeDecodeError:  # of a name; a kind of ValueError
        raise damaged(path) from None
    except OSError as error:
        if error.errno == errno.EINVAL:  # an offset before the start of the archive
            raise damaged(path) from None
        raise
    with archive, member:
        yield member


def _unread(head: bytes) -> str | None:
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return "tar"
    return next((_UNREAD[magic] for magic in _UNREAD if head.startswith(magic)), None)
