"""Tables for the tests of the command line: customers who stay or leave, and what they spend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

N_ROWS = 160


def customers(seed: int = 0) -> pd.DataFrame:
    """Numbers, text, dates, truths, gaps, and ids; `churn` and `spend` depend on them."""
    rng = np.random.default_rng(seed)
    months = rng.integers(0, 72, N_ROWS)
    charge = rng.normal(65, 30, N_ROWS).round(2)
    contract = rng.choice(["monthly", "yearly"], N_ROWS)
    score = -months / 10 + charge / 20 + 3 * (contract == "monthly")
    table = pd.DataFrame(
        {
            "customer": [f"{i:03d}-X" for i in rng.permutation(N_ROWS)],
            "months": months,
            "charge": charge,
            "contract": contract,
            "since": (np.datetime64("2020-01-01") + rng.integers(0, 900, N_ROWS)).astype(str),
            "paperless": rng.random(N_ROWS) < 0.5,
            "churn": np.where(score > np.median(score), "yes", "no"),
            "spend": (100 * score).round(2),
        }
    )
    table.loc[::17, "charge"] = np.nan
    table.loc[::23, "contract"] = None
    return table


def write(path: Path, table: pd.DataFrame) -> Path:
    table.to_csv(path, index=False)
    return path
