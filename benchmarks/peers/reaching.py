"""Training until a held-out accuracy is reached: one function for each side; runs in the child.

The time runs from uint8 pixels in memory to the end of the epoch that reaches it, that epoch's
evaluation included; pixels are scaled within it where a side needs that. The learning rate falls
from epoch to epoch along half a wave of a cosine, which ends at 0 with the last epoch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HELD_OUT = 10_000  # the last rows
PIXEL_MAX = 255


@dataclass(frozen=True)
class Recipe:
    """A net and how it is trained, by names that all sides know."""

    hidden: tuple[int, ...]
    optimizer: str  # "adam" or "momentum"
    batch_size: int
    learning_rate: float  # of the first epoch
    epochs: int  # in which it falls to 0
    dropout: float = 0.0  # fastmlp's only

    def rate_of(self, epoch: int) -> float:
        """The learning rate of an epoch, the first being 0."""
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))

    def __str__(self) -> str:
        hidden = "-".join(map(str, self.hidden))
        return f"{hidden}, {self.optimizer} {self.learning_rate:g}, batch {self.batch_size}, " + (
            f"{self.epochs} epochs" + (f", dropout {self.dropout:g}" if self.dropout else "")
        )


@dataclass(frozen=True)
class Race:
    """One run: until the accuracy, or a limit, is reached."""

    folder: Path  # with pixels.npy, (n_rows, 784) uint8, and labels.npy
    recipe: Recipe
    seed: int
    accuracy: float
    max_seconds: float
    n_threads: int

    def load(self) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """Rows and labels to train on, and those held out."""
        x, y = _load(self.folder)
        return x[:-HELD_OUT], y[:-HELD_OUT], x[-HELD_OUT:], y[-HELD_OUT:]


class Clock:
    """Watches a run, epoch by epoch."""

    def __init__(self, race: Race) -> None:
        self.race, self.n_epochs = race, 0
        self.seconds, self.has_reached = 0.0, False
        self.start = time.perf_counter()

    def is_over(self, accuracy: float) -> bool:
        """To be called after every epoch."""
        self.n_epochs += 1
        self.seconds = time.perf_counter() - self.start
        self.has_reached = accuracy >= self.race.accuracy
        is_last = self.n_epochs >= self.race.recipe.epochs
        return self.has_reached or is_last or self.seconds > self.race.max_seconds

    @property
    def rate(self) -> float:
        """The next epoch's learning rate."""
        return self.race.recipe.rate_of(self.n_epochs)


def reach(side: str, race: Race) -> tuple[bool, float, int]:
    """Whether the accuracy was reached; seconds and epochs that were taken."""
    race.load()
    clock = Clock(race)
    SIDES[side](race, clock)
    return clock.has_reached, clock.seconds, clock.n_epochs


def mlp(race: Race, clock: Clock) -> None:
    import fastmlp

    recipe, (x, y, x_held, y_held) = race.recipe, race.load()
    model = fastmlp.MLP(
        x.shape[1],
        recipe.hidden,
        10,
        recipe.learning_rate,
        optimizer=recipe.optimizer,
        dropout=recipe.dropout,
        random_state=race.seed,
        dtype="float32",
        input_scale=PIXEL_MAX,
        n_threads=race.n_threads,
    )

    def callback(epoch: int, logs: Mapping[str, float]) -> bool:
        if clock.is_over(logs["val_accuracy"]):
            return True
        model.learning_rate = clock.rate
        return False

    model.train(
        x,
        y,
        recipe.epochs,
        recipe.batch_size,
        lambda_reg=0.0,
        validation_data=(x_held, y_held),
        verbose=False,
        callbacks=[callback],
    )


def classifier(race: Race, clock: Clock) -> None:
    import fastmlp

    x, y, x_held, y_held = race.load()

    def callback(epoch: int, logs: Mapping[str, float]) -> bool:
        return clock.is_over(logs["val_score"])

    model = fastmlp.MLPClassifier(
        **_settings(race), learning_rate="cosine", callbacks=[callback], n_threads=race.n_threads
    )
    model.fit(_scaled(x), y, X_val=_scaled(x_held), y_val=y_held)


def scikit_learn(race: Race, clock: Clock) -> None:
    from sklearn.neural_network import MLPClassifier

    x, y, x_held, y_held = race.load()
    model, x, x_held = MLPClassifier(**_settings(race)), _scaled(x), _scaled(x_held)
    while True:
        model.partial_fit(x, y, classes=np.arange(10))
        if clock.is_over(model.score(x_held, y_held)):
            return
        # It has no such schedule; adam reads the one, sgd the other.
        model._optimizer.learning_rate = model._optimizer.learning_rate_init = clock.rate


def torch_by_hand(race: Race, clock: Clock) -> None:
    from benchmarks.peers.case import Case
    from benchmarks.peers.sides import Problem
    from benchmarks.peers.sides.torch_by_hand import TorchByHand

    recipe, (x, y, x_held, y_held) = race.recipe, race.load()
    rng = np.random.default_rng(race.seed)
    sizes = (x.shape[1], *recipe.hidden, 10)
    case = Case("MNIST", sizes, recipe.batch_size, race.folder, race.folder)
    side = TorchByHand(
        Problem(
            *case.initial_parameters(race.seed),
            x=_scaled(x),
            y=y,
            batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            lambda_reg=0.0,
            n_threads=race.n_threads,
            optimizer=recipe.optimizer,
        )
    )
    predict = side.predictor(_scaled(x_held))
    n_rows = len(x) // recipe.batch_size * recipe.batch_size  # it takes whole batches
    while True:
        side.epoch(rng.permutation(len(x))[:n_rows])
        if clock.is_over(float(np.mean(predict() == y_held))):
            return
        side.update.set_rate(clock.rate)


SIDES: dict[str, Callable[[Race, Clock], None]] = {
    "fastmlp.MLP": mlp,
    "fastmlp.MLPClassifier": classifier,
    "PyTorch by hand": torch_by_hand,
    "scikit-learn": scikit_learn,
}


def _settings(race: Race) -> dict[str, Any]:
    """What both MLPClassifiers are given."""
    recipe = race.recipe
    return {
        "hidden_layer_sizes": recipe.hidden,
        "solver": "adam" if recipe.optimizer == "adam" else "sgd",
        "nesterovs_momentum": False,
        "alpha": 0.0,
        "batch_size": recipe.batch_size,
        "learning_rate_init": recipe.learning_rate,
        "max_iter": recipe.epochs,
        "tol": 0.0,
        "n_iter_no_change": recipe.epochs,
        "random_state": race.seed,
    }


def _scaled(x: NDArray) -> NDArray:
    return np.divide(x, PIXEL_MAX, dtype=np.float32)


@cache
def _load(folder: Path) -> tuple[NDArray, NDArray]:
    return np.load(folder / "pixels.npy"), np.load(folder / "labels.npy")
