"""Neither threads, nor skipped zeros, nor the stretches of work change a bit of the result."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from engine_tools import Run, assert_same_bits, make_labels, make_parameters, make_rows, train

from fastmlp import kernels
from fastmlp.kernels import trainer as trainer_module
from fastmlp.kernels.runtime.autotune import Choice
from fastmlp.problem import Problem

# Layers with fewer vectors than threads are each thread's own, others are shared: every mixture
# of the two, whatever the length of a vector.
NETS = [
    (30, 10),
    (30, 100),
    (30, 64, 10),
    (30, 3, 5),
    (30, 200, 100),
    (17, 64, 64, 10),
    (17, 5, 90, 10),
    (17, 90, 5, 10),
    (17, 5, 6, 90),
    (20, 100, 7, 100, 10),
    (20, 7, 100, 7, 100),
    (20, 48, 47, 49, 50, 70),
]

both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_net = pytest.mark.parametrize("sizes", NETS, ids=lambda sizes: "-".join(map(str, sizes)))


@functools.cache
def case(sizes: tuple[int, ...], dtype: str, batch_size: int = 24) -> tuple[Any, Run]:
    """A training of some steps and a short one at the end, as a function, and what it leads to."""
    parameters = make_parameters(sizes, dtype, seed=len(sizes))
    pixels = make_rows(200, sizes[0], "uint8", density=0.3, seed=sizes[1])
    y = make_labels(len(pixels), sizes[-1])

    def again(x: Any = None, **keywords: Any) -> Run:
        keywords = {"input_scale": 255.0, "batch_size": batch_size} | keywords
        return train(parameters, pixels if x is None else x, y, epochs=3, **keywords)

    again.pixels = pixels  # type: ignore[attr-defined]
    return again, again(n_threads=1, skip_zeros=False)


@pytest.fixture
def prescribe(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that sets how all stretches to come are run, and their numbers of steps.

    A number of threads stands for threads that don't divide the first layer's inputs.
    """

    def prescribed(stretches: Iterable[tuple[int | Choice, int]], n_threads: int = 3) -> None:
        coming = iter(stretches)

        class Prescribed:
            def __init__(self, *_: int | None) -> None:
                self.choices = [Choice(1), Choice(n_threads), Choice(n_threads, by_inputs=True)]

            def next(self) -> tuple[Choice, int]:
                how, n_steps = next(coming)
                return how if isinstance(how, Choice) else Choice(how), n_steps

            def took(self, *_: Any) -> None:
                pass

        monkeypatch.setattr(trainer_module, "Pace", Prescribed)

    return prescribed


@both_dtypes
@every_net
@pytest.mark.parametrize("skip_zeros", [False, True])
def test_threads(sizes, dtype, skip_zeros, prescribe):
    again, expected = case(sizes, dtype)
    assert_same_bits(again(skip_zeros=skip_zeros, n_threads=1), expected)
    for n_threads in (2, 3):
        prescribe(itertools.repeat((n_threads, 100)), n_threads)
        assert_same_bits(again(skip_zeros=skip_zeros), expected)


@both_dtypes
@every_net
def test_stretches(sizes, dtype, prescribe):
    """Any partition into stretches, each with its own number of threads."""
    again, expected = case(sizes, dtype)
    rng = np.random.RandomState(0)
    prescribe((int(rng.randint(1, 4)), int(rng.randint(1, 6))) for _ in itertools.count())
    assert_same_bits(again(), expected)


@both_dtypes
@pytest.mark.parametrize("skip_zeros", [False, True])
def test_stretches_of_rows_that_are_shared(dtype, skip_zeros, prescribe):
    again, expected = case((24, 5, 90, 10), dtype, 65)
    rng = np.random.RandomState(0)
    prescribe((int(rng.randint(1, 4)), int(rng.randint(1, 3))) for _ in itertools.count())
    assert_same_bits(again(skip_zeros=skip_zeros), expected)


@both_dtypes
def test_threads_as_timed(dtype):
    again, expected = case((17, 90, 5, 10), dtype)
    for n_threads in (2, 3, None):
        assert_same_bits(again(n_threads=n_threads), expected)


@both_dtypes
@pytest.mark.parametrize("kind", ["float", "csr"])
@pytest.mark.parametrize("skip_zeros", [True, False])
def test_kinds_of_rows(dtype, kind, skip_zeros):
    again, expected = case((17, 64, 64, 10), dtype)
    scaled = again.pixels / np.dtype(dtype).type(255)
    x = scaled if kind == "float" else pytest.importorskip("scipy.sparse").csr_matrix(scaled)
    assert_same_bits(again(x, n_threads=2, skip_zeros=skip_zeros), expected)


@both_dtypes
@pytest.mark.parametrize("batch_size", [1, 64, 65, 130, 300])
def test_sizes_of_batches(dtype, batch_size, prescribe):
    # Large batches have threads share the rows of a first layer that is narrow.
    for sizes in [(30, 64, 10), (17, 90, 5, 10), (24, 5, 90, 10), (17, 3, 5), (40, 3)]:
        again, expected = case(sizes, dtype, batch_size)
        for n_threads, skip_zeros in itertools.product((1, 2, 3), (True, False)):
            prescribe(itertools.repeat((n_threads, 50)), n_threads)
            assert_same_bits(again(skip_zeros=skip_zeros), expected)


# Inputs of one part, of several, and of fewer and more parts than threads.
DIVIDED = [(30, 10), (9, 5, 1), (600, 64, 10), (1040, 3, 40), (1600, 20, 30, 7), (2100, 90, 5, 4)]


@both_dtypes
@pytest.mark.parametrize("sizes", DIVIDED, ids=lambda sizes: "-".join(map(str, sizes)))
def test_inputs_divided(sizes, dtype, prescribe):
    """Threads that divide the first layer's inputs, and then the rows of the batch."""
    teams = {1: [2], 24: [1, 2, 3], 130: [4, 8]}  # by size of the batches
    for n, (again, expected) in [(n, case(sizes, dtype, n)) for n in teams]:
        for n_threads in teams[n]:
            prescribe(itertools.repeat((Choice(n_threads, by_inputs=True), 1000)), n_threads)
            assert_same_bits(again(skip_zeros=True), expected)


PROBLEMS = [
    Problem(),
    Problem(activation="silu", optimizer="adam", dropout=0.3),
    Problem(activation="tanh", optimizer="momentum"),
]


@pytest.mark.parametrize(
    ("kind", "density"),
    [("uint8", 0.2), ("float32", 0.2), ("float64", 0.2), ("csr", 0.2), ("csr", 0.02)],
)
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.activation)
@pytest.mark.parametrize("sizes", [(1100, 90, 10), (1001, 5, 40, 7)], ids=["shallow", "deep"])
def test_inputs_divided_in_some_stretches(sizes, kind, density, problem, prescribe):
    """Any partition into stretches, each of which divides the work in its own way."""
    rng = np.random.RandomState(0)
    x, y = make_rows(300, sizes[0], kind, density), make_labels(300, sizes[-1])
    run = functools.partial(
        train, make_parameters(sizes, "float32"), x, y, problem=problem, with_penalty=True,
        row_weights=np.linspace(0, 2, 300),
    )  # fmt: skip
    penalties: dict[bool, list[float]] = {False: [], True: []}
    expected = run(n_threads=1, skip_zeros=False, penalties=penalties[False])
    prescribe(
        (Choice(int(rng.randint(1, 4)), bool(rng.randint(2))), int(rng.randint(1, 4)))
        for _ in itertools.count()
    )
    assert_same_bits(run(skip_zeros=True, penalties=penalties[True]), expected)
    assert penalties[True] == penalties[False]


def test_races(prescribe):
    """Small steps, layers of any size and few rows: threads meet often, at unequal distances."""
    rng = np.random.RandomState(1)
    for seed in range(40):
        sizes = (*rng.choice([3, 17, 64, 130], size=rng.randint(2, 5)), rng.choice([3, 40, 100]))
        n_rows = 400
        parameters = make_parameters(sizes, "float32", seed)
        x, y = make_rows(n_rows, sizes[0], seed=seed), make_labels(n_rows, sizes[-1])
        batch_size = int(rng.choice([1, 3, 8, 20, 64, 90]))
        skip_zeros = bool(seed % 2)
        runs = []
        for n_threads in (1, 2, 3, 2):
            by_inputs = skip_zeros and len(runs) > 0
            how = Choice(n_threads, by_inputs)
            prescribe(itertools.repeat((how, n_rows)), n_threads)
            runs.append(train(parameters, x, y, batch_size=batch_size, learning_rate=0.01,
                              skip_zeros=skip_zeros))  # fmt: skip
            assert_same_bits(runs[-1], runs[0])


def test_predictions():
    parameters = make_parameters((30, 40, 12), "float32")
    x = make_rows(1000, 30, "uint8", 0.2)
    expected = kernels.predict_proba(*parameters, x, 255.0, n_threads=1)
    for n_threads in (2, 3, 9, None):
        got = kernels.predict_proba(*parameters, x, 255.0, n_threads=n_threads)
        np.testing.assert_array_equal(got, expected)
    rows = kernels.predict_proba(*parameters, x[137:138], 255.0)
    np.testing.assert_array_equal(rows, expected[137:138])


def test_concurrent_fits():
    """Fits in several Python threads at once all end, with the bits of one alone."""
    again, expected = case((17, 64, 64, 10), "float32")
    runs: list[Run] = []

    def fit() -> None:
        runs.extend(again(n_threads=2) for _ in range(5))

    threads = [threading.Thread(target=fit) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert len(runs) == 15
    for run in runs:
        assert_same_bits(run, expected)
