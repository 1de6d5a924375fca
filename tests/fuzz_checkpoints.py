"""Hostile checkpoints of every kind of training: sound ones with something in them changed."""

from __future__ import annotations

import functools
import random
import re
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from checkpoint_tools import Ended, ending, keep_always
from fuzz_bytes import Hostile
from fuzz_models import changed
from tables_tools import mixed_table

from fastmlp import MLP, MLPClassifier, MLPRegressor, TableClassifier, fit_many

X = np.random.RandomState(0).rand(60, 3)
CLASSES = np.array(["ant", "bee", "cat"] * 20)
TABLE, YES, _ = mixed_table(60)
FAILED = "a network of the table has failed"  # where a warning says why
DIVERGED = "non-finite parameter weights|training (that )?diverged"  # a changed weight is a weight
Keywords = dict[str, Any]


class Sound(NamedTuple):
    """A checkpoint, and the training that has left it: it returns predictions."""

    content: bytes
    train: Callable[[Keywords], Any]


def network(given: Keywords) -> Any:
    mlp = MLP(3, (4, 3), 3, 0.01, optimizer="adam", dropout=0.2, random_state=3)
    y = np.arange(60) % 3
    mlp.train(X, y, 3, 20, validation_data=(X, y), verbose=False, **given)
    return mlp.predict(X)


def classifier(given: Keywords) -> Any:
    model = MLPClassifier(
        (4,), max_iter=6, batch_size=20, random_state=1, early_stopping=True, dropout=0.2,
        max_seconds=60.0,
    )  # fmt: skip
    return model.fit(X, CLASSES, **given).predict(X)


def regressor(given: Keywords) -> Any:
    model = MLPRegressor(
        hidden_layer_sizes=(4,), max_iter=8, batch_size=20, random_state=1, solver="sgd",
        n_iter_no_change=1, learning_rate="adaptive", tol=10.0, max_seconds=60.0,
    )  # fmt: skip
    return model.fit(X, X[:, :2], **given).predict(X)


def several(given: Keywords) -> Any:
    models = [MLPClassifier((3,), max_iter=n, batch_size=20, random_state=n) for n in (2, 3)]
    fitted = fit_many(models, X, CLASSES, n_jobs=1, **given)
    if not all(hasattr(model, "coefs_") for model in fitted):
        raise ValueError(FAILED)
    return np.concatenate([model.predict(X) for model in fitted])


def table(given: Keywords) -> Any:
    model = TableClassifier(n_members=2, random_state=0, n_threads=1, max_seconds=60.0)
    return model.fit(TABLE, YES, **given).predict(TABLE)


# How many writes there are before the end, and how often a training is drawn.
TRAININGS = {
    network: (8, 3),
    classifier: (12, 3),
    regressor: (12, 3),
    several: (5, 2),
    table: (9, 1),
}


@functools.cache
def sound(train: Callable[[Keywords], Any], is_whole: bool) -> Sound:
    """The checkpoint of a training that has ended, or of one that was killed."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "c"
        if not is_whole:
            keep_always(patch)
            ending(patch, TRAININGS[train][0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                train({"checkpoint": path, "checkpoint_seconds": 1e-9})
                assert is_whole
            except Ended:
                pass
        return Sound(path.read_bytes(), train)


def checkpoint(rng: random.Random) -> Hostile:
    shares = [share for _, share in TRAININGS.values()]
    (train,) = rng.choices(list(TRAININGS), shares)
    found = sound(train, rng.random() < 0.2)
    content = changed(found.content, rng)
    return Hostile(content, len(content), found)


def use(path: Path, hostile: Hostile, rng: random.Random) -> None:
    """Go on with the training; once it is done, its file has its result."""
    _, train = hostile.sound
    given = {"checkpoint": path, "resume": True}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            predicted = train(given)
        except ValueError as error:  # with weights that were changed, it may
            reasons = [*map(str, caught)] if FAILED in str(error) else [str(error)]
            if not any(re.search(DIVERGED, reason) for reason in reasons):
                raise
            return
        np.testing.assert_array_equal(train(given), predicted)
