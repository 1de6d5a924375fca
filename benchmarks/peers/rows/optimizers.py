"""Rows 13 and 14: H with adam, and with momentum in float64, against every peer.

As in rows 1 to 3, float32 is trained on H's uint8 pixels, and what scaled float32 rows take, which
is what the peers have, stands beside it.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.peers.agreement import line_up, start
from benchmarks.peers.case import Case
from benchmarks.peers.field import Fields
from benchmarks.peers.race import epochs, fastest_peer, race, ratio_target
from benchmarks.peers.run import Run, Target, threads
from benchmarks.peers.sides import FASTMLP, PIXELS
from benchmarks.peers.worker import Worker

ADAM_RATE = 0.001
ADAM_TIMES, MOMENTUM_TIMES = 3.0, 2.5


def adam(run: Run, fields: Fields) -> list[Target]:
    return [_adam(run, fields, n) for n in run.thread_counts]


def _adam(run: Run, fields: Fields, n_threads: int) -> Target:
    def with_adam(case: Case) -> Case:
        return replace(case, optimizer="adam", learning_rate=ADAM_RATE)

    case, field = with_adam(run.h()), fields.at(n_threads)
    line_up(field, case, n_threads)
    with Worker(n_threads) as pixels:
        start(PIXELS, pixels, case, n_threads, given=with_adam(run.h("uint8")))
        span = 0 if run.quick else 0.3
        seconds = race(epochs(field | {PIXELS: pixels}, span), run.n_rounds)
    what = f"H with adam, float32, {threads(n_threads)}"
    run.seconds[what] = seconds
    ours, from_floats = min(seconds[PIXELS.label]), min(seconds[FASTMLP.label])
    peer, theirs = fastest_peer(seconds)
    return Target(
        13,
        what,
        f">= {ADAM_TIMES:.1f} times the fastest peer",
        f"{theirs / ours:.2f} times",
        theirs / ours >= ADAM_TIMES,
        f"{ours * 1e3:.1f} ms from uint8 pixels; {peer} {theirs * 1e3:.1f} ms; "
        f"from float32 rows {from_floats * 1e3:.1f} ms, {theirs / from_floats:.2f} times",
    )


def momentum(run: Run, fields: Fields) -> list[Target]:
    case = replace(run.h("float64"), optimizer="momentum", learning_rate=0.01)
    field = fields.at(1)
    line_up(field, case, 1)
    what = f"H with momentum, float64, {threads(1)}"
    run.seconds[what] = race(epochs(field, 0 if run.quick else 0.3), run.n_rounds)
    return [ratio_target(14, what, run.seconds[what], MOMENTUM_TIMES)]
