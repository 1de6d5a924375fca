"""Rows 13 and 14: H with adam, and with momentum in float64, against every peer."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.peers.agreement import line_up
from benchmarks.peers.field import Fields
from benchmarks.peers.race import epochs, race, ratio_target
from benchmarks.peers.run import Run, Target, threads

ADAM_RATE = 0.001


def adam(run: Run, fields: Fields) -> list[Target]:
    return [_at(run, fields, 13, n, "float32", "adam", ADAM_RATE, 3.0) for n in run.thread_counts]


def momentum(run: Run, fields: Fields) -> list[Target]:
    return [_at(run, fields, 14, 1, "float64", "momentum", 0.01, 2.5)]


def _at(
    run: Run,
    fields: Fields,
    number: int,
    n_threads: int,
    dtype: str,
    optimizer: str,
    learning_rate: float,
    times_faster: float,
) -> Target:
    case = replace(run.h(dtype), optimizer=optimizer, learning_rate=learning_rate)
    field = fields.at(n_threads)
    line_up(field, case, n_threads)
    seconds = race(epochs(field, 0 if run.quick else 0.3), run.n_rounds)
    what = f"H with {optimizer}, {dtype}, {threads(n_threads)}"
    run.seconds[what] = seconds
    return ratio_target(number, what, seconds, times_faster)
