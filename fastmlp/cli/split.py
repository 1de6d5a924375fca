"""Records beside a model which rows it was trained on, for `evaluate`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastmlp.data import train_val_split
from fastmlp.files import atomic_write
from fastmlp.json_text import parse
from fastmlp.network.model_file import MODEL_NAME
from fastmlp.tensors import MALFORMED

SPLIT_NAME = "split.json"
LONGEST = 10_000  # bytes


@dataclass(frozen=True)
class Split:
    """How a run has split its rows.

    Attributes
    ----------
    rows : str
        SHA-256 of all rows, in order.
    seed : int
    val_fraction : float
        As given to `fastmlp.data.train_val_split`.
    """

    rows: str
    seed: int
    val_fraction: float

    @classmethod
    def of(cls, x: np.ndarray, seed: int, val_fraction: float) -> Split:
        """Return the split of these rows."""
        return cls(_fingerprint(x), seed, val_fraction)

    def write(self, model: Path) -> None:
        """Write it beside a model file."""
        text = json.dumps({"model": sha256_of(model)} | asdict(self), indent=1)
        with atomic_write(model.with_name(SPLIT_NAME)) as stream:
            stream.write(text.encode() + b"\n")

    def validation_rows(self, x: np.ndarray) -> np.ndarray | None:
        """Return the indices of the rows kept for validation, if `x` has the same rows."""
        if _fingerprint(x) != self.rows:
            return None
        try:
            return np.sort(self.kept_rows(len(x)))
        except ValueError:  # the file was changed: no run keeps no rows
            return None

    def kept_rows(self, n_rows: int) -> np.ndarray:
        """Return the indices of the rows kept for validation, in the order of the split."""
        indices = np.arange(n_rows)
        _, _, kept, _ = train_val_split(indices, indices, self.val_fraction, self.seed)
        return kept


def split_beside(model: str) -> Split | None:
    """Return the split that was written with a model; None if there is none, or another model's."""
    path = Path(model)
    file = path / MODEL_NAME if path.is_dir() else path
    beside = file.with_name(SPLIT_NAME)
    try:
        if not beside.is_file() or beside.stat().st_size > LONGEST:
            return None
        known: dict[str, Any] = parse(beside.read_text())
        is_its_own = known.pop("model") == sha256_of(file)
        split = Split(**known)
        is_seed = type(split.seed) is int and 0 <= split.seed < 2**32
        is_share = type(split.val_fraction) is float and 0 < split.val_fraction < 1
        return split if is_its_own and is_seed and is_share else None
    except (OSError, *MALFORMED):
        return None  # models from elsewhere have none


def _fingerprint(x: np.ndarray) -> str:
    """SHA-256 of rows as float32, so that it does not depend on the dtype of a run."""
    digest = hashlib.sha256(repr(x.shape).encode())
    with np.errstate(over="ignore"):
        for start in range(0, len(x), 4096):
            digest.update(x[start : start + 4096].astype("<f4").tobytes())
    return digest.hexdigest()


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
