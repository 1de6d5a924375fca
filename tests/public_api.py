"""A user's program, for ``mypy --strict`` and for a smoke test of an installed package."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, assert_type

import numpy as np

import fastmlp
from fastmlp import (
    MLP,
    History,
    MLPClassifier,
    find_misclassified,
    fit_many,
    make_prediction,
    one_hot_encode,
    reference,
)
from fastmlp.data import Dataset, load, make_digits, train_val_split

assert_type(fastmlp.__version__, str)
if TYPE_CHECKING:
    slip = fastmlp.no_such_name  # type: ignore[attr-defined]  # which is found
    slip = reference.no_such_name  # type: ignore[attr-defined]


def is_good(epoch: int, logs: Mapping[str, float]) -> bool:
    """Stop early, as callbacks can."""
    return logs["val_accuracy"] > 0.99


def main(folder: Path) -> None:
    """Go once through what most programs use."""
    x, y = make_digits(400, cache_dir=folder)
    np.savez(folder / "digits.npz", x=x, y=y)
    found: Dataset = load(folder / "digits.npz")
    assert found.y is not None
    x_train, y_train, x_val, y_val = train_val_split(found.x, found.y, 0.25, random_state=0)
    network = MLP(
        found.x.shape[1], (32, 16), 10, 0.01, activation=("relu", "tanh"), optimizer="adam",
        dropout=0.1, random_state=0, dtype="float32", input_scale=found.scale,
    )  # fmt: skip
    history: History = network.train(
        x_train, y_train, epochs=20, batch_size=16,
        validation_data=(x_val, y_val), callbacks=[is_good], verbose=False,
    )  # fmt: skip
    score: float = network.score(x_val, y_val)
    assert score == history.val_accuracy[-1] > 0.6, score
    network.save(folder / "model.safetensors")
    same = MLP.load(folder / "model.safetensors")
    np.testing.assert_array_equal(same.predict_proba(x_val), network.predict_proba(x_val))
    slow = reference.MLP.load(folder / "model.safetensors")
    assert np.mean(slow.predict(x_val) == network.predict(x_val)) > 0.99

    shallow = MLP(784, 8, 10, random_state=0)
    pixels = x_val / 255.0
    wrong, predictions = find_misclassified(
        pixels, y_val, shallow.w1, shallow.b1, shallow.w2, shallow.b2
    )
    again = make_prediction(pixels, shallow.w1, shallow.b1, shallow.w2, shallow.b2)
    np.testing.assert_array_equal(predictions, again)
    assert len(wrong) == np.sum(again != y_val)
    assert one_hot_encode(y_val, 10).shape == (len(y_val), 10)

    classifier = MLPClassifier(32, learning_rate_init=0.01, random_state=0)
    classifier.fit(x_train / 255.0, y_train)
    assert classifier.score(pixels, y_val) > 0.6
    pair = [MLPClassifier(16, learning_rate_init=0.01, random_state=seed) for seed in range(2)]
    fitted = fit_many(pair, x_train / 255.0, y_train, splits=[range(150), range(50, 200)])
    assert_type(fitted, list[MLPClassifier])
    assert fitted[1] is pair[1]
    assert fitted[1].score(pixels, y_val) > 0.4
    print(f"fastmlp {fastmlp.__version__}: {100 * score:.0f} % of {len(y_val)} digits")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
