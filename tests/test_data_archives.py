"""open_unpacked: every way of packing, recognised by its first bytes, valid or damaged."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fastmlp.data import load
from fastmlp.data.archives import first_bytes, open_unpacked, zip_members

CONTENT = np.random.RandomState(0).bytes(5000)


def zipped(content: bytes, name: str = "train.csv", extra: tuple[str, ...] = ()) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for other in extra:
            archive.writestr(other, "not this one")
        archive.writestr(name, content)
    return whole.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zip": zipped,
    "xz": lzma.compress,
    "bz2": bz2.compress,
}
packers = pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)


def put(folder: Path, content: bytes, name: str = "misnamed.gz") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def unpacked(path: Path) -> bytes:
    with open_unpacked(path) as stream:
        return stream.read()


def error_of(path: Path, kind: type[Exception] = ValueError) -> str:
    with pytest.raises(kind) as caught:
        unpacked(path)
    message = str(caught.value)
    assert type(caught.value) is kind
    assert "\n" not in message
    assert message.startswith(f"{path} ")
    assert ": " in message
    return message


@packers
@pytest.mark.parametrize("name", ["a.csv", "a.gz", "a.zip", "a"])
def test_packing_is_known_by_content(tmp_path: Path, pack: Callable[[bytes], bytes], name: str):
    path = put(tmp_path, pack(CONTENT), name)
    assert unpacked(path) == CONTENT
    assert first_bytes(path) == CONTENT[:1024]
    with open_unpacked(path) as stream:  # as NumPy and pandas need it
        stream.seek(4990)
        assert stream.read() == CONTENT[4990:]


@pytest.mark.parametrize("content", [CONTENT, b"", b"B", b"\x1f", b"BZhello,1\n", b"PK,label\n"])
@pytest.mark.parametrize("name", ["a.csv", "a.gz", "a.zip"])
def test_a_plain_file_stays_as_it_is(tmp_path: Path, content: bytes, name: str):
    assert unpacked(put(tmp_path, content, name)) == content


@packers
@pytest.mark.parametrize("content", [b"", b"x"])
def test_short_content(tmp_path: Path, pack: Callable[[bytes], bytes], content: bytes):
    assert unpacked(put(tmp_path, pack(content))) == content


@packers
def test_cut_short_anywhere(tmp_path: Path, pack: Callable[[bytes], bytes]):
    whole = pack(CONTENT)
    for kept in (12, 40, 100, len(whole) // 2, len(whole) - 1):
        message = error_of(put(tmp_path, whole[:kept]))
        assert message.endswith("is damaged or cut short: download or copy it again")


@packers
def test_any_byte_changed_gives_the_content_or_an_error(
    tmp_path: Path, pack: Callable[[bytes], bytes]
):
    whole = pack(b"1,2,3\n" * 10)
    for i in range(len(whole)):
        changed = bytearray(whole)
        changed[i] ^= 255
        path = put(tmp_path, bytes(changed))
        try:
            content = unpacked(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017 (no error is right too)
        else:  # a time stamp, a name, or no longer known as an archive
            assert content in (b"1,2,3\n" * 10, bytes(changed))


def test_errors_in_the_block_stay_what_they_are(tmp_path: Path):
    path = put(tmp_path, bz2.compress(CONTENT))
    for error in (FileNotFoundError("mine"), ValueError("mine"), KeyError("mine")):
        with pytest.raises(type(error), match="mine"), open_unpacked(path):
            raise error


def test_junk_of_macos_and_windows_is_ignored(tmp_path: Path):
    extra = ("__MACOSX/._train.csv", "data/__MACOSX/x", ".DS_Store", "a/.hidden", "Thumbs.db")
    path = put(tmp_path, zipped(CONTENT, "data/train-images", extra))
    assert unpacked(path) == CONTENT
    assert zip_members(path) == ["data/train-images"]


def test_a_readme_beside_one_table(tmp_path: Path):
    assert unpacked(put(tmp_path, zipped(CONTENT, "train.csv", ("README.txt",)))) == CONTENT


@pytest.mark.parametrize(
    ("name", "extra", "found"),
    [
        ("b.csv", ("a.csv",), "a.csv, b.csv"),
        ("b.idx", ("a.idx",), "a.idx, b.idx"),
        ("6", tuple("012345"), "0, 1, 2, 3, 4 and 2 more"),
        (".DS_Store", (), "none"),
    ],
)
def test_a_zip_of_not_one_file(tmp_path: Path, name: str, extra: tuple[str, ...], found: str):
    message = error_of(put(tmp_path, zipped(b"", name, extra)))
    assert message.endswith(
        f"should hold one file, and holds {found}: unpack it and give the file itself"
    )


def test_encrypted(tmp_path: Path):
    whole = bytearray(zipped(CONTENT))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        whole[whole.index(magic) + offset] |= 1
    assert "is encrypted: unpack" in error_of(put(tmp_path, bytes(whole)))


def test_a_way_of_packing_that_python_lacks(tmp_path: Path):
    whole = bytearray(zipped(CONTENT))
    for magic, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        whole[whole.index(magic) + offset] = 9  # Deflate64, which Windows writes
    assert "in a way that Python can't read: unpack" in error_of(put(tmp_path, bytes(whole)))


def tar() -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("train.csv"))
    return whole.getvalue()


@packers
@pytest.mark.parametrize(
    "inner",
    [*(pack(CONTENT) for pack in PACKERS.values()), tar(), b"\x28\xb5\x2f\xfd"],
    ids=[*PACKERS, "tar", "zstd"],  # gzip has the time in it, and processes have to agree on names
)
def test_an_archive_inside_an_archive(tmp_path: Path, pack: Callable[[bytes], bytes], inner: bytes):
    assert "is an archive inside an archive: unpack" in error_of(put(tmp_path, pack(inner)))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x28\xb5\x2f\xfd....", "zstd"),
        (b"7z\xbc\xaf\x27\x1c..", "7-Zip"),
        (b"Rar!\x1a\x07\x00..", "RAR"),
        (tar(), "tar"),
    ],
)
def test_formats_that_python_cannot_unpack_are_named(tmp_path: Path, content: bytes, kind: str):
    assert f"is packed with {kind}, which is not read here: unpack" in error_of(
        put(tmp_path, content)
    )


def test_no_file(tmp_path: Path):
    assert "does not exist: check" in error_of(tmp_path / "no", FileNotFoundError)
    assert "is a folder: give" in error_of(tmp_path, IsADirectoryError)


def test_damaged_bz2_within_a_zip_is_damaged(tmp_path: Path):
    array = io.BytesIO()
    np.save(array, np.zeros((3, 4)))
    for name, content in (("table.csv", b"label,a\n1,2\n"), ("x.npy", array.getvalue())):
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
            archive.writestr(name, content)
        whole = bytearray(path.read_bytes())
        whole[whole.index(b"1AY&SY") + 6] ^= 255  # the block's checksum
        path.write_bytes(whole)
        with pytest.raises(ValueError, match=r"a\.zip is damaged or cut short: download"):
            load(path)
