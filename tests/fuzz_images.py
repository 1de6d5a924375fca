"""Hostile images: damaged, or sound but for what they claim."""

from __future__ import annotations

import io
import random
import struct
import zlib

import numpy as np
from fuzz_bytes import BOMB, SHARE, Hostile, damaged, one, reworded
from PIL import Image
from table_tools import X


def picture(kind: str, mode: str, size: tuple[int, int] = (9, 12)) -> bytes:
    width, height = size
    n = {"RGB": 3, "RGBA": 4, "LA": 2}.get(mode, 1)
    shape = (height, width) if n == 1 else (height, width, n)
    pixels = np.resize(X, shape)
    image = Image.fromarray(pixels)
    stream = io.BytesIO()
    (image if n > 1 else image.convert(mode)).save(stream, kind)
    return stream.getvalue()


PICTURES = (("PNG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "1"), ("PNG", "LA"),
            ("JPEG", "RGB"), ("BMP", "P"), ("BMP", "RGB"), ("GIF", "P"), ("TIFF", "L"),
            ("TIFF", "F"), ("WEBP", "RGBA"), ("PPM", "L"), ("PPM", "1"))  # fmt: skip


def image(rng: random.Random) -> Hostile:
    kind, mode = rng.choice(PICTURES)
    if rng.random() < SHARE:
        return one(picture("PNG", "L", (BOMB // 5000, 5000)), BOMB)
    content = picture(kind, mode)
    if kind == "PNG" and rng.random() < 0.5:
        return one(with_chunk(content, rng))
    if kind == "PPM" and rng.random() < 0.5:
        return one(reworded(content, rng))
    return one(damaged(content, rng))


def with_chunk(png: bytes, rng: random.Random) -> bytes:
    """A PNG file with another first chunk, or one more, and the checksum that goes with it."""
    header = bytearray(png[16:29])
    more = b""
    if rng.random() < 0.6:
        wide = 0, 1, 9, 4096, 7000, 12_000, 70_000, 2**31 - 1, 2**32 - 1
        sizes = rng.choices(wide, k=2) if rng.random() < 0.5 else [rng.choice(wide)] * 2
        header[:8] = struct.pack(">II", *sizes)
        if rng.random() < 0.5:
            header[8 + rng.randrange(5)] = rng.randrange(17)
    else:
        name = rng.choice((b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"acTL", b"tRNS", b"gAMA", b"PLTE"))
        content = rng.choice((
            b"a\0\0" + zlib.compress(bytes(BOMB)), b"a\0\1\0\0\0" + zlib.compress(bytes(BOMB)),
            rng.randbytes(20), b"", b"MM\0*" + rng.randbytes(30), struct.pack(">II", 2**31, 0),
        ))  # fmt: skip
        more = chunk(name, content)
    return png[:8] + chunk(b"IHDR", bytes(header)) + more + png[33:]


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(
        ">I", zlib.crc32(name + content)
    )  # fmt: skip
