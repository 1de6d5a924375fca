"""What `fuzz_arrays` gives the table classes: arrays and frames of every kind, beside guard pages.

There is no reference for what they predict: it has to be of the right shape, and from what was
learnt, or the documented error.
"""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pandas as pd
from array_cases import LABELS, ROWS, WEIGHTS, any_of
from fuzz_seeds import WrongError
from guard_pages import PLACES, guarded
from time_limit import time_limit

from fastmlp import TableClassifier, TableRegressor

SECONDS = 100
ODD = 0.4  # share of arrays that are anything but plain


def mixed(a: Any, rng: random.Random) -> pd.DataFrame:
    """A frame with a column of text, one of dates, and gaps, beside the numbers."""
    table = pd.DataFrame(a, columns=[f"c{i}" for i in range(a.shape[1])])
    table["word"] = [rng.choice(("red", "green", "", "\x1b[31m", None)) for _ in range(len(a))]
    table["day"] = pd.Timestamp("2020-02-29") + pd.to_timedelta(np.arange(len(a)), unit="D")
    return table.mask(np.random.RandomState(len(a)).rand(*table.shape) < 0.1)


TABLES = ROWS | {"mixed": mixed}


def judged(seed: int) -> str:
    """Fit and predict; return what came of it, or raise `WrongError`."""
    rng = random.Random(f"tables {seed}")
    n_rows, n_features = rng.choice((1, 2, 9, 33, 70)), rng.choice((1, 2, 3, 8))
    draw = np.random.RandomState(seed % 2**32)
    kind = rng.choice((TableClassifier, TableRegressor))
    is_classifier = kind is TableClassifier
    rows = draw.rand(n_rows, n_features)
    y = draw.randint(0, 3, n_rows) if is_classifier else draw.rand(n_rows)
    form, x = any_of(TABLES, rows, rng, 2 * ODD)
    y_form, y = any_of(LABELS, y, rng, ODD)
    weights_form, weights = any_of(WEIGHTS, draw.rand(n_rows), rng, ODD)
    if rng.random() < 0.6:
        weights = None
    new = x if rng.random() < 0.6 else any_of(TABLES, rows, rng, ODD)[1]
    told = f"{kind.__name__}, {form}, y {y_form}, weights {weights_form}, {n_rows} rows"
    model = kind(n_members=rng.choice((1, 2)), random_state=0, n_threads=1)
    with time_limit(SECONDS), guarded(PLACES[seed % 2]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            predicted = model.fit(x, y, sample_weight=weights).predict(new)
            probabilities = model.predict_proba(new) if is_classifier else None
        except (ValueError, TypeError) as error:
            # Most are scikit-learn's, which may show all values.
            return f"{type(error).__name__}: {error}"
    # One that grows each time that it is asked has no length to compare with.
    n_expected = len(new) if hasattr(new, "__len__") else predicted.shape[0]
    if predicted.shape[0] != n_expected or not n_expected:
        raise WrongError(f"{told}: {predicted.shape} for {n_expected} rows")
    if probabilities is None:
        if not np.isfinite(predicted).all():
            raise WrongError(f"{told}: {predicted}")
    elif not set(predicted.tolist()) <= set(model.classes_.tolist()) or not np.allclose(
        probabilities.sum(axis=1), 1
    ):
        raise WrongError(f"{told}: {predicted}, {probabilities}")
    return "valid"
