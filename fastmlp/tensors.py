"""Arrays and texts out of a .safetensors file, read as bytes: a mapped one may be cut meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

LONGEST_HEADER = 100_000_000  # bytes, the format's own limit


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """Return the metadata and the arrays, by name.

    The library would map the file. Where another program then overwrites it in place, as ``cp`` and
    network shares do, the process is ended by a signal. What was read stays as it is.

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
        content = _read(path)
    except OSError as error:
        raise OSError(f"can't read {path}: {error}; give a file that you may read") from error
    try:
        arrays = load(content)
        end = 8 + int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8:end]).get("__metadata__") or {}
    # The latter two: an array without elements, or of a type that NumPy does not have.
    except (SafetensorError, ValueError, KeyError) as error:
        raise ValueError(
            f"{path} is cut short or no .safetensors file ({error}): copy it anew, or train again"
        ) from error
    return metadata, arrays


def _read(path: Path) -> bytes:
    """Return the file's bytes; of one that does not begin as a header does, only the first ones."""
    with path.open("rb") as file:
        start = file.read(9)
        if start[8:] != b"{" or int.from_bytes(start[:8], "little") > LONGEST_HEADER:
            return start
        file.seek(0)
        return file.read()
