"""Rows 15 and 16: squared error, a table of numbers with adam, and a tiny net in full batches."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from benchmarks.peers import session
from benchmarks.peers.agreement import line_up
from benchmarks.peers.field import Fields
from benchmarks.peers.peak import OfPeak, race_beside_peak
from benchmarks.peers.race import epochs, fastest_peer, race, ratio_target
from benchmarks.peers.run import Run, Target, threads
from benchmarks.peers.sides import FASTMLP

TABLE_SIZES, TABLE_BATCH, TABLE_ROWS = (50, 128, 64, 1), 200, 100_000
PERCENT_OF_PEAK = 60
TINY_SIZES, TINY_ROWS = (4, 32, 16, 4), 10_000
TINY_EPOCHS = 100  # in a call
ADAM_RATE = 0.001
SIMPLE_CHAINS = "SimpleChains.jl: 164 us (4 laptop cores), 41 us (18 cores)"


def table(run: Run, fields: Fields) -> list[Target]:
    case = run.regression(TABLE_SIZES, TABLE_BATCH, TABLE_ROWS)
    case = replace(case, optimizer="adam", learning_rate=ADAM_RATE)
    field = fields.at(1)
    line_up(field, case, 1)
    contestants = epochs(field, 0 if run.quick else 0.5)
    seconds, peak = race_beside_peak(contestants, field[FASTMLP], case.dtype, run.n_rounds)
    what = f"{TABLE_ROWS:,} x {case.name}, squared error, adam, 1 thread"
    run.seconds[what] = seconds
    peer, theirs = fastest_peer(seconds)
    ours = min(seconds[FASTMLP.label])
    of_peak = OfPeak(case.flops_per_row() * TABLE_ROWS, peak)
    percent, their_percent = of_peak.percent(ours), of_peak.percent(theirs)
    return [
        Target(
            15,
            what,
            f"ahead of every peer, >= {PERCENT_OF_PEAK} % of FMA peak",
            f"{theirs / ours:.2f} times, {percent:.1f} %",
            ours < theirs and percent >= PERCENT_OF_PEAK,
            f"{ours * 1e3:.0f} ms; {peer} {theirs * 1e3:.0f} ms, {their_percent:.1f} %; "
            f"peak {peak / 1e9:.0f} GFLOP/s",
        )
    ]


def full_batch(run: Run, fields: Fields) -> list[Target]:
    n_threads = max(run.thread_counts)
    case = run.regression(TINY_SIZES, TINY_ROWS, TINY_ROWS)
    case = replace(case, optimizer="adam", learning_rate=ADAM_RATE, activation="tanh")
    field = fields.at(n_threads)
    line_up(field, case, n_threads)
    span = 0 if run.quick else 0.5
    contestants = {
        entry.label: partial(worker.call, session.best_full_batches, span, TINY_EPOCHS)
        for entry, worker in field.items()
    }
    seconds = race(contestants, run.n_rounds)
    what = f"{case.name}: tanh, squared error, adam, float32, {threads(n_threads)}"
    run.seconds[what] = seconds
    target = ratio_target(16, what, seconds, 3.0, unit="us")
    return [replace(target, note=f"{target.note}; {SIMPLE_CHAINS}")]
