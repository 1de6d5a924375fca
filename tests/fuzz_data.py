"""Hostile files of every format that `fastmlp.data` reads.

A function that is called like a format makes one, or a folder of some.
"""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import random
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from fuzz_bytes import BOMB, EXTREMES, SHARE, Hostile, damaged, one, reworded
from fuzz_images import image, picture
from fuzz_parquet import parquet
from table_tools import WORDS, X, Y, frame
from tables_tools import mixed_table

# Text


@functools.cache
def tables() -> list[bytes]:
    mixed, y, _ = mixed_table(40)
    pixels = frame()
    frames = [
        (pixels, {}), (frame(WORDS[Y]), {}), (pixels, {"header": False}), (pixels, {"sep": "\t"}),
        (frame(x=X / 255), {"sep": ";", "decimal": ","}), (frame(x=X / 255 - 1), {}),
        (mixed.assign(y=y), {}), (mixed.assign(y=y), {"sep": ";", "quoting": 1}),
        (pixels.rename_axis("id").reset_index(), {}), (pixels, {"index": True}),
        (frame(x=X[:, :3] % 5), {"sep": " "}),
    ]  # fmt: skip
    texts = [table.to_csv(**{"index": False} | options) for table, options in frames]
    return [
        *(text.encode() for text in texts), texts[0].encode("utf-16"), texts[1].encode("latin-1"),
        texts[0].encode("utf-16-be"), b"# a comment\n" + texts[0].encode(),
    ]  # fmt: skip


def csv(rng: random.Random) -> Hostile:
    content = rng.choice(tables())
    return one(damaged(content, rng) if rng.random() < 0.4 else reworded(content, rng))


# Packed files

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda content: gzip.compress(content, mtime=0), "bz2": bz2.compress,
    "xz": lzma.compress, "zip": lambda content: zipped({"a.csv": content}),
    "bz2 in zip": lambda content: zipped({"a.csv": content}, zipfile.ZIP_BZIP2),
}  # fmt: skip


@functools.cache
def bomb(packing: str, start: bytes, row: bytes) -> bytes:
    return PACK[packing](start + row * (BOMB // len(row)))


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return stream.getvalue()


def packed(packing: str) -> Callable[[random.Random], Hostile]:
    """Hostile files inside of sound archives, and the reverse; and bombs."""

    def make(rng: random.Random) -> Hostile:
        pack = PACK[packing]
        if rng.random() < SHARE:
            start = rng.choice((b"label,a\n1,2\n", idx_header(8, BOMB, 1), b""))
            row = rng.choice((b"\0", b"0,1\n", b"\n", b"label,a\n1,2\n", b'"', b"7"))
            content = bomb(packing, start, row)
            if rng.random() < 0.5:
                return Hostile(content, len(content), options={"max_bytes": 10**6})
            # As numbers in memory, cells of one digit are four times as large as in a file.
            return Hostile(content, 4 * BOMB)
        inside = rng.choice((csv, idx, npy, parquet, image, packed(rng.choice(list(PACK)))))
        whole = inside(rng)
        content = whole.content
        assert isinstance(content, bytes)
        if rng.random() < 0.4:
            return one(pack(content), max(whole.unpacked, len(content)))
        content = rng.choice(tables())
        archive = pack(content)
        if packing == "xz" and rng.random() < 0.2:
            # Up to 96 MiB are allowed always: xz -9 asks for 64.
            return one(with_dictionary(archive, rng.randrange(41)), 32 * 2**20)
        if rng.random() < 0.1:
            archive = archive * 2 + rng.randbytes(20)
        return one(damaged(archive, rng), 2 * len(content))

    return make


def with_dictionary(whole: bytes, size: int) -> bytes:
    """An .xz file that asks for other memory, up to 4 GiB, with the checksum that goes with it."""
    n = (whole[12] + 1) * 4
    block = bytearray(whole[12 : 12 + n])
    block[block.index(b"\x21\x01") + 2] = size
    block[-4:] = struct.pack("<I", zlib.crc32(block[:-4]))
    return whole[:12] + bytes(block) + whole[12 + n :]


# Arrays


def idx_header(kind: int, *shape: int) -> bytes:
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


def idx(rng: random.Random) -> Hostile:
    content = idx_header(8, 40, 4, 4) + X.tobytes()
    if rng.random() < 0.2:
        content = idx_header(13, 40, 16) + (X / 255).astype(">f4").tobytes()
    if rng.random() < 0.3:
        n = rng.choice((1, 2, 3, 4))
        header = idx_header(rng.choice((8, 9, 11, 12, 13, 14)), *(
            rng.choice((1, 4, 40, 2**31, *EXTREMES)) % 2**32 for _ in range(n)))  # fmt: skip
        return one(header + content[16:])
    return one(damaged(content, rng))


def npy_bytes(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def arrays() -> list[np.ndarray]:
    structure = np.zeros(40, [("a", "f4"), ("b", "i8")])
    floats = X / 255.0
    return [
        X, np.asfortranarray(X), floats, floats.astype(">f4"), X.reshape(40, 4, 4), X[:, :0],
        np.array([None, "a"], object), np.full((40, 3), "a"), structure, X[0, 0], X > 9,
        X.astype("c8"), floats.astype("f2"), np.full((9, 9), np.nan), X.astype("M8[s]"),
        floats.astype("longdouble"), np.full((9, 4), 1e-310), np.full((9, 4), 2**63, "u8"),
    ]  # fmt: skip


def npy(rng: random.Random) -> Hostile:
    return one(npy_content(rng))


def npy_content(rng: random.Random) -> bytes:
    content = npy_bytes(rng.choice(arrays()))
    if rng.random() < 0.5:
        return damaged(content, rng)
    end = 10 + int.from_bytes(content[8:10], "little")
    header, way = content[10:end], rng.random()
    if way < 0.6:  # other words in the header
        shape = rng.choice((b"(40,16)", b"(10000000000,16)", b"(20000000,16)", b"(-1,16)", b"(0,)",
                            b"(2**70,)", b"()", b"(40,16,)", b"(4,)*99", b"(True,16)",
                            b"(4.0,16)"))  # fmt: skip
        kind = rng.choice((b"|u1", b"O", b"<f8", b">i2", b"V0", b"U0", b"<U1000000000", b"|S16",
                           b"M8[ns]", b"nonsense", b"f8, (9999999,)f8", b"m8", b"c16"))  # fmt: skip
        header = b"{'descr': '%b', 'fortran_order': %b, 'shape': %b, }" % (
            kind, rng.choice((b"True", b"False", b"0", b"None")), shape)  # fmt: skip
    elif way < 0.8:
        header = reworded(header, rng)
    else:
        header = rng.choice((b"(" * 5000, b"{" * 300, b"-" * 9000, b"[" * 200, b"'" * 9999))
    header += b"\n"
    version = rng.choice((1, 1, 1, 2, 3, 0, 4))
    length = struct.pack("<H", min(len(header), 2**16 - 1))
    length += b"\0\0" * (version > 1)
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + content[end:]


def npz(rng: random.Random) -> Hostile:
    pairs = [("x", "y"), ("x_train", "y_train"), ("images", "labels"), ("arr_0", "arr_1")]
    x_name, y_name = rng.choice(pairs)
    if rng.random() < SHARE:
        members = {"x.npy": npy_bytes(np.zeros((BOMB // 16, 16), np.uint8))}
        return one(zipped(members), BOMB)
    x, y = npy_bytes(rng.choice((X, X / 255.0))), npy_bytes(rng.choice((Y, WORDS[Y], Y[:9])))
    if rng.random() < 0.5:
        x = npy_content(rng)
    elif rng.random() < 0.3:
        y = npy_content(rng)
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    members = {f"{x_name}.npy": x, f"{y_name}.npy": y}
    if rng.random() < 0.2:
        members[rng.choice(("../z.npy", "\x1b.npy", "y_test.npy", "z" * 9000))] = y
    content = zipped(members, method)
    content = damaged(content, rng) if rng.random() < 0.6 else content
    return one(content, 2 * len(x) + 2 * len(y))


# Folders


def folder(rng: random.Random) -> Hostile:
    """One of its files is hostile, and they don't always belong together."""
    labels = idx_header(8, 40) + Y.astype("u1").tobytes()
    digits = {f"{i % 3}/{i}.png": picture("PNG", "L") for i in range(6)}
    files, make = rng.choice((
        ({"train-images-idx3-ubyte": b"", "train-labels-idx1-ubyte": labels}, idx),
        ({"x_train.npy": b"", "y_train.npy": npy_bytes(Y)}, npy),
        ({"a.npz": b"", "t10k-labels.npy": npy_bytes(Y)}, npz),
        (digits | {"1/1.png": b""}, image), (digits | {"9.gif": b""}, image),
    ))  # fmt: skip
    hostile = make(rng)
    assert isinstance(hostile.content, bytes)
    name = next(name for name, content in files.items() if not content)
    files = files | {name: hostile.content}
    if rng.random() < 0.2:
        del files[rng.choice(list(files))]
    if rng.random() < 0.2:
        name = rng.choice(("train", "2", "\x1b[31m", "\udcff", "Thumbs.db", "labels.csv", "a.gz"))
        files = {f"{name}/{path}": content for path, content in files.items()}
    return Hostile(files, hostile.unpacked)
