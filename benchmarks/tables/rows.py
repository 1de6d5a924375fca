"""Which rows of a table are trained on, and which are tested on."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from benchmarks.tables.sets import Table, Task

MOST = 10_000  # rows of each part


class Parts(NamedTuple):
    """A table in two parts, numbered from 0 each."""

    task: Task
    x: pd.DataFrame
    y: NDArray[Any]
    x_test: pd.DataFrame
    y_test: NDArray[Any]


def divided(table: Table, seed: int) -> Parts:
    """A fifth to test on, the rest to train on; classes in equal shares.

    What is too much to train on is tested on, too.
    """
    strata = None if table.task == "regression" else table.y
    train, test = train_test_split(
        np.arange(len(table.y)), test_size=0.2, random_state=seed, stratify=strata
    )
    if len(train) > MOST:
        train, more = train_test_split(
            train, train_size=MOST, random_state=seed,
            stratify=None if strata is None else strata[train],
        )  # fmt: skip
        test = np.concatenate([test, more])
    test = test[:MOST]
    x, x_test = (table.x.iloc[part].reset_index(drop=True) for part in (train, test))
    return Parts(table.task, x, table.y[train], x_test, table.y[test])


def fingerprint(parts: Parts) -> str:
    """What two methods share if they get the same cells in the same rows."""
    digest = hashlib.sha256()
    for x, y in ((parts.x, parts.y), (parts.x_test, parts.y_test)):
        digest.update(repr(list(x.columns)).encode())
        digest.update(pd.util.hash_pandas_object(x).to_numpy().tobytes())
        digest.update(np.ascontiguousarray(y).tobytes())
    return digest.hexdigest()
