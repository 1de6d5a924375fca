"""How much faster more threads are: `python -m benchmarks.peers --threads 1,2,4,8,16`.

fastmlp alone, a process for each number of threads, whose rounds alternate. Each process may run on
as many cores as it has threads, or on all of them if there are fewer: then threads take turns, and
what is measured is that this costs little.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import session
from benchmarks.peers.case import Case
from benchmarks.peers.race import race
from benchmarks.peers.run import Run, threads
from benchmarks.peers.sides import FASTMLP
from benchmarks.peers.worker import Worker

H, WIDE, PREDICT, TABLE = "H", "784-512-512-10", "predict", "TableClassifier"
WIDE_SIZES, WIDE_BATCH, WIDE_ROWS = (784, 512, 512, 10), 128, 8192
TABLE_ROWS, TABLE_COLUMNS, TABLE_ROUNDS = 2000, 20, 3  # a fit takes seconds
SECONDS = 0.3  # of a round, which is the best epoch, or prediction, of them

Workers = dict[int, Worker]


def measure(run: Run, counts: Sequence[int]) -> dict[str, dict[int, float]]:
    """Measure with each number of threads: the least seconds, by what is done and by threads.

    Raises
    ------
    AssertionError
        If another number of threads computes other bits.
    """
    span = 0 if run.quick else SECONDS
    x_file = run.all_digits_file()
    rounds, best = run.n_rounds, {}
    with ExitStack() as stack:
        workers = {n: stack.enter_context(Worker(n)) for n in counts}

        def by_threads(what: str, call: Callable[[Worker, int], float], n_rounds: int) -> None:
            run.show(f"{what}: {', '.join(map(str, counts))} threads")
            contestants = {str(n): partial(call, worker, n) for n, worker in workers.items()}
            seconds = race(contestants, n_rounds)
            best[what] = {n: min(seconds[str(n)]) for n in counts}

        wide = run.dense(WIDE_SIZES, WIDE_BATCH, WIDE_ROWS)
        for what, case in ((WIDE, wide), (H, run.h("uint8"))):
            _start(case, workers)
            by_threads(what, lambda worker, _: worker.call(session.best_epoch, span), rounds)
        by_threads(
            PREDICT, lambda worker, _: worker.call(session.best_prediction, x_file, span), rounds
        )
        _same(TABLE, {n: [worker.call(table_fit, n)[1]] for n, worker in workers.items()})
        by_threads(TABLE, lambda worker, n: worker.call(table_fit, n)[0], min(rounds, TABLE_ROUNDS))
    return {what: best[what] for what in (H, WIDE, PREDICT, TABLE)}


def _start(case: Case, workers: Workers) -> None:
    """Start all workers on the case; an epoch later, all have the same parameters."""
    parameters = {}
    for n, worker in workers.items():
        worker.call(session.start, FASTMLP.module, FASTMLP.class_name, case, n)
        weights, biases = worker.call(session.train, len(case.load()[1]))
        parameters[n] = [*weights, *biases]
    _same(case.name, parameters)


def _same(what: str, found: dict[int, list[NDArray]]) -> None:
    first, *others = found
    for n in others:
        for a, b in zip(found[first], found[n], strict=True):
            if a.tobytes() != b.tobytes():
                raise AssertionError(f"{what}: other bits with {threads(n)} than {threads(first)}")


def table_fit(n_threads: int) -> tuple[float, NDArray]:
    """Seconds of a fit to a table of numbers and a word; its predictions. Runs in a worker."""
    import pandas as pd

    from fastmlp import TableClassifier

    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((TABLE_ROWS, TABLE_COLUMNS))
    x = pd.DataFrame(numbers, columns=[f"column {i}" for i in range(TABLE_COLUMNS)])
    x["word"] = np.array(["a", "b", "c", "d"])[rng.integers(4, size=TABLE_ROWS)]
    y = (numbers[:, :5].sum(axis=1) + (x["word"] == "a")) > 0
    model = TableClassifier(n_threads=n_threads, random_state=0)
    begin = time.perf_counter()
    model.fit(x, y)
    return time.perf_counter() - begin, model.predict_proba(x)
