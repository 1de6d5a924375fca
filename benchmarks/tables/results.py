"""What a run has measured, kept line by line in a file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

KEY = ["table", "seed", "n_threads", "method"]


@dataclass(frozen=True)
class Result:
    """One fit. `log_loss` and `one_minus_auc` are None for numbers, or where a class is absent."""

    table: str
    group: str
    task: str
    seed: int
    method: str
    n_threads: int
    n_rows: int
    rows: str
    error: float
    cpu: float
    wall: float
    predict: float
    log_loss: float | None = None
    one_minus_auc: float | None = None


def append(path: Path, result: Result) -> None:
    with path.open("a") as file:
        file.write(json.dumps(asdict(result)) + "\n")


def load(path: Path) -> pd.DataFrame:
    """All results of a file, the latest of each fit."""
    if not path.exists():
        return pd.DataFrame(columns=[*Result.__annotations__])
    return frame(json.loads(line) for line in path.read_text().splitlines())


def frame(results: Iterable[dict[str, object]]) -> pd.DataFrame:
    found = pd.DataFrame(list(results), columns=[*Result.__annotations__])
    return found.drop_duplicates(KEY, keep="last").reset_index(drop=True)
