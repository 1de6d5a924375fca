"""Rows 1-3: an epoch of case H against the roofline, and against every peer."""

from __future__ import annotations

from functools import partial

from benchmarks.peers.agreement import line_up
from benchmarks.peers.field import Field, Fields
from benchmarks.peers.race import epochs, fastest_peer, race
from benchmarks.peers.run import Run, Target, threads
from benchmarks.peers.sides import FASTMLP
from fastmlp.profiling import measure_fma_peak

OF_ROOFLINE = {1: 0.52, 2: 0.70}
TIMES_FASTER = {1: 3.5, 2: 5.0}


def measure(run: Run, fields: Fields) -> list[Target]:
    return [target for n in run.thread_counts for target in _at(run, n, fields.at(n))]


def _at(run: Run, n_threads: int, field: Field) -> list[Target]:
    case = run.h()
    line_up(field, case, n_threads)
    contestants = epochs(field, 0 if run.quick else 0.3)
    contestants["peak"] = partial(field[FASTMLP].call, measure_fma_peak, case.dtype, 1)
    seconds = race(contestants, run.n_rounds)
    peak = max(seconds.pop("peak"))
    run.seconds[f"H, {threads(n_threads)}"] = seconds

    n_rows = len(case.load()[1])
    roofline = case.flops_per_row() * n_rows / (peak * n_threads)
    ours = min(seconds[FASTMLP.label])
    peer, theirs = fastest_peer(seconds)
    return [
        Target(
            n_threads,
            f"H, float32, {threads(n_threads)}: epoch / roofline",
            f"<= {OF_ROOFLINE[n_threads]:.2f}",
            f"{ours / roofline:.3f}",
            ours / roofline <= OF_ROOFLINE[n_threads],
            f"{ours * 1e3:.1f} ms; roofline {roofline * 1e3:.1f} ms at {peak / 1e9:.0f} GFLOP/s "
            f"a core; {n_rows:,} rows of {run.digits.source}",
        ),
        Target(
            3,
            f"H against the fastest peer, {threads(n_threads)}",
            f">= {TIMES_FASTER[n_threads]:.1f} times",
            f"{theirs / ours:.2f} times",
            theirs / ours >= TIMES_FASTER[n_threads],
            f"{ours * 1e3:.1f} ms; {peer} {theirs * 1e3:.1f} ms",
        ),
    ]
