"""Large batches, in parts: the bits of a training that takes them whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine_tools import (
    assert_close_runs,
    assert_same_bits,
    make_labels,
    make_parameters,
    make_rows,
)
from engine_tools import train as train_run

from fastmlp import kernels, reference
from fastmlp.kernels import program
from fastmlp.kernels.stages import batch_parts
from fastmlp.problem import Problem

# Batches of four parts and a short one; then one that is shorter than a part.
N_ROWS, BATCH = 700, 600
SIZES = (9, 17, 5, 3)

PROBLEMS = [
    Problem(),
    Problem(activation="tanh", optimizer="adam", loss="squared_error"),
    Problem(activation="silu", optimizer="adamw", dropout=0.4),
    Problem(optimizer="gradient", loss="binary_cross_entropy"),
]

every_problem = pytest.mark.parametrize(
    "problem", PROBLEMS, ids=lambda p: f"{p.activation}-{p.optimizer}"
)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each training since: whether it took its batches in parts."""
    taken: list[bool] = []

    def counting(n_weights: int, batch_rows: int, n_threads: int) -> bool:
        taken.append(batch_parts.takes_parts(n_weights, batch_rows, n_threads))
        return taken[-1]

    monkeypatch.setattr(program, "takes_parts", counting)
    return taken


def run(problem: Problem, dtype: str, kind: str = "float32", **keywords: Any) -> Any:
    x = make_rows(N_ROWS, SIZES[0], kind, density=0.7)
    y: Any = make_labels(N_ROWS, SIZES[-1])
    if problem.loss != "cross_entropy":
        y = make_rows(N_ROWS, SIZES[-1], dtype, seed=1)
    settings = {"batch_size": BATCH, "problem": problem, "learning_rate": 0.01} | keywords
    return train_run(make_parameters(SIZES, dtype), x, y, epochs=3, **settings)


@every_problem
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
def test_the_bits_of_whole_batches(problem, weighted, counted):
    keywords: dict[str, Any] = {"with_penalty": True, "l2_by_rows": True, "seed": 5}
    if weighted:
        keywords["row_weights"] = np.random.default_rng(0).integers(0, 3, N_ROWS) / 2
    whole = run(problem, "float32", skip_zeros=True, n_threads=1, **keywords)
    for n_threads in (1, 2, 3):
        in_parts = run(problem, "float32", skip_zeros=False, n_threads=n_threads, **keywords)
        assert_same_bits(in_parts, whole)
    # Where zeros are skipped nothing is taken in parts, and so nobody asks.
    assert counted == [True] * 3


@pytest.mark.parametrize("problem", [PROBLEMS[0], PROBLEMS[2]], ids=["sgd", "dropout"])
def test_values_of_the_reference(problem, counted):
    keywords = {"skip_zeros": False, "n_threads": 2, "seed": 5}
    got = run(problem, "float64", **keywords)
    expected = run(problem, "float64", engine=reference, seed=5)
    assert_close_runs(got, expected, 2000)
    assert counted == [True]


@pytest.mark.parametrize("kind", ["uint8", "float64", "csr"])
def test_any_rows(kind, counted):
    whole = run(Problem(), "float32", kind, skip_zeros=True, n_threads=1)
    assert_same_bits(run(Problem(), "float32", kind, skip_zeros=False, n_threads=3), whole)
    assert counted == [True]


def test_the_penalty(counted):
    """Squares of weights as they are before each step, of whichever thread's copy."""
    penalties = []
    for n_threads, skip_zeros in ((1, True), (1, False), (3, False)):
        weights, biases = make_parameters(SIZES, "float32")
        x, y = make_rows(N_ROWS, SIZES[0]), make_labels(N_ROWS, SIZES[-1])
        with kernels.Trainer(
            weights, biases, x, y, batch_size=BATCH, n_threads=n_threads, with_penalty=True,
            skip_zeros=skip_zeros,
        ) as trainer:  # fmt: skip
            trainer.epoch(np.arange(N_ROWS))
            penalties.append((trainer.penalty, trainer.mean_loss))
    assert penalties[0] == penalties[1] == penalties[2]
    assert counted == [True] * 2


@pytest.mark.parametrize(
    ("n_weights", "rows", "n_threads", "expected"),
    [
        (700, 10_000, 2, True),
        (700, 300, 1, False),  # too few parts
        (700, 1000, 16, True),  # a network that has no columns for so many threads
        (784 * 64, 1000, 16, False),  # one that has
        (784 * 64, 1000, 4, True),
        (784 * 800, 1000, 1, False),  # too large for a thread to update all of it
        (8000, 10_000_000, 1, False),  # more sums than there is room for
    ],
)
def test_where_it_is_worth_while(n_weights, rows, n_threads, expected):
    assert batch_parts.takes_parts(n_weights, rows, n_threads) is expected


def test_a_network_of_some_size():
    """Odd numbers of vectors, zeros skipped or not, two threads that share by columns or not."""
    sizes = (60, 150, 70, 9)
    x, y = make_rows(1100, sizes[0]), make_labels(1100, sizes[-1])
    settings = {"batch_size": 1030, "epochs": 2}
    parameters = make_parameters(sizes, "float32")
    whole = train_run(parameters, x, y, skip_zeros=True, n_threads=2, **settings)
    for n_threads in (1, 2, 9):  # the last of which share columns
        got = train_run(parameters, x, y, skip_zeros=False, n_threads=n_threads, **settings)
        assert_same_bits(got, whole)
