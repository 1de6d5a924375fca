"""Row 9: `predict` on all 42,000 rows, against every peer."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.peers import session
from benchmarks.peers.agreement import line_up
from benchmarks.peers.field import Field, Fields
from benchmarks.peers.race import fastest_peer, race
from benchmarks.peers.run import Run, Target, threads
from benchmarks.peers.sides import FASTMLP

SAME = 0.999  # share of the labels; a tie of two logits may go either way


def measure(run: Run, fields: Fields) -> list[Target]:
    return [_at(run, n, fields.at(n)) for n in run.thread_counts]


def _at(run: Run, n_threads: int, field: Field) -> Target:
    line_up(field, run.h(), n_threads)
    x_file = run.all_digits_file()
    expected = field[FASTMLP].call(session.predictions, x_file)
    for entry, worker in field.items():
        same = np.mean(worker.call(session.predictions, x_file) == expected)
        if same < SAME:
            raise AssertionError(f"{entry.label} and fastmlp agree on {same:.2%} of the labels")
    seconds = race(
        {
            entry.label: partial(worker.call, session.best_prediction, x_file, 0.2)
            for entry, worker in field.items()
        },
        run.n_rounds,
    )
    run.seconds[f"predict, {threads(n_threads)}"] = seconds
    ours = min(seconds[FASTMLP.label])
    peer, theirs = fastest_peer(seconds)
    return Target(
        9,
        f"predict on {len(expected):,} rows, {threads(n_threads)}",
        "faster than every peer",
        f"{theirs / ours:.2f} times the fastest",
        ours < theirs,
        f"{ours * 1e3:.1f} ms; {peer} {theirs * 1e3:.1f} ms",
    )
