"""Digits in a file, as the tutorial's script reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def write_csv(
    folder: Path, digits: tuple[np.ndarray, np.ndarray], n_rows: int | None = None
) -> None:
    """Write the first rows to train.csv, in Kaggle's layout."""
    x, y = digits
    columns = ["label", *(f"pixel{i}" for i in range(x.shape[1]))]
    table = np.column_stack([y.astype(np.uint8), x])[:n_rows]
    pd.DataFrame(table, columns=columns).to_csv(folder / "train.csv", index=False)
