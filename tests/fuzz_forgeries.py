"""Files forged for one protection each, which damage at random hardly ever meets.

They are the first seeds' files of their format. What the error has to say is written beside them:
without the protection, some other one may refuse the file, later, and for another reason.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
from fuzz_bytes import Hostile, one
from fuzz_data import PACK, bomb, idx_header
from fuzz_images import chunk
from fuzz_models import sound_files
from fuzz_parquet import FORGERIES as PARQUET
from header_tools import changed, split
from safetensors.numpy import load, save

Arrays = dict[str, np.ndarray]
Forgery = Callable[[], Hostile]


# Arrays


def npy(kind: bytes, shape: bytes, says: str, n_bytes: int = 0) -> Forgery:
    """An array that its header says more of than there is."""

    def make() -> Hostile:
        header = b"{'descr': '%b', 'fortran_order': False, 'shape': %b, }\n" % (kind, shape)
        start = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header
        return one(start + bytes(n_bytes))._replace(says=says)

    return make


def long_header() -> Hostile:
    """As long as the file, which is large once it is unpacked, and need not be."""
    n = 150_000_000
    content = b"\x93NUMPY\2\0" + struct.pack("<I", n) + bytes(n)
    return Hostile(PACK["gzip"](content), 0, says="damaged or cut short")


# Packed files


def blank_lines(packing: str) -> Forgery:
    def make() -> Hostile:
        content = bomb(packing, b"label,a\n1,2\n", b"\n")
        says = "takes more than 1,000,000 bytes"
        return Hostile(content, len(content), options={"max_bytes": 10**6}, says=says)

    return make


def images_claimed(packing: str) -> Forgery:
    """As many as the limit allows, in a packed file, whose length nobody knows in advance."""

    def make() -> Hostile:
        content = idx_header(8, 2**20, 28, 28) + bytes(1000)
        return one(PACK[packing](content))._replace(says="has 1016 bytes instead of 822083600")

    return make


# Images


def png(width: int, height: int, bits: int, *more: bytes) -> bytes:
    """A grey one, black but for what `more` chunks do to it."""
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join((chunk(b"IHDR", header), *more, chunk(b"IEND", b"")))


def many_pixels() -> Hostile:
    """Eight to a byte in the file, and a byte or more each in memory."""
    width, height = 12_000, 7000
    rows = zlib.compress(bytes((width // 8 + 1) * height))
    content = png(width, height, 1, chunk(b"IDAT", rows))
    return one(content, width * height // 8)._replace(says=f"has {width}x{height} pixels")


def no_chunk() -> Hostile:
    """One without a name between two parts of the image: Pillow raises SyntaxError."""
    noise = np.random.RandomState(0)
    rows = zlib.compress(b"".join(b"\0" + noise.bytes(12) for _ in range(12)))
    parts = chunk(b"IDAT", rows[:20]), chunk(b"\1\2\3\4", b""), chunk(b"IDAT", rows[20:])
    return one(png(12, 12, 8, *parts))._replace(says="no image or a damaged one")


# Models


def arrays(kind: str, says: str, change: Callable[[Arrays], None], which: int = 0) -> Forgery:
    """A sound model's file but for some of its arrays."""

    def make() -> Hostile:
        sound = sound_files(kind)[which]
        found = load(sound.content)
        change(found)
        content = save({name: np.array(a, order="C") for name, a in found.items()},
                       split(sound.content)[1])  # fmt: skip
        return one(content)._replace(sound=sound, says=says)

    return make


def networks(kind: str) -> list[Forgery]:
    """Arrays that a network could compute something with, or would read beyond."""
    changes: tuple[Callable[[Arrays], object], ...] = (
        lambda a: a.update(w2=a["w2"][:, :1]),
        lambda a: a.update(w1=a["w1"][:2]),
        lambda a: a.update(b1=a["b1"][..., :1]),
        lambda a: a.update(b2=a["b2"].astype("f2")),
        lambda a: a.update(w9=a["w1"]),
        lambda a: a.pop("b2"),
    )
    says = ["do not fit its layer sizes"] * 4
    says += ["do not fit" if kind == "MLP" else "arrays for"] * 2
    forged = [arrays(kind, *pair) for pair in zip(says, changes, strict=True)]
    return [*forged, header_without_end(kind)]


def header_without_end(kind: str) -> Forgery:
    def make() -> Hostile:
        sound = sound_files(kind)[0]
        content = (99_000_000).to_bytes(8, "little") + sound.content[8:]
        return one(content)._replace(sound=sound, says="cut short")

    return make


def classes_beyond_integers() -> Hostile:
    """NumPy warns of a cast of them."""
    sound = sound_files("MLPClassifier")[0]
    content = changed(sound.content, "classes/type", "<f8")
    content = changed(content, "classes/values", [0.5, 1.0, 1e300])
    return one(content)._replace(sound=sound, says="Unknown label type")


def put(name: str, place: int | slice, value: float) -> Callable[[Arrays], None]:
    def change(found: Arrays) -> None:
        found[f"trees0_{name}"] = found[f"trees0_{name}"].copy()
        found[f"trees0_{name}"][place] = value

    return change


ONE = ("baseline", "classes")  # of a class alone


def trees(kind: str) -> list[Forgery]:
    """Arrays that make no trees, though some could be gone through."""
    changes: list[Callable[[Arrays], object]] = [
        put("feature", 0, -1), put("feature", 0, 10**6), put("left", 0, -1), put("left", 0, 10**6),
        put("right", 2, 0), put("roots", 0, -1), put("roots", 0, 10**6),
        put("threshold", 0, np.nan), put("value", 0, np.nan), put("value", 0, np.inf),
        put("baseline", 0, np.nan),
        lambda a: a.update(trees0_value=a["trees0_value"][:-1]),
        lambda a: a.update(trees0_roots=a["trees0_roots"][:, None]),
        lambda a: a.update(trees0_baseline=a["trees0_baseline"][:, None]),
        lambda a: a.update(trees0_left=a["trees0_left"].astype("i8")),
        lambda a: a.update(trees0_baseline=np.zeros(2)),
        lambda a: a.pop("trees0_baseline"),
    ]  # fmt: skip
    if kind == "TableClassifier":
        changes += [
            put("classes", 0, 1), put("classes", 0, -1), put("classes", 0, 3),
            lambda a: a.update(trees0_roots=a["trees0_roots"][:-1]),
            lambda a: a.update(trees0_classes=a["trees0_classes"][:2]),
            lambda a: a.update({f"trees0_{name}": a[f"trees0_{name}"][:1] for name in ONE}),
        ]  # fmt: skip
    else:
        changes += [lambda a: a.update(trees0_classes=np.arange(2, dtype="i4"))]
    return [arrays(kind, "trees do not fit together", change, which=1) for change in changes]


FORGERIES: dict[str, list[Forgery]] = {
    "npy": [
        npy(b"|u1", b"(20000000,16)", "damaged or cut short"),
        npy(b"|u1", b"(-1,4)", "damaged or cut short", 9),
        npy(b"|V0", b"(4,4)", "damaged or cut short", 9),
        npy(b"|O", b"(1,1)", "pickle", 8),
        long_header,
    ],
    "parquet": PARQUET,
    "image": [many_pixels, no_chunk],
    **{packing: [blank_lines(packing), images_claimed(packing)] for packing in PACK},
    **{kind: networks(kind) for kind in ("MLP", "MLPRegressor")},
    "MLPClassifier": [*networks("MLPClassifier"), classes_beyond_integers],
    **{kind: trees(kind) for kind in ("TableClassifier", "TableRegressor")},
}
