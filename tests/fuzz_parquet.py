"""Hostile parquet files: damaged at random, with other numbers in their metadata, and forged."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from fuzz_bytes import BOMB, EXTREMES, SHARE, Hostile, cut, damaged, flipped, one
from fuzz_images import picture
from table_tools import WORDS, Y, frame
from tables_tools import mixed_table
from thrift_tools import (
    Struct,
    columns_of,
    decoded,
    encoded,
    footer_of,
    numbers,
    pages_of,
    varint,
    with_footer,
    with_page,
)

CODECS = ("none", "snappy", "gzip", "zstd", "brotli", "lz4")


def written(columns: Any, **options: Any) -> bytes:
    """A sound file of a table, or of columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(pa.table(columns) if isinstance(columns, dict) else columns, stream, **options)
    return stream.getvalue()


def parquet(rng: random.Random) -> Hostile:
    import pyarrow as pa

    if rng.random() < SHARE:
        zeros = pa.array(np.zeros(BOMB // 16))
        return one(written({"label": zeros, "a": zeros}), BOMB)
    mixed, y, _ = mixed_table(40)
    table = rng.choice((
        pa.Table.from_pandas(frame()), pa.Table.from_pandas(frame(WORDS[Y])),
        pa.Table.from_pandas(mixed.assign(y=y)),
        pa.table({"image": [picture("PNG", "L")] * 9, "label": list(range(9))}),
        pa.table({"x": [[1, 2], [3]] * 20, "y": Y}), pa.table({"x": [{"a": 1}] * 40, "y": Y}),
        pa.table({"x": pa.array([1.5, None] * 20), "label": pa.array(Y).cast("int8")}),
    ))  # fmt: skip
    content = written(
        table, compression=rng.choice(CODECS), data_page_version=rng.choice(("1.0", "2.0")),
        use_dictionary=rng.random() < 0.5, row_group_size=rng.choice((7, 100)),
    )  # fmt: skip
    way = rng.random()
    if way < 0.4:
        content = renumbered(content, rng)
    elif way < 0.7:  # the footer, which says where everything is, and how much
        n_footer = int.from_bytes(content[-8:-4], "little")
        footer = content[-8 - n_footer : -8]
        content = with_footer(content, rng.choice((flipped, damaged, cut))(footer, rng))
    else:
        content = damaged(content, rng)
    return one(content, table.nbytes)


def renumbered(content: bytes, rng: random.Random) -> bytes:
    """Other numbers in the header of a page, in the footer, or in both."""
    where = rng.choice(("page", "footer", "both"))
    if where != "footer":
        at = rng.choice(pages_of(content))
        header, _ = decoded(content, at)
        change_a_number(header, rng)
        content = with_page(content, at, header)
    if where != "page":
        found = footer_of(content)
        for _ in range(rng.choice((1, 1, 2, 5))):
            change_a_number(found, rng)
        content = with_footer(content, found)
    return content


def change_a_number(struct: Struct, rng: random.Random) -> None:
    where, i = rng.choice([*numbers(struct)])
    kind, old = where[i] if isinstance(where, dict) else (6, where[i])
    n_bits = 16 * 2 ** (kind - 4)
    new = rng.choice((rng.choice(EXTREMES), 2**27, 2**29, old + rng.choice((-1, 1)), old * 2))
    new = (new + 2 ** (n_bits - 1)) % 2**n_bits - 2 ** (n_bits - 1)
    where[i] = (kind, new) if isinstance(where, dict) else new


# Forged for one protection each

Forgery = Callable[[], Hostile]


def footer(change: Callable[[Struct], object], says: str | None) -> Forgery:
    """A small sound file with another footer."""

    def make() -> Hostile:
        content = written({"label": Y, "a": Y / 2})
        changed = footer_of(content)
        change(changed)
        return one(with_footer(content, changed))._replace(says=says)

    return make


def column(change: Callable[[Struct], object], says: str | None) -> Forgery:
    """The same with other words about its first column."""
    return footer(lambda found: change(columns_of(found)[0]), says)


def page(says: str, codec: str = "zstd", which: int = 0, **changes: int) -> Forgery:
    """One with other numbers in the header of a page: of a dictionary first, then of values."""
    fields = {"unpacked": (2,), "packed": (3,), "values": (5, 1), "words": (7, 1)}

    def make() -> Hostile:
        content = written({"label": Y, "a": Y}, compression=codec)
        at = pages_of(content)[0]
        for _ in range(which):
            header, at = decoded(content, at)
            at += header[3][1]
        header, _ = decoded(content, at)
        for name, number in changes.items():
            *outer, last = fields[name]
            found = header[outer[0]][1] if outer else header
            found[last] = 5, number
        return one(with_page(content, at, header))._replace(says=says)

    return make


def chunks(found: Struct) -> list[Struct]:
    """What holds the first row group's columns."""
    return found[4][1][1][0][1][1][1]  # type: ignore[no-any-return]


def nested(found: Struct) -> None:
    """A thousand groups of columns, one in the other."""
    root, *columns = found[2][1][1]
    group = {3: (5, 1), 4: (8, b"g"), 5: (5, 1)}
    found[2] = 9, (12, [root, *[group] * 1000, *columns])


def without(field: int) -> Callable[[Struct], object]:
    return lambda found: found.pop(field)


def put(field: int, kind: int, value: Any) -> Callable[[Struct], None]:
    def change(found: Struct) -> None:
        found[field] = kind, value

    return change


def raw_footer(content: bytes, says: str) -> Forgery:
    return lambda: one(with_footer(written({"a": [1]}), content))._replace(says=says)


def unpacks_to_more() -> Hostile:
    """One long text, of which the footer does not know."""
    content = written({"label": [1], "a": ["a" * 10**6]}, compression="zstd", use_dictionary=False)
    found = footer_of(content)
    for group in found[4][1][1]:
        group[2] = 6, 40
    for metadata in columns_of(found):
        metadata[6] = 6, 40
    says = "takes more than 100,000 bytes"
    return Hostile(with_footer(content, found), 0, options={"max_bytes": 10**5}, says=says)


def many_lengths(encoding: str, codec: str, version: str, at_values: int = 0) -> Forgery:
    """A page that says in twenty bytes that it has 2**27 texts without a letter."""

    def make() -> Hostile:
        import pyarrow as pa

        words = [chr(65 + i) * 50 for i in range(40)]
        content = written({"label": Y, "a": words}, compression=codec, use_dictionary=False,
                          column_encoding={"label": "PLAIN", "a": encoding},
                          data_page_version=version)  # fmt: skip
        found = footer_of(content)
        _, metadata = columns_of(found)
        header, at = decoded(content, metadata[9][1])
        body = content[at : at + header[3][1]]
        n_levels = header[8][1][5][1] if version == "2.0" else 0
        levels, values = body[:n_levels], body[n_levels:]
        if codec != "none":
            packing = pa.Codec(codec)
            values = packing.decompress(values, header[2][1] - n_levels).to_pybytes()
        n_before = at_values
        if version == "1.0":
            n_before += 4 + int.from_bytes(values[:4], "little")
        values = values[:n_before] + varint(2**31) + b"\1" + varint(2**27) + bytes(3)
        header[2] = 5, n_levels + len(values)
        if codec != "none":
            values = packing.compress(values).to_pybytes()
        header[3] = 5, n_levels + len(values)
        start = content[: metadata[9][1]] + encoded(header) + levels + values
        metadata[7] = 6, len(start) - metadata[9][1]
        says = "a page has more texts than values"
        return one(with_footer(start + bytes(4) + b"PAR1", found))._replace(says=says)

    return make


def no_words() -> Hostile:
    """A dictionary without words, to which the rows refer."""
    content = written({"a": WORDS[Y].tolist(), "label": Y}, compression="none")
    at = pages_of(content)[0]
    header, _ = decoded(content, at)
    header[7][1][1] = 5, 0
    return one(with_page(content, at, header))._replace(says="is damaged")


def long_list() -> Hostile:
    """One row with thirty million items, which take no room in a file."""
    import pyarrow as pa

    n = 30_000_000
    items = pa.ListArray.from_arrays(pa.array([0, n], "int32"), pa.nulls(n, "double"))
    content = written({"x": items, "label": [1]}, data_page_size=2**30)
    return Hostile(content, 0, says="column 'x' holds list<")


def overlapping(found: Struct) -> None:
    """A thousand columns that are all one."""
    (group,) = found[4][1][1]
    root, first, _ = found[2][1][1]
    found[2] = 9, (12, [root | {5: (5, 1000)}, *[first] * 1000])
    group[1] = 9, (12, [group[1][1][1][0]] * 1000)


MANY = b"\xfc" + varint(900_000)  # as many structs in a list
FORGERIES: list[Forgery] = [
    # What pyarrow ends the process at, or some version of it.
    column(put(16, 12, {3: (9, (6, [1, 2, 3, 4, 5]))}), None),
    footer(lambda f: chunks(f).pop(), "it has other columns than it says"),
    footer(lambda f: put(8, 12, {1: (12, {})})(chunks(f)[0]), "has encrypted columns: save"),
    footer(lambda f: put(8, 12, {2: (12, {})})(chunks(f)[0]), "has encrypted columns: save"),
    footer(nested, "its columns are nested too deep"),
    # What it makes room for.
    raw_footer(b"\x15\x02\x19" + MANY, "the metadata are cut short"),
    raw_footer(b"\x15\x02\x39" + MANY, "the metadata are cut short"),
    raw_footer(b"\x15\x02\x58" + varint(2**31 - 1), "the metadata are cut short"),
    raw_footer(b"\x15\x02\xdc" + b"\x1c" * 10_000, "the metadata are nested deeper than 32"),
    raw_footer(b"\x16" + b"\xff" * 11, "the metadata have a number without an end"),
    page("a page can't hold what it says", unpacked=2**31 - 1),
    page("a page can't hold what it says", codec="gzip", which=1, unpacked=2**29),
    page("a page can't hold what it says", codec="snappy", unpacked=2**20),
    page("a page can't hold what it says", codec="lz4", which=1, unpacked=2**20),
    page("takes more than", codec="brotli", which=1, unpacked=2**31 - 1),
    page("a dictionary can't hold what it says", words=2**31 - 1),
    page("a column has more values than it says", which=1, values=2**31 - 1),
    page("a column has more values than it says", which=1, values=41),
    page("a page can't hold what it says", which=1, values=-1),
    page("a page is outside of the file", which=1, packed=2**31 - 1),
    page("a page is outside of the file", which=1, packed=-1),
    unpacks_to_more,
    long_list,
    no_words,
    many_lengths("DELTA_LENGTH_BYTE_ARRAY", "none", "1.0"),
    many_lengths("DELTA_LENGTH_BYTE_ARRAY", "snappy", "2.0"),
    many_lengths("DELTA_LENGTH_BYTE_ARRAY", "zstd", "1.0"),
    many_lengths("DELTA_BYTE_ARRAY", "none", "2.0"),
    many_lengths("DELTA_BYTE_ARRAY", "gzip", "2.0", 10),
    many_lengths("DELTA_BYTE_ARRAY", "brotli", "1.0", 10),
    footer(overlapping, "its columns overlap"),
    # What other readers may understand in another way.
    column(put(2, 9, (3, [b"\0"])), "a field of another kind than it should be"),
    column(put(5, 5, 40), "a field of another kind than it should be"),
    footer(without(3), "the metadata have no 'n_rows'"),
    column(without(9), "the metadata have no 'data_at'"),
    column(put(5, 6, -1), "it has fewer rows than none"),
    column(put(7, 6, -1), "a column is outside of the file"),
    column(lambda c: c.update({9: (6, 2**40), 11: (6, 2**40)}), "a column is outside of the file"),
    footer(put(3, 6, 2**40), "takes more than"),
    column(put(5, 6, 2**40), "takes more than"),
    footer(lambda f: f[2][1][1].append(f[2][1][1][1]), "its columns are no tree"),
]  # fmt: skip
