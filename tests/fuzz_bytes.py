"""Hostile files, and the ways to damage one at random, whatever it holds."""

from __future__ import annotations

import random
import re
import struct
from typing import Any, NamedTuple

BOMB = 20_000_000  # bytes
LONGEST = 600  # characters of a message, beside the path
SHARE = 0.02  # of bombs among the files of a format that has such
EXTREMES = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1,
            2**63, 2**64 - 1)  # fmt: skip
WORDS = (
    b"", b"-1", b"0", b"256", b"1e999", b"-1e-320", b"nan", b"inf", b"NA", b"9" * 400, b"1_0",
    b"0x10", b'"', b'""', b"'", b",", b";", b"\t", b"\n", b"\r", b"\r\n", b"\0", b"\x1a", b"#",
    b"label", b"y", b"id", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\x1b[31m",
    "\u202e".encode(), "\u0663".encode(), b"a" * 70_000, b"2020-02-30", b"True", b"," * 3000,
    b"\n" * 3000, b"=1+1", b"1,5", b"1.000,5", b"\x93NUMPY", b"PK\x03\x04", b"PAR1",
)  # fmt: skip


class Hostile(NamedTuple):
    """The files of a folder, by their paths in it, or one file, and the bytes that it unpacks to.

    `sound` is what a model's file was before, `options` are what data has to be read with, and
    `says` is in the error, where there has to be one.
    """

    content: bytes | dict[str, bytes]
    unpacked: int
    sound: Any = None
    options: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    says: str | None = None


def one(content: bytes, unpacked: int = 0) -> Hostile:
    return Hostile(content, max(unpacked, len(content)))


def flipped(content: bytes, rng: random.Random) -> bytes:
    """One to eight bits turned over."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(content: bytes, rng: random.Random) -> bytes:
    """The beginning, or the end."""
    at = rng.randrange(len(content))
    return content[:at] if rng.random() < 0.8 else content[at:]


def moved(content: bytes, rng: random.Random) -> bytes:
    """A part left out, repeated, or put elsewhere."""
    start = rng.randrange(len(content))
    end = min(len(content), start + rng.choice((1, 4, 16, 300)))
    part, rest = content[start:end], content[:start] + content[end:]
    at = rng.randrange(len(rest) + 1)
    return rng.choice((rest, content[:start] + part * 9 + content[start:],
                       rest[:at] + part + rest[at:]))  # fmt: skip


def overwritten(content: bytes, rng: random.Random) -> bytes:
    """Some bytes replaced by others, all alike or at random."""
    start, n = rng.randrange(len(content)), rng.choice((1, 2, 8, 64))
    other = rng.choice((bytes(n), b"\xff" * n, rng.randbytes(n)))
    return (content[:start] + other + content[start + n :])[: len(content)]


def forged(content: bytes, rng: random.Random) -> bytes:
    """An extreme number written somewhere, in the width and order of a length; often near an end.

    That is where headers and directories stand.
    """
    code = rng.choice(("B", "<H", ">H", "<I", ">I", "<Q", ">Q"))
    width = struct.calcsize(code)
    place = rng.randrange(min(len(content), rng.choice((32, 200, len(content)))))
    if rng.random() < 0.3:
        place = max(0, len(content) - 1 - place)
    number = rng.choice(EXTREMES) % 256**width
    return content[:place] + struct.pack(code, number) + content[place + width :]


def reworded(content: bytes, rng: random.Random) -> bytes:
    """A number or a separator of a text replaced by a word that is none."""
    for _ in range(rng.choice((1, 1, 3))):
        found = [*re.finditer(rb"[\w.+-]+|\W", content[:20_000])]
        if not found:
            return rng.choice(WORDS)
        start, end = rng.choice(found).span()
        content = content[:start] + rng.choice(WORDS) + content[end:]
    return content


WAYS = (flipped, cut, moved, overwritten, forged)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """A file damaged in one or two ways."""
    for _ in range(rng.choice((1, 1, 1, 2))):
        if content:
            content = rng.choice(WAYS)(content, rng)
    return content
