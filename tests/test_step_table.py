"""More steps than the table is filled with at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastmlp import kernels, reference
from fastmlp.kernels.runtime.step_table import AT_ONCE
from fastmlp.problem import Problem

N_ROWS = 2 * AT_ONCE + 203


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rates", ["one", "each step's"])
def test_epochs_of_many_steps_are_the_references(
    optimizer: str, weighted: bool, rates: str
) -> None:
    rng = np.random.RandomState(0)
    x, y = rng.rand(N_ROWS, 5), rng.randint(3, size=N_ROWS)
    row_weights = rng.randint(3, size=N_ROWS).astype(float) if weighted else None
    one = rates == "one"
    orders = np.array([rng.permutation(N_ROWS) for _ in range(3 if one else 1)])

    def take(engine: Any) -> tuple[Any, ...]:
        drawn = np.random.RandomState(1)
        weights = [drawn.randn(5, 4), drawn.randn(4, 3)]
        biases = [np.zeros((1, 4)), np.zeros((1, 3))]
        trainer = engine.Trainer(
            weights, biases, x, y, problem=Problem(optimizer=optimizer, dropout=0.3), batch_size=1,
            row_weights=row_weights, seed=7, with_penalty=True,
            learning_rate=0.01 if one else np.linspace(0.02, 0.001, N_ROWS),
        )  # fmt: skip
        with trainer:
            figures = trainer.epochs(orders)
            trainer.export()
        return (*figures, trainer.n_steps, *weights, *biases)

    for own, theirs in zip(take(kernels), take(reference), strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-9, atol=1e-12)
