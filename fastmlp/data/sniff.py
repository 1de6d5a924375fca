"""Tell the kind of a file or a folder by its content, not by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from fastmlp.data.archives import HEAD, check_is_file, first_bytes, is_junk, is_zip, zip_members
from fastmlp.words import listed

WANTED = "a CSV file, IDX files, .npz or .npy, .parquet, or images"

# The patterns below are matched with hostile text. Repeats are possessive (``*+``), so there is no
# backtracking: matching takes one pass over the head, whatever it holds.
_KINDS = (
    ("npy", rb"\x93NUMPY"),
    ("parquet", rb"PAR1"),
    ("idx", rb"\0\0[\x08\x09\x0b-\x0e][\x01-\x04]"),
    (
        "image",
        rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|BM....\0\0\0\0|RIFF....WEBP|II\*\0|MM\0\*"
        rb"|P[1-6]\s(\s|#[^\n]*+\n)*+\d++\s++\d++\s",
    ),
)

_PICKLE = (
    "a pickle, which can run any code when it is opened: open it in a program of yours if you "
    "trust it, and save the arrays with np.savez(path, X=..., y=...)"
)
_SAVE_AS_CSV = ": save the table as CSV"
_SAVE_AS_NPZ = ": save the arrays with np.savez(path, X=..., y=...)"
_REFUSED = (
    (
        rb"(?i)(\s|<!--(?>.*?-->))*+<(!doctype html|html|head|body)\b",
        "a web page, not the data: open it in a browser and download the file that it leads to",
    ),
    (rb"\s*+<(\?xml|svg)", f"an XML file{_SAVE_AS_CSV}"),
    (
        rb"version https://git-lfs\.github\.com/",
        "a Git LFS pointer, not the data: fetch the file with git lfs pull",
    ),
    (
        rb"\x80[\x02-\x05]|.{0,8}c(numpy|copy_reg|__builtin__|builtins|torch|_codecs|pandas)\b"
        rb"[^,\n]*+\n",
        _PICKLE,
    ),
    (rb"%PDF-", f"a PDF{_SAVE_AS_CSV}"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", f"an Excel workbook or Office document{_SAVE_AS_CSV}"),
    (
        rb"MATLAB [57]\.\d MAT-file",
        f"a MATLAB file: open it with SciPy or h5py, then{_SAVE_AS_NPZ[1:]}",
    ),
    (rb"\x89HDF\r\n\x1a\n", f"an HDF5 file: open it with h5py, then{_SAVE_AS_NPZ[1:]}"),
    (rb"SQLite format 3\0", f"an SQLite database{_SAVE_AS_CSV}"),
    (rb"PARE", "an encrypted parquet file: save it without encryption"),
    (rb"ARROW1\0\0", "a Feather file: save it as .parquet or CSV"),
    (rb"(?i)(\s|%[^\n]*+\n)*+@relation\s", f"an ARFF file{_SAVE_AS_CSV}"),
    (rb"-?\d++(\.\d*+)?( ++\d++:\S++)++[^\S\r\n]*+[\r\n]", f"a LIBSVM file{_SAVE_AS_CSV}"),
    (rb'.{8}\{"', "a model's weights (safetensors), not data: give the file of images"),
    (rb"\s*+[\[{]\s*+[\[{\"]", f"a JSON file{_SAVE_AS_CSV}"),
)


_TABLE = re.compile(r"\.(csv|tsv|parquet|zip|gz|xz|bz2|data?)\b")


def kind_of(path: Path) -> str:
    """Return the kind of a file or folder, by its content.

    Parameters
    ----------
    path : Path
        A file, packed as `fastmlp.data.archives.open_unpacked` takes it or not, or a folder.

    Returns
    -------
    str
        'csv', 'idx', 'npz', 'npy', 'parquet', 'image', 'image folder', 'idx folder' or
        'numpy folder'. 'csv' is any text that is nothing else.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    ValueError
        If it is something else, or damaged; the message says what it is and what to do.
    """
    if path.is_dir():
        return _kind_of_folder(path)
    check_is_file(path)
    kind, fault = _classify(path)
    if fault:
        raise ValueError(f"{path} is {fault}")
    return kind


def kind_or_none(path: Path) -> str | None:
    """Return a file's kind, or None for one that is of no kind or can't be unpacked."""
    try:
        return _classify(path)[0] or None
    except ValueError:
        return None


def unlike_its_name(path: Path, otherwise: str) -> ValueError:
    """Return the error for a file that is not what its name promises.

    It says what the file is if that is known, such as the web page of a download that failed;
    `otherwise` is the message if not.
    """
    try:
        fault = _known_fault(first_bytes(path))
    except ValueError:
        fault = ""
    return ValueError(f"{path} is {fault}" if fault else otherwise)


def is_image(head: bytes) -> bool:
    """Say whether a file that starts with `head` is an image."""
    return _classify_head(head[:HEAD])[0] == "image"


def visible(folder: Path) -> Iterator[Path]:
    """Yield a folder's files and folders sorted by name, without hidden files and junk."""
    return (path for path in sorted(folder.iterdir()) if not is_junk(path.name))


def has_images(folder: Path) -> bool:
    """Say whether one of a folder's files is an image."""
    return any(path.is_file() and kind_or_none(path) == "image" for path in visible(folder))


def contents(folder: Path) -> str:
    """Return what a folder holds, shortened for messages."""
    names = [f"{path.name}/" if path.is_dir() else path.name for path in visible(folder)]
    return listed(names) if names else "nothing"


def _classify(path: Path) -> tuple[str, str]:
    """Return a file's kind and "", or "" and what is wrong, with a remedy."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if is_zip(head):
        names = [PurePosixPath(name) for name in zip_members(path)]
        if names and all(name.suffix.lower() == ".npy" for name in names):
            return "npz", ""
        if any(name.name == "[Content_Types].xml" for name in names):
            excel = any(name.parts[0] == "xl" for name in names)
            return "", ("an Excel workbook" if excel else "an Office document") + _SAVE_AS_CSV
        if any(name.name == "mimetype" for name in names):
            return "", f"an OpenDocument file{_SAVE_AS_CSV}"
        if any(name.name == "data.pkl" for name in names):
            return "", f"written by torch.save, {_PICKLE}"
        if any(name.name == "model.weights.h5" for name in names):
            return "", "a Keras model, not data: give the file of images"
    return _classify_head(first_bytes(path))


def _classify_head(head: bytes) -> tuple[str, str]:
    if not head.strip():
        return "", f"empty: give a file with rows ({WANTED})"
    for kind, start in _KINDS:
        if re.match(start, head, re.DOTALL):
            return kind, ""
    if fault := _known_fault(head):
        return "", fault
    if not _is_text(head):
        return "", f"of a kind that is not read here: give {WANTED}"
    return "csv", ""


def _known_fault(head: bytes) -> str:
    return next((fault for start, fault in _REFUSED if re.match(start, head, re.DOTALL)), "")


def _is_text(head: bytes) -> bool:
    """Say whether these bytes are text, in UTF-8, UTF-16 or an 8-bit code."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if b"\0" in head:  # UTF-16 without a mark has a zero at every other byte
        return not any(head[::2]) or not any(head[1::2])
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1a" for byte in head)
    return control == 0


def _kind_of_folder(folder: Path) -> str:
    """Return the kind that the folder's files have: IDX before NumPy's before images.

    A file may lie in a folder of its own name, as in a well-known copy of MNIST.
    """
    files = [path for path in visible(folder) if path.is_file()]
    folders = [path for path in visible(folder) if path.is_dir()]
    own = [path / path.name for path in folders if (path / path.name).is_file()]
    kinds = {path: kind_or_none(path) for path in files + own}
    found = set(kinds.values())
    if "idx" in found:
        return "idx folder"
    if found & {"npz", "npy"}:
        return "numpy folder"
    if "image" in found or any(map(has_images, folders)):
        return "image folder"
    for inner in folders:  # train/ and test/, say, around the classes' folders
        if any(path.is_dir() and has_images(path) for path in visible(inner)):
            return "image folder"
    raise ValueError(
        f"{folder} holds {contents(folder)}, and nothing that is read from a folder: "
        f"{_remedy(kinds, folders)}"
    )


def _remedy(kinds: dict[Path, str | None], folders: list[Path]) -> str:
    """Return the remedy for a folder without usable files."""
    for path, kind in kinds.items():
        if kind in ("csv", "parquet") and _TABLE.search(path.name.lower()):
            return f"give the path of a file, such as {path}"
    for path, kind in kinds.items():
        if kind is None:
            try:
                return f"{path.name} is {_classify(path)[1]}"
            except ValueError as error:
                return str(error)
    for inner in folders:
        if any(path.is_file() and kind_or_none(path) for path in visible(inner)):
            return f"give the folder with the files, such as {inner}"
    return (
        "give a folder with IDX files (images and labels), .npz or .npy files, or one folder of "
        "images for each class"
    )
