"""Arrays and texts in a .safetensors file: written in one order, read and not mapped.

The library would map a file that it reads. Where another program then overwrites it in place, as
``cp`` and network shares do, the process is ended by a signal. What was read stays as it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fastmlp.files import atomic_write
from fastmlp.json_text import parse
from fastmlp.words import printable, shortened

LONGEST_HEADER = 100_000_000  # bytes, the format's own limit
LONGEST_REASON = 300  # characters
# What values of the wrong kind raise where they are used.
MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def write_tensors(
    path: str | os.PathLike[str],
    weights: Collection[NDArray[Any]],
    biases: Collection[NDArray[Any]],
    metadata: Mapping[str, str],
) -> None:
    """Write arrays, as w1, ... and b1, ..., with their metadata, whole or not at all.

    Raises
    ------
    ValueError
        If the metadata are longer than any reader takes.
    OSError
        If the file can't be written.
    """
    from safetensors.numpy import save

    tensors = {f"w{i}": w for i, w in enumerate(weights, start=1)}
    tensors |= {f"b{i}": b for i, b in enumerate(biases, start=1)}
    if sum(map(len, metadata.values())) > LONGEST_HEADER // 2:  # a quote in it takes two bytes
        raise ValueError(
            f"names and figures take more than {LONGEST_HEADER // 2:,} characters: give shorter "
            "names, or fewer"
        )
    content = _in_order(save(tensors, metadata=dict(metadata)))
    with atomic_write(path) as stream:
        stream.write(content)


def _in_order(content: bytes) -> bytes:
    """Return a .safetensors file with its metadata sorted: the library shuffles them each time.

    The file is the header's length (uint64, little-endian), the header (JSON, padded with blanks to
    a multiple of 8 bytes), and the arrays, whose places are counted from the header's end.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """Return the metadata and the arrays, by name.

    Raises
    ------
    OSError
        If the file can't be read.
    ValueError
        If it is cut short, or no such file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        content, header = _read(path)
        arrays = load(content)
    except OSError as error:
        raise OSError(f"can't read {path}: {error}; give a file that you may read") from error
    # Also of an array without elements, or of a type that NumPy does not have.
    except (SafetensorError, *MALFORMED) as error:
        raise ValueError(
            f"{path} is cut short or no .safetensors file ({reason(error)}): copy it anew, or "
            "train again"
        ) from error
    return header.get("__metadata__") or {}, arrays


def _read(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Return the file's bytes and its header.

    Of a file that does not begin as a header does, they are only the first bytes and no header; of
    one that is not as long as its header says, nothing is read but that.
    """
    with path.open("rb") as file:
        start = file.read(9)
        length = int.from_bytes(start[:8], "little")
        if start[8:] != b"{" or length > LONGEST_HEADER:
            return start, {}
        text = start[8:] + file.read(length - 1)
        header = parse(text.decode())
        arrays = [entry for name, entry in header.items() if name != "__metadata__"]
        promised = 8 + length + max((entry["data_offsets"][1] for entry in arrays), default=0)
        found = os.fstat(file.fileno()).st_size
        if promised != found:
            raise ValueError(f"it has {found} bytes, its header speaks of {promised}")
        return start[:8] + text + file.read(), header


def check_version(text: Mapping[str, str], file: Path, known: Collection[str]) -> None:
    """Raise ValueError unless the metadata are of a format version that is known."""
    if text.get("format_version") not in known:
        raise ValueError(
            f"{file} has the format version {named(text, 'format_version')}, this fastmlp reads "
            f"{' and '.join(known)}: install the fastmlp that wrote it "
            f"({named(text, 'fastmlp_version')})"
        )


def named(text: Mapping[str, str], key: str) -> str:
    """Return one of the metadata for a message."""
    return shortened(printable(str(text.get(key))))


def reason(error: Exception) -> str:
    """Return what an error says of values of others' making, for a message of one short line."""
    text = f"no {error}" if isinstance(error, KeyError) else str(error)
    return shortened(printable(" ".join(text.split())), LONGEST_REASON)
