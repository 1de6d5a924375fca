"""kind_of: the kind of a file or folder by its content, also if it is not data."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fastmlp.data.sniff import kind_of

IMAGES = np.zeros((3, 4, 5), np.uint8)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">{array.ndim + 1}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


def npy(array: np.ndarray) -> bytes:
    whole = io.BytesIO()
    np.save(whole, array)
    return whole.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    whole = io.BytesIO()
    np.savez_compressed(whole, **arrays)
    return whole.getvalue()


def zipped(**members: bytes) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return whole.getvalue()


def image(kind: str = "PNG") -> bytes:
    pillow = pytest.importorskip("PIL.Image")
    whole = io.BytesIO()
    pillow.new("RGB" if kind == "WEBP" else "L", (5, 4)).save(whole, kind)
    return whole.getvalue()


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def fault(path: Path) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (looked at below)
        kind_of(path)
    message = str(caught.value)
    assert type(caught.value) is ValueError
    assert "\n" not in message
    assert message.startswith(f"{path} ")
    assert ": " in message
    return message.removeprefix(f"{path} ")


TEXT = "label,pixel0,pixel1\n1,0,255\n"
FILES = [
    ("csv", TEXT.encode()),
    ("csv", b"1 2 3\n"),
    ("csv", b"P1\tP2\tP3\n1\t2\t3\n"),
    ("csv", b"version,html\n1,2\n"),
    ("csv", b"<,>\n1,2\n"),
    ("csv", b"1"),
    ("csv", TEXT.encode("utf-8-sig")),
    ("csv", TEXT.encode("utf-16")),
    ("csv", TEXT.encode("utf-16-le")),
    ("csv", TEXT.encode("utf-16-be")),
    ("csv", "größe;1\n2;3\n".encode("latin-1")),
    ("csv", zipped(**{"a.csv": TEXT.encode(), "__MACOSX/._a.csv": b"\0\1"})),
    ("idx", idx(IMAGES)),
    ("idx", idx(IMAGES[:, 0, 0])),
    ("idx", b"\0\0\x0c\x02" + bytes(8)),
    ("npy", npy(IMAGES)),
    ("npz", npz(x=IMAGES)),
    ("parquet", b"PAR1\x15\x04PAR1"),
    ("image", b"P2\n# by\n  # me\n5 4\n255\n"),
]


@pytest.mark.parametrize(("kind", "content"), FILES, ids=range(len(FILES)))
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress, bz2.compress])
@pytest.mark.parametrize("name", ["a", "a.csv", "a.npz", "a.png", "a.gz"])
def test_kinds(tmp_path: Path, kind: str, content: bytes, pack, name: str):
    path = put(tmp_path / name, pack(content))
    if pack is not bytes and content[:2] == b"PK":
        assert "is an archive inside an archive: unpack" in str(path) + " " + fault(path)
    else:
        assert kind_of(path) == kind


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_images(tmp_path: Path, form: str):
    assert kind_of(put(tmp_path / "a.csv", image(form))) == "image"


CODE = np.array([[1, 2], [3, 4]])
REFUSED = [
    (b"<!DOCTYPE html><html>", "is a web page, not the data: open it"),
    (b"\n  <HTML lang='en'>", "is a web page"),
    (b"<!-- saved -->\n<html>", "is a web page"),
    (b"<!-- saved --><!-- by\n me -->\n<html>", "is a web page"),
    (b'<?xml version="1.0"?>', "is an XML file: save the table as CSV"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7\n", "is a Git LFS pointer"),
    *(
        (pickle.dumps({"x": CODE}, protocol), "is a pickle, which can run any")
        for protocol in (2, 3, 4, 5)
    ),
    *(
        (pickle.dumps((CODE, CODE), protocol), "is a pickle, which can run any")
        for protocol in (0, 1)
    ),
    (b"%PDF-1.7\n%\xe2", "is a PDF: save the table as CSV"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50),
        "is an Excel workbook or Office document: save",
    ),
    (
        zipped(**{"[Content_Types].xml": b"<", "xl/workbook.xml": b"<"}),
        "is an Excel workbook: save",
    ),
    (zipped(**{"[Content_Types].xml": b"<", "word/a.xml": b"<"}), "is an Office document: save"),
    (zipped(**{"mimetype": b"", "content.xml": b"<"}), "is an OpenDocument file: save"),
    (
        zipped(**{"training/data.pkl": b"", "training/version": b""}),
        "is written by torch.save, a pickle",
    ),
    (b"MATLAB 5.0 MAT-file, Platform: PCWIN" + bytes(90), "is a MATLAB file: open it"),
    (b"\x89HDF\r\n\x1a\n" + bytes(50), "is an HDF5 file: open it"),
    (b"SQLite format 3\0" + bytes(50), "is an SQLite database: save"),
    (b"% MNIST\n%\n@RELATION mnist\n", "is an ARFF file: save"),
    (b"5 153:3 154:18\n0 128:51\n", "is a LIBSVM file: save"),
    (json.dumps([{"label": 1}]).encode(), "is a JSON file: save"),
    (struct.pack("<Q", 9) + b'{"a":{}}', "is a model's weights (safetensors), not data"),
    (b"", "is empty: give"),
    (b"\n \n", "is empty: give"),
    (gzip.compress(b""), "is empty: give"),
    (b"\x01\x02 no text", "is of a kind that is not read here: give"),
    (bytes(range(256)), "is of a kind that is not read here: give"),
    (b"\x28\xb5\x2f\xfd1234", "is packed with zstd, which is not read here: unpack it first"),
    (gzip.compress(npz(x=CODE)), "is an archive inside an archive: unpack"),
    (zipped(**{"a.csv.gz": gzip.compress(b"1,2\n")}), "is an archive inside an archive: unpack"),
    (gzip.compress(TEXT.encode())[:-12], "is damaged or cut short"),
    (zipped(a=b"1,2\n")[:-12], "is damaged or cut short"),
    (npz(x=CODE)[:-12], "is damaged or cut short"),
]


@pytest.mark.parametrize(("content", "named"), REFUSED, ids=range(len(REFUSED)))
def test_other_formats_are_named(tmp_path: Path, content: bytes, named: str):
    assert fault(put(tmp_path / "train.csv", content)).startswith(named)


PIECES = (
    b" %\n", b"%", b"% \n\n", b" ", b"\n", b"# ", b"#\n", b"#", b"<!--", b"<!---->", b"-->", b"<",
    b"1", b"1.", b"1:1 ", b" 1:1", b"1 ", b"a\n", b"[", b"{ ", b"cnumpy ", b"c",
)  # fmt: skip
STARTS = (b"", b"P1 ", b"P6 # ", b"<!--", b"% ", b"1 ", b"1:1 ", b"1 1:", b"cnumpy", b"[ ", b"MM")
HOSTILE = """
import sys
from pathlib import Path
from fastmlp.data.sniff import kind_or_none
for path in sorted(Path(sys.argv[1]).iterdir()):
    print(path.name, kind_or_none(path), flush=True)
"""


def test_no_text_takes_long(tmp_path: Path):
    for i, start in enumerate(STARTS):
        for j, piece in enumerate(PIECES):
            for k, end in enumerate((b"", b",", b"\nx,y\n1,2\n")):
                head = start + piece * (1000 // len(piece)) + end
                put(tmp_path / f"{i}-{j}-{k}", head)
    command = [sys.executable, "-c", HOSTILE, str(tmp_path)]  # one match can't be interrupted
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.count("\n") == len(STARTS) * len(PIECES) * 3


@pytest.mark.parametrize("content", [b"<html>", b"%PDF-", pickle.dumps(CODE, 2)])
def test_other_formats_are_named_inside_an_archive(tmp_path: Path, content: bytes):
    bare = fault(put(tmp_path / "a", content))
    assert fault(put(tmp_path / "a", gzip.compress(content))) == bare
    assert fault(put(tmp_path / "a", zipped(inner=content))) == bare


def test_nothing_there(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="does not exist: check"):
        kind_of(tmp_path / "no")


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("idx folder", {"train-images-idx3-ubyte": idx(IMAGES), "README.md": b"MNIST"}),
        ("idx folder", {"a-idx3-ubyte/a-idx3-ubyte": idx(IMAGES)}),
        ("idx folder", {"x.gz": gzip.compress(idx(IMAGES)), "train.csv": b"1,2\n"}),
        ("numpy folder", {"x.npy": npy(IMAGES), "y.npy": npy(CODE)}),
        ("numpy folder", {"kmnist-train-imgs.npz": npz(arr_0=IMAGES), "preview.png": b"?"}),
        ("image folder", {"0/a.png": b"?", "1/b.png": b"?"}),
        ("image folder", {"a.png": b"?"}),
        ("image folder", {"train/0/a.png": b"?", "test/0/a.png": b"?"}),
    ],
)
def test_folders(tmp_path: Path, kind: str, files: dict[str, bytes]):
    for name, content in files.items():
        put(tmp_path / name, image() if content == b"?" else content)
    put(tmp_path / ".DS_Store", b"\0\1")
    put(tmp_path / "Thumbs.db", b"\0\1")
    assert kind_of(tmp_path) == kind


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({}, "holds nothing, and nothing that is read from a folder: give a folder with IDX files"),
        ({".DS_Store": b"\0", "Thumbs.db": b"\0"}, "holds nothing, and"),
        ({"sub/sub/x": b"1"}, "holds sub/, and nothing that is read from a folder: give a folder"),
        ({"train.csv": b"1,2\n", "readme": b"a"}, "holds readme, train.csv, and"),
        ({"a.xlsx": zipped(**{"[Content_Types].xml": b"", "xl/a": b""})}, "holds a.xlsx, and"),
    ],
)
def test_a_folder_without_usable_files(tmp_path: Path, files: dict[str, bytes], named: str):
    for name, content in files.items():
        put(tmp_path / name, content)
    assert fault(tmp_path).startswith(named)


def test_the_remedy_works(tmp_path: Path):
    table = put(tmp_path / "a" / "train.csv", b"1,2\n")
    assert fault(tmp_path / "a").endswith(f"give the path of a file, such as {table}")
    assert kind_of(table) == "csv"
    put(tmp_path / "b" / "raw" / "x", idx(IMAGES))
    assert fault(tmp_path / "b").endswith(f"such as {tmp_path / 'b' / 'raw'}")
    assert kind_of(tmp_path / "b" / "raw") == "idx folder"
    put(tmp_path / "c" / "x.html", b"<html>")
    assert "x.html is a web page" in fault(tmp_path / "c")
    put(tmp_path / "d" / "x.gz", gzip.compress(b"1,2\n")[:-8])
    assert "x.gz is damaged or cut short" in fault(tmp_path / "d")
