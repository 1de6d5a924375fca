"""What a run on a table keeps beside its model, for `evaluate` and `predict`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.cli.split import sha256_of
from fastmlp.files import atomic_write
from fastmlp.json_text import parse
from fastmlp.network.model_file import MODEL_NAME
from fastmlp.tensors import MALFORMED
from fastmlp.words import encodable

if TYPE_CHECKING:
    import pandas as pd

NOTES, OUT_OF_FOLD = "table.json", "out_of_fold.csv"
LONGEST = 100_000  # bytes
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Notes:
    """What a model file does not say of a run.

    Attributes
    ----------
    label, id_column : str or None
        What the columns of the labels and of the ids are called.
    rows : str
        SHA-256 of the rows and their labels.
    out_of_fold : str
        SHA-256 of the file with the out-of-fold predictions.
    """

    label: str | None
    id_column: str | None
    rows: str = ""
    out_of_fold: str = ""

    def write(self, model: Path) -> None:
        """Write them beside a model file."""
        text = json.dumps({"model": sha256_of(model)} | asdict(self), indent=1)
        with atomic_write(model.with_name(NOTES)) as stream:
            stream.write(text.encode() + b"\n")

    def predictions(self, model: Path, rows: str) -> pd.DataFrame | None:
        """Return the out-of-fold predictions, as text, if these are the run's rows."""
        import pandas as pd

        file = model.with_name(OUT_OF_FOLD)
        try:
            if rows != self.rows or sha256_of(file) != self.out_of_fold:
                return None
        except OSError:
            return None
        # As text: not every version of pandas reads a number to its last bit.
        return pd.read_csv(file, dtype=str, keep_default_na=False)


def notes_beside(model: Path) -> Notes:
    """Return the notes that were written with a model file; empty ones if there are none."""
    beside = model.with_name(NOTES)
    try:
        if not beside.is_file() or beside.stat().st_size > LONGEST:
            return Notes(None, None)
        known: dict[str, Any] = parse(beside.read_text())
        is_its_own = known.pop("model") == sha256_of(model)
        notes = Notes(**known)
        are_texts = all(isinstance(value, str | None) for value in asdict(notes).values())
        return notes if is_its_own and are_texts else Notes(None, None)
    except (OSError, *MALFORMED):
        return Notes(None, None)


def fingerprint(estimator: Any, x: pd.DataFrame, y: NDArray[Any]) -> str:
    """Return the SHA-256 of a table as its model sees it, whatever file it is in."""
    digest = hashlib.sha256(repr(len(x)).encode())
    for start in range(0, len(x), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        encoded = np.ascontiguousarray(estimator.encoder_.transform(x.iloc[rows]), "<f4")
        digest.update(encoded.tobytes())
        digest.update("\n".join(map(str, y[rows].tolist())).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def write_out_of_fold(
    path: Path, ids: NDArray[Any] | None, y: NDArray[Any], columns: dict[str, NDArray[Any]]
) -> str:
    """Write a line for each row: id, truth, and out-of-fold predictions; return its SHA-256."""
    import pandas as pd

    named = "row" if ids is None else "id"
    frame = pd.DataFrame(
        {named: np.arange(1, len(y) + 1) if ids is None else ids, "truth": y, **columns}
    )
    text = encodable(frame.to_csv(index=False, lineterminator="\n"))
    with atomic_write(path) as stream:
        stream.write(text.encode())
    return sha256_of(path)


def file_of(model: str) -> Path:
    """Return the model's file, where ``model`` may be the folder of a run."""
    path = Path(model)
    return path / MODEL_NAME if path.is_dir() else path
