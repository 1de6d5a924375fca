"""Weights, biases and metadata in a .safetensors file: what both kinds of model files share.

The arrays are w1..wL and b1..bL, so any safetensors reader opens them, and nothing is unpickled: a
model file from a stranger can't run code. The metadata are strings; values other than strings are
written as JSON. Every file has ``format``, ``format_version``, and ``fastmlp_version``, the version
that wrote it. The same model gives the same bytes.

Files are read into memory, not mapped by the safetensors library: if another program overwrote a
mapped file in place, as ``cp`` and network shares do, a signal would end the process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple

from fastmlp.files import atomic_write
from fastmlp.json_text import parse
from fastmlp.parameters import Array, Parameters
from fastmlp.version import __version__
from fastmlp.words import listed, printable, shortened, shown

DTYPES = ("float32", "float64")
LONGEST_HEADER = 100_000_000  # bytes, the format's own limit
LONGEST_REASON = 300  # characters
# What code raises that uses metadata without having checked their types.
MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Format(NamedTuple):
    """A kind of model file."""

    name: str
    versions: tuple[str, ...]  # that are read; the last one is written
    noun: str  # what messages call a file of this kind
    otherwise: str  # what messages say of another file

    def write(
        self,
        path: str | os.PathLike[str],
        parameters: Parameters,
        metadata: Mapping[str, Any],
        more: Mapping[str, Array] | None = None,
    ) -> None:
        """Write parameters, `more` arrays by name, and metadata, whole or not at all.

        The arrays must be C-contiguous: safetensors writes an array's memory without regard to its
        strides, so one in Fortran order would be read wrongly.

        Raises
        ------
        ValueError
            If the metadata are longer than the format allows.
        OSError
            If the file can't be written.
        """
        tensors = {f"w{i}": w for i, w in enumerate(parameters.weights, start=1)}
        tensors |= {f"b{i}": b for i, b in enumerate(parameters.biases, start=1)}
        content = self.content(tensors | dict(more or {}), metadata)
        with atomic_write(path) as stream:
            stream.write(content)

    def content(self, tensors: Mapping[str, Array], metadata: Mapping[str, Any]) -> bytes:
        """Return what a file of these arrays and metadata holds.

        Raises
        ------
        ValueError
            As `write`.
        """
        from safetensors.numpy import save

        own = {
            "format": self.name,
            "format_version": self.versions[-1],
            "fastmlp_version": __version__,
        }
        text = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in (own | dict(metadata)).items()
        }
        if sum(map(len, text.values())) > LONGEST_HEADER // 2:  # escaped quotes take two bytes
            raise ValueError(
                f"names and figures take more than {LONGEST_HEADER // 2:,} characters: give "
                "shorter names, or fewer"
            )
        return _in_order(save(dict(tensors), metadata=text))

    def read(self, path: Path, writer: str) -> tuple[dict[str, str], dict[str, Array]]:
        """Return the metadata and the arrays, by name, of a file of this kind.

        Raises
        ------
        FileNotFoundError, OSError
            If there is no such file, or it can't be read. The message names the `writer`.
        ValueError
            If it is cut short, or of another kind or version.
        """
        if not path.is_file():
            raise FileNotFoundError(
                f"there is no {self.noun} {path}: give one that {writer} has written"
            )
        text, arrays = read_tensors(path)
        if text.get("format") != self.name:
            raise ValueError(f"{path} {self.otherwise}: give one that {writer} has written")
        if text.get("format_version") not in self.versions:
            raise ValueError(
                f"{path} has the format version {named(text, 'format_version')}, this fastmlp "
                f"reads {' and '.join(self.versions)}: install the fastmlp that wrote it "
                f"({named(text, 'fastmlp_version')})"
            )
        return text, arrays


def _in_order(content: bytes) -> bytes:
    """Return a .safetensors file with its metadata sorted: the library's order is random.

    The file is the header's length (uint64, little-endian), the header (JSON, padded with blanks to
    a multiple of 8 bytes), and the arrays, whose offsets are relative to the header's end.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Array]]:
    """Return the metadata and the arrays, by name.

    Raises
    ------
    OSError
        If the file can't be read.
    ValueError
        If it is cut short, or not a .safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        content, header = _read(path)
        arrays = load(content)
    except OSError as error:
        raise OSError(f"can't read {path}: {error}; give a file that you may read") from error
    # Also raised for arrays without elements, and for dtypes that NumPy does not have.
    except (SafetensorError, *MALFORMED) as error:
        raise ValueError(
            f"{path} is cut short or no .safetensors file ({reason(error)}): copy it anew, or "
            "train again"
        ) from error
    return header.get("__metadata__") or {}, arrays


def metadata_of(path: Path) -> dict[str, Any]:
    """Return the metadata alone; none of a file that does not begin with a header.

    Raises
    ------
    OSError
        If the file can't be read.
    ValueError
        If its header is damaged.
    """
    with path.open("rb") as file:
        _, text = _header(file)
    found = parse(text.decode()).get("__metadata__") if text else None
    return found if isinstance(found, dict) else {}


def _read(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Return the file's bytes and its header.

    If the file does not begin with a header, only its first bytes are returned, and an empty
    header. Raises ValueError, before the arrays are read, if its size is not what the header says.
    """
    with path.open("rb") as file:
        start, text = _header(file)
        if not text:
            return start, {}
        header = parse(text.decode())
        arrays = [entry for name, entry in header.items() if name != "__metadata__"]
        last = max((entry["data_offsets"][1] for entry in arrays), default=0)
        promised = 8 + int.from_bytes(start, "little") + last
        found = os.fstat(file.fileno()).st_size
        if promised != found:
            raise ValueError(f"it has {found} bytes, and its header says {promised}")
        return start + text + file.read(), header


def _header(file: IO[bytes]) -> tuple[bytes, bytes]:
    """Return a file's first bytes, which say how long its header is, and that, if there is one.

    Python makes room for all that it is asked to read, so it is asked for no more than there is.
    """
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if file.read(1) != b"{" or length > LONGEST_HEADER:
        return start, b""
    return start, b"{" + file.read(min(length, os.fstat(file.fileno()).st_size) - 1)


@contextmanager
def refusing_damage(what: str, kind: type[ValueError] = ValueError) -> Iterator[None]:
    """Turn what malformed values raise into an error that says that `what` is damaged."""
    try:
        yield
    except MALFORMED as error:
        raise kind(
            f"{what} damaged ({reason(error)}): copy the file anew, or train again"
        ) from error


def parameters_of(
    arrays: Mapping[str, Array], sizes: Sequence[int], dtype: str, *bias_shape: int
) -> Parameters:
    """Return the arrays of a file as parameters; a bias has the shape (*bias_shape, n_out).

    Raises
    ------
    ValueError
        If the arrays are not exactly those of layers of these sizes and this dtype.
    """
    promised: dict[str, tuple[int, ...]] = {}
    for i, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        promised[f"w{i}"] = (n_in, n_out)
        promised[f"b{i}"] = (*bias_shape, n_out)
    found = {name: array.shape for name, array in arrays.items()}
    kinds = {array.dtype.name for array in arrays.values()}
    if found != promised or kinds != {dtype} or dtype not in DTYPES:
        shapes = listed(f"{name} {list(shape)}" for name, shape in sorted(found.items()))
        raise ValueError(
            f"arrays ({shapes}; {listed(sorted(kinds))}) do not fit its layer sizes "
            f"{shown(sizes)} in {dtype}"
        )
    layers = range(1, len(sizes))
    return Parameters([arrays[f"w{i}"] for i in layers], [arrays[f"b{i}"] for i in layers])


def named(text: Mapping[str, str], key: str) -> str:
    """Return a value of the metadata for a message."""
    return shortened(printable(str(text.get(key))))


def reason(error: Exception) -> str:
    """Return the message of an error about untrusted values, as one short printable line."""
    text = f"no {error}" if isinstance(error, KeyError) else str(error)
    return shortened(printable(" ".join(text.split())), LONGEST_REASON)
