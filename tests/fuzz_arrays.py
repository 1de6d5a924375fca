"""Trains and predicts on arrays of every kind: ``python tests/fuzz_arrays.py FIRST [END]``.

The compiled engine, all of whose arrays stand beside pages that nobody may touch, has to do as the
reference: the same error, or the same network but for rounding.
"""

from __future__ import annotations

import random
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import fuzz_tables
import numpy as np
from array_cases import LABELS, ROWS, WEIGHTS, any_of
from fuzz_bytes import LONGEST
from fuzz_seeds import WrongError, run_seeds
from guard_pages import PLACES, guarded
from time_limit import time_limit

import fastmlp
from fastmlp import reference
from fastmlp.estimators.base import BaseMLP
from fastmlp.reference import ACTIVATIONS, LOSSES, OPTIMIZERS

SECONDS = 100
N_CLASSES = 3
RATE = 0.01
NUDGE = 64  # roundings by which the rate is off, to see how much of a difference that makes
DIVERGED = "non-finite parameter weights|the training diverged"
OF_TABLES = 10
ODD_X, ODD_Y = 0.6, 0.4  # shares of arrays that are anything but plain


class Case:
    """What a seed stands for; made anew for each engine, as some arrays can be read once only."""

    def __init__(self, seed: int, nudge: float = 0.0) -> None:
        self.rate = RATE * (1 + nudge)
        rng = random.Random(f"arrays {seed}")
        draw = np.random.RandomState(seed % 2**32)
        n_rows, self.n_features = rng.choice((1, 2, 9, 33, 70)), rng.choice((1, 2, 3, 8, 17))
        self.front = rng.choice(("MLP", "MLPClassifier", "MLPRegressor"))
        self.activation = rng.choice(list(ACTIVATIONS))
        self.loss = rng.choice(list(LOSSES))
        self.optimizer = rng.choice([name for name in OPTIMIZERS if name != "gradient"])
        self.dtype = rng.choice(("float32", "float64", "float64", None))
        self.hidden = rng.choice(((3,), (5, 4), (17,)))
        self.batch_size = rng.choice((1, 4, 64))
        self.dropout = rng.choice((0, 0, 0.3))
        self.scale = rng.choice((None, None, 255))
        is_pixels = rng.random() < 0.3
        x = draw.randint(0, 256, (n_rows, self.n_features)) * (
            draw.rand(n_rows, self.n_features) < 0.6
        )
        x = x if is_pixels else x / 255.0
        labels = draw.randint(0, N_CLASSES, n_rows)
        has_labels = self.front == "MLPClassifier" or (
            self.front == "MLP" and self.loss == "cross_entropy"
        )
        y: Any = labels if has_labels else draw.rand(n_rows, N_CLASSES)
        self.forms = {}
        self.forms["x"], self.x = any_of(ROWS, x, rng, ODD_X)
        self.forms["y"], self.y = any_of(LABELS, y, rng, ODD_Y)
        weights = draw.rand(n_rows)
        self.forms["weights"], self.weights = any_of(WEIGHTS, weights, rng, ODD_Y)
        if rng.random() < 0.6:
            self.weights = None
        self.forms["new"], self.new = any_of(ROWS, x, rng, ODD_X)

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in vars(self).items()
                         if isinstance(value, str | int | float | tuple | dict))  # fmt: skip

    def network(self, is_fast: bool) -> Any:
        """A network whose engine is the fast or the slow one, not yet trained."""
        if self.front == "MLP":
            kind = fastmlp.MLP if is_fast else reference.MLP
            return kind(
                self.n_features, self.hidden, N_CLASSES, self.rate, activation=self.activation,
                loss=self.loss, optimizer=self.optimizer, dropout=self.dropout, random_state=0,
                dtype=self.dtype, input_scale=self.scale, n_threads=1,
            )  # fmt: skip
        settings = {
            "activation": self.activation, "batch_size": self.batch_size, "dropout": self.dropout,
            "dtype": self.dtype or "auto", "max_iter": 2, "random_state": 0, "n_threads": 1,
            "learning_rate_init": self.rate,
            "solver": {"adam": "adam", "adamw": "lbfgs"}.get(self.optimizer, "sgd"),
        }  # fmt: skip
        if self.front == "MLPRegressor":
            settings["loss"] = "poisson" if self.loss == "poisson" else "squared_error"
        return getattr(fastmlp, self.front)(hidden_layer_sizes=self.hidden, **settings)

    def run(self, is_fast: bool) -> tuple[list[Any], list[str], BaseException | None]:
        """Train, and predict other rows; return all numbers, the warnings, and the error if any."""
        numbers: list[Any] = []
        error = None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", DeprecationWarning)
            network = self.network(is_fast)
            try:
                if self.front == "MLP":
                    network.train(self.x, self.y, 2, self.batch_size, verbose=False)
                    numbers += [*network.weights, *network.biases, network.history_.loss]
                else:
                    network.fit(self.x, self.y, sample_weight=self.weights)
                    numbers += [*network.coefs_, *network.intercepts_, network.loss_]
                is_classifier = hasattr(network, "predict_proba") and (
                    self.front != "MLP" or self.loss == "cross_entropy"
                )
                way = network.predict_proba if is_classifier else network.predict
                numbers.append(way(self.new))
            except (ValueError, TypeError) as refused:
                error = refused
        return numbers, [f"{w.category.__name__}: {w.message}" for w in caught], error


def judged(seed: int) -> str:
    """Return what comes of a seed's case, or raise `WrongError`; one in ten is one of tables."""
    return compared(seed) if seed % OF_TABLES else fuzz_tables.judged(seed)


def compared(seed: int) -> str:
    """Compare both engines on a case."""
    place = PLACES[seed % 2]
    told = Case(seed)
    with time_limit(SECONDS):
        with patch.object(BaseMLP, "_engine", reference):
            expected, expected_warnings, expected_error = Case(seed).run(is_fast=False)
        with guarded(place):
            got, got_warnings, got_error = told.run(is_fast=True)
    if any(re.search(DIVERGED, str(error)) for error in (got_error, expected_error)):
        return "diverged"
    for ours, theirs in ((got_error, expected_error), (got_warnings, expected_warnings)):
        if without_addresses(ours) != without_addresses(theirs):
            raise WrongError(f"{told}: {ours!r}, the reference: {theirs!r}") from got_error
    # The estimators' errors are scikit-learn's, which may show all values.
    if got_error is not None and told.front == "MLP" and len(str(got_error)) > LONGEST:
        raise WrongError(f"{told}: no short message: {got_error!r}") from got_error
    if far := distance(got, expected):
        eps = np.finfo(np.asarray(expected[0]).dtype).eps  # of the weights
        with patch.object(BaseMLP, "_engine", reference), rounded_down(told.activation):
            nudged, _, _ = Case(seed, NUDGE * eps).run(is_fast=False)
        # Adam's steps are as long where gradients are all rounding; and ReLU has a kink.
        least = 1e4 * eps + (1e-4 * RATE if told.optimizer.startswith("adam") else 0)
        if far > least + 100 * distance(nudged, expected):
            raise WrongError(f"{told}: off by {far}: {got}, the reference: {expected}")
    return "valid" if got_error is None else f"{type(got_error).__name__}: {got_error}"


@contextmanager
def rounded_down(activation: str) -> Iterator[None]:
    """Have the reference's activation return the next number towards 0.

    Where it is saturated, that is all that its slope, 1 - a^2 with tanh, consists of.
    """
    known = ACTIVATIONS[activation]

    def function(z: Any) -> Any:
        a = known.function(z)
        return np.nextafter(a, a.dtype.type(0))

    with patch.dict(ACTIVATIONS, {activation: known._replace(function=function)}):
        yield


def distance(numbers: list[Any], others: list[Any]) -> float:
    """The largest difference, relative to numbers above 1; 0 if all are the same."""
    found = [0.0]
    for a, b in zip(map(to_array, numbers), map(to_array, others), strict=True):
        if a.dtype != b.dtype or a.shape != b.shape or np.any(np.isnan(a) != np.isnan(b)):
            return np.inf
        with np.errstate(all="ignore"):
            found.append(np.max(np.abs(a - b) / np.maximum(1, np.abs(b)), initial=0))
    return max(found)


def without_addresses(said: object) -> str:
    return re.sub(r"0x\w+", "", repr(said))


def to_array(values: Any) -> Any:
    values = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    return values if values.dtype.kind in "fiu" else np.zeros(0)


def main(first: int, end: int | None = None) -> int:
    if end is None:
        print(Case(first))
    return run_seeds("arrays", judged, first, end or first + 1)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
