"""Tables as files, and what `load` says of them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fastmlp.data import load

RANDOM = np.random.RandomState(0)
X = RANDOM.randint(0, 256, (40, 16)).astype(np.uint8)
Y = np.arange(40) % 7
EPS = 2**-53  # of numbers up to 1: older versions of pandas read them to half a unit of theirs
WORDS = np.array(["cat", "dög", "ape; big", "a, b", 'say "hi"', "x y", "7up"])


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("some/table.csv", content)
    return stream.getvalue()


PACKINGS = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zip": zipped,
    "xz": lzma.compress,
    "bz2": bz2.compress,
}


def put(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def frame(y: Any = Y, x: np.ndarray = X, place: int = 0, name: str = "label") -> pd.DataFrame:
    table = pd.DataFrame(x, columns=[f"pixel{i}" for i in range(x.shape[1])])
    if y is not None:
        table.insert(place, name, y)
    return table


def error_of(
    path: Path,
    reader: Callable[..., object] = load,
    kind: type[Exception] | None = None,
    **options: Any,
) -> str:
    """Return the message, which must be one line, name the file and, after a colon, the remedy.

    It must be of this `kind` and no other; by default of any kind of ValueError.
    """
    with pytest.raises(kind or ValueError) as caught:
        reader(path, **options)
    message = str(caught.value)
    assert kind is None or type(caught.value) is kind
    assert "\n" not in message
    assert message.startswith(str(path))
    assert ": " in message.removeprefix(str(path))
    return message.removeprefix(str(path))
