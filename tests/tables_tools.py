"""Tables with a bit of everything, for the tests of `fastmlp.tables`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fastmlp import TableClassifier, TableRegressor


def mixed_table(n_rows: int = 160, seed: int = 0) -> tuple[pd.DataFrame, Any, Any]:
    """Return a table of all kinds of columns, classes, and numbers, which depend on it."""
    rng = np.random.default_rng(seed)
    number = rng.normal(size=n_rows)
    few = rng.integers(0, 5, n_rows)
    city = rng.choice(["Rome", "Oslo", "Bern", "Graz"], n_rows)
    day = np.datetime64("2020-01-01") + rng.integers(0, 900, n_rows)
    flag = rng.random(n_rows) < 0.4
    x = pd.DataFrame(
        {
            "number": np.where(rng.random(n_rows) < 0.1, np.nan, number),
            "few": pd.array(few, "Int64"),
            "city": pd.Series(city, dtype=object).where(rng.random(n_rows) > 0.1, None),
            "kind": pd.Categorical(np.where(few > 2, "much", "little")),
            "day": day.astype("datetime64[ns]"),
            "flag": pd.array(flag, "boolean"),
            "constant": 1.0,
            "again": pd.array(few, "Int64"),
            "empty": None,
        }
    )
    x.loc[3, "few"] = x.loc[3, "again"] = pd.NA
    x.loc[5, "flag"] = pd.NA
    x.loc[7, "day"] = pd.NaT
    score = number + 0.5 * few + 2 * (city == "Rome") - flag + rng.normal(0, 0.1, n_rows)
    return x, np.where(score > np.median(score), "yes", "no"), score


X, LABELS, NUMBERS = mixed_table()
NEW, NEW_LABELS, NEW_NUMBERS = mixed_table(seed=1)
BOTH = [(TableClassifier, LABELS), (TableRegressor, NUMBERS)]
WEAK, GOOD = (0.3, 0.6), (0.6, 0.75)  # scores of the regressor and the classifier
both = pytest.mark.parametrize(("kind", "y"), BOTH)


def predictions(model: Any, x: Any = NEW) -> Any:
    """Return probabilities, or numbers."""
    return model.predict_proba(x) if hasattr(model, "predict_proba") else model.predict(x)
