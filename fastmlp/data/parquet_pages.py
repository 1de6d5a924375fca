"""Check what the pages of a parquet file say of themselves, before pyarrow makes room for it."""

from __future__ import annotations

from typing import IO, Any, NamedTuple

from fastmlp.data.thrift import I32, CutShortError, Fields, ThriftError, read_struct, varint

# As in parquet.thrift
_DATA: Fields = {
    1: ("n_values", I32), 2: ("encoding", I32), 3: ("levels", I32), 4: ("outer levels", I32),
}  # fmt: skip
_DATA_2: Fields = {
    1: ("n_values", I32), 4: ("encoding", I32), 5: ("n_levels", I32), 6: ("n_outer_levels", I32),
    7: ("is_packed", None),
}  # fmt: skip
_PAGE: Fields = {
    1: ("type", I32), 2: ("unpacked", I32), 3: ("packed", I32),
    5: ("data", _DATA), 7: ("dictionary", {1: ("n_values", I32)}), 8: ("data v2", _DATA_2),
}  # fmt: skip

_KINDS = {0: "data", 2: "dictionary", 3: "data v2"}  # pyarrow passes over all other pages
_PLAIN, _ANY_RATIO = 0, 2**31
_CODECS = {1: "snappy", 2: "gzip", 4: "brotli", 6: "zstd", 7: "lz4_raw"}
_RATIOS = {_PLAIN: 1, 1: 22, 2: 1100, 5: 256, 6: 2**16, 7: 256}
"""How far each can pack, and Hadoop's form of lz4; brotli knows no bound."""
_LENGTHS, _PREFIXES = 6, 7  # encodings of texts
_RLE = 3  # the encoding of levels that everybody writes
_HEADER, _LONGEST_HEADER = 2**9, 2**24  # bytes of a page's header to read, first and at most
_PADDING = 100  # bytes that pyarrow reads on, because Java's writer once left them out of a size


class Texts(NamedTuple):
    """A page that begins with the lengths of texts, of which a few bytes can say any number."""

    at: int
    header: dict[str, Any]
    codec: int
    n_levels: int


def unpacked_size(
    stream: IO[bytes], size: int, column: dict[str, Any], n_levels: int
) -> tuple[int, list[Texts]]:
    """Return how many bytes the pages of a column are unpacked to, those that pyarrow will read.

    Parameters
    ----------
    stream : binary file
    size : int
        Its length.
    column : dict
        What the footer says of it.
    n_levels : int
        How many lists of depths a page has in front of its values: 0, 1 or 2.

    Returns
    -------
    n_bytes : int
    texts : list of Texts
        Pages that `check_texts` has to look into, once there is room for them.
    """
    at, dictionary_at, codec = column["data_at"], column.get("dictionary_at", 0), column["codec"]
    if 0 < dictionary_at < at:
        at = dictionary_at
    end = at + column["size"]
    if at < 0 or column["size"] < 0 or end > size:
        raise ThriftError("a column is outside of the file")
    n_values, total = column["n_values"], 0
    texts: list[Texts] = []
    while n_values > 0 and at < min(end + _PADDING, size):
        header, n_header = _header(stream, at)
        packed, unpacked = header["packed"], header["unpacked"]
        at += n_header + packed
        if packed < 0 or at > size:
            raise ThriftError("a page is outside of the file")
        if header["type"] not in _KINDS:
            continue
        kind = _KINDS[header["type"]]
        page = header[kind]
        if codec == _PLAIN:
            unpacked = packed
        if page["n_values"] < 0 or not 0 <= unpacked <= packed * _RATIOS.get(codec, _ANY_RATIO):
            raise ThriftError("a page can't hold what it says")
        total += unpacked
        if kind == "dictionary":
            if page["n_values"] > unpacked:
                raise ThriftError("a dictionary can't hold what it says")
            continue
        n_values -= page["n_values"]
        if page["encoding"] in (_LENGTHS, _PREFIXES):
            texts.append(Texts(at - packed, header, codec, n_levels))
    if n_values < 0:
        raise ThriftError("a column has more values than it says")
    return total, texts


def _header(stream: IO[bytes], at: int) -> tuple[dict[str, Any], int]:
    """Return a page's header, and its length."""
    n = _HEADER
    while True:
        stream.seek(at)
        content = stream.read(n)
        try:
            return read_struct(content, _PAGE)
        except CutShortError:  # long ones have long texts in their statistics
            if len(content) < n or n >= _LONGEST_HEADER:
                raise
        n *= 8


def check_texts(stream: IO[bytes], texts: Texts) -> None:
    """Raise `ThriftError` if a page has more lengths of texts than values."""
    page = texts.header[_KINDS[texts.header["type"]]]
    stream.seek(texts.at)
    content = stream.read(texts.header["packed"])
    try:
        for values in _values(content, texts, page):
            at = _after_numbers(values, 0, page["n_values"])
            if page["encoding"] == _PREFIXES:
                _after_numbers(values, at, page["n_values"])
    except IndexError:
        raise CutShortError("a page is cut short") from None


def _values(content: bytes, texts: Texts, page: dict[str, Any]) -> list[memoryview]:
    """Return what comes after the depths, in each way in which pyarrow may take it."""
    if "n_levels" not in page:
        values = memoryview(content)
        if texts.codec != _PLAIN:
            (values,) = _unpacked(content, texts, 0, is_sure=True)
        for encoding in ("levels", "outer levels")[: texts.n_levels]:
            if page[encoding] != _RLE:
                raise ThriftError("a page has depths in an old form")
            values = values[4 + int.from_bytes(values[:4], "little") :]
        return [values] if len(values) else []
    start = page["n_levels"] + page["n_outer_levels"]
    if min(page["n_levels"], page["n_outer_levels"]) < 0 or start > len(content):
        raise ThriftError("a page can't hold what it says")
    rest = content[start:]
    if not rest:
        return []
    if texts.codec == _PLAIN:
        return [memoryview(rest)]
    if page.get("is_packed") is True:
        return _unpacked(rest, texts, start, is_sure=True)
    # pyarrow 2 packed pages and said that it had not.
    return [memoryview(rest), *_unpacked(rest, texts, start, is_sure=False)]


def _unpacked(content: bytes, texts: Texts, start: int, *, is_sure: bool) -> list[memoryview]:
    """Return unpacked bytes; none if they can't be unpacked, unless it `is_sure` that they are."""
    import pyarrow as pa

    if texts.codec not in _CODECS:
        raise ThriftError("it has texts packed in an old form")
    try:
        size = max(0, texts.header["unpacked"] - start)
        unpacked = pa.Codec(_CODECS[texts.codec]).decompress(content, size)
    except (pa.ArrowException, OSError, ValueError) as error:
        if is_sure:
            raise ThriftError(str(error)) from None
        return []
    return [memoryview(unpacked).cast("B")]


def _after_numbers(content: memoryview, at: int, most: int) -> int:
    """Return where delta-packed numbers end; raise if there are too many."""
    n_block, at = varint(content, at)
    n_parts, at = varint(content, at)
    n, at = varint(content, at)
    _, at = varint(content, at)
    if n > most or not n_parts or n_block % (32 * n_parts):
        raise ThriftError("a page has more texts than values")
    n -= 1  # the first number has just been there
    while n > 0:
        _, at = varint(content, at)
        for width in content[at : at + n_parts]:
            if n > 0:
                at += width * (n_block // n_parts) // 8
                n -= n_block // n_parts
        at += n_parts
        if at > len(content):
            raise IndexError
    return at
