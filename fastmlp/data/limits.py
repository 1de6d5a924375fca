"""Limits on the size of data: a small file can claim, or unpack to, more than any memory."""

from __future__ import annotations

import io
import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

USUAL = 2**30  # bytes that any file may unpack to, ...
TIMES = 100  # ... or this many times its own size; tables of digits are packed to a tenth
PIECE = 2**16
MOST_AT_A_TIME = 2**20

_max_bytes: ContextVar[int | None] = ContextVar("max_bytes", default=None)


class TooMuchError(ValueError):
    """A file holds more than it may."""

    def __init__(self, where: Path | str, limit: int) -> None:
        super().__init__(
            f"{where} takes more than {limit:,} bytes: give fewer rows, or if you trust it, a "
            "larger max_bytes to fastmlp.data.load (--max-bytes on the command line)"
        )


@contextmanager
def at_most(max_bytes: int | None) -> Iterator[None]:
    """Let no file unpack to more bytes than this in the block; None stands for the usual limit.

    It holds for everything opened in the block, so no reader has to pass the limit on.
    """
    token = _max_bytes.set(max_bytes)
    try:
        yield
    finally:
        _max_bytes.reset(token)


def limit_of(path: Path | None) -> int:
    """Return how many bytes may come out of a file, or of a pipe (None), whose size is unknown."""
    given = _max_bytes.get()
    if given is not None:
        return given
    return USUAL if path is None else max(USUAL, TIMES * path.stat().st_size)


def check_room(n_bytes: int, path: Path) -> None:
    """Raise `TooMuchError` if a file says that it holds more bytes than allowed."""
    limit = limit_of(path)
    if n_bytes > limit:
        raise TooMuchError(path, limit)


def grow(array: NDArray[Any], n: int, most: int) -> None:
    """Make room for `n` rows in an array, in place; for twice as many, if there may be so many.

    So memory follows what has been read, where a file says that there are `most`.
    """
    if n > len(array):
        array.resize((min(2 * n, most), *array.shape[1:]), refcheck=False)


def limited(stream: IO[bytes], path: Path) -> io.BufferedReader:
    """Return a stream that raises `TooMuchError` beyond the limit of the file being unpacked."""
    return io.BufferedReader(_Limited(stream, path))


class _Limited(io.RawIOBase):
    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream = stream
        self._path = path
        self._limit = limit_of(path)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._stream.read(min(len(buffer), MOST_AT_A_TIME))
        buffer[: len(content)] = content
        self._check(self._stream.tell())
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:  # known once all is unpacked
            while self.read(PIECE):
                pass
        if whence != io.SEEK_SET:
            offset += self._stream.tell()
        self._check(offset)
        return self._stream.seek(offset)

    def tell(self) -> int:
        return self._stream.tell()

    def _check(self, position: int) -> None:
        if position > self._limit:
            raise TooMuchError(self._path, self._limit)


class Xz(io.RawIOBase):
    """Unpack xz as ``lzma.open`` does, but with a limit on memory.

    Unpacking needs a dictionary, whose size the file chooses: up to 4 GiB. One that is much larger
    than the packed file is of no use.
    """

    ALWAYS = 2**27  # bytes, allowed for any file; xz -9 takes half of it

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream = stream
        self._path = path
        self._limit = max(_max_bytes.get() or TIMES * path.stat().st_size, self.ALWAYS)
        self._start()

    def _start(self) -> None:
        self._stream.seek(0)
        self._unpacker = self._new()
        self._position = 0
        self._is_over = False

    def _new(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(memlimit=self._limit)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("xz is sought from its start only")
        if offset < self._position:
            self._start()
        while self._position < offset and self.read(min(PIECE, offset - self._position)):
            pass
        return self._position

    def readinto(self, buffer: Any) -> int:
        content = b""
        while not (content or self._is_over):
            packed = b""
            is_next = self._unpacker.eof  # several streams may stand one after the other
            if is_next or self._unpacker.needs_input:
                packed = self._unpacker.unused_data or self._stream.read(PIECE)
                if not packed and not is_next:
                    raise EOFError("the file ends before its content")
            if is_next:
                self._is_over = not packed
                self._unpacker = self._new()
            try:
                content = self._unpacker.decompress(packed, len(buffer))
            except lzma.LZMAError as error:
                if "limit" in str(error).lower():
                    raise TooMuchError(self._path, self._limit) from None
                if not is_next:
                    raise
                self._is_over = True  # trailing garbage, which lzma.open ignores, too
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)
