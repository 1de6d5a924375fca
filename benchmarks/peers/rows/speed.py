"""Rows 1-3: an epoch of case H against the roofline, and against every peer.

fastmlp trains on H as it lies in the file, uint8 pixels, which it converts and scales in every
step, within its time. The peers' rows are scaled float32, prepared outside the timing; what fastmlp
makes of those stands beside it.
"""

from __future__ import annotations

from functools import partial

from benchmarks.peers.agreement import line_up, start
from benchmarks.peers.field import Field, Fields
from benchmarks.peers.race import epochs, fastest_peer, race
from benchmarks.peers.run import Run, Target, threads
from benchmarks.peers.sides import FASTMLP, PIXELS
from benchmarks.peers.worker import Worker
from fastmlp.profiling import measure_fma_peak

OF_ROOFLINE = {1: 0.52, 2: 0.70}
TIMES_FASTER = {1: 3.5, 2: 5.0}


def measure(run: Run, fields: Fields) -> list[Target]:
    return [target for n in run.thread_counts for target in _at(run, n, fields.at(n))]


def _at(run: Run, n_threads: int, field: Field) -> list[Target]:
    case = run.h()
    line_up(field, case, n_threads)
    with Worker(n_threads) as pixels:
        start(PIXELS, pixels, case, n_threads, given=run.h("uint8"))
        contestants = epochs(field | {PIXELS: pixels}, 0 if run.quick else 0.3)
        contestants["peak"] = partial(field[FASTMLP].call, measure_fma_peak, case.dtype, 1)
        contestants["peak of all"] = partial(pixels.call, measure_fma_peak, case.dtype, n_threads)
        seconds = race(contestants, run.n_rounds)
    peak, peak_of_all = (max(seconds.pop(name)) for name in ("peak", "peak of all"))
    run.seconds[f"H, {threads(n_threads)}"] = seconds

    n_rows = len(case.load()[1])
    roofline = case.flops_per_row() * n_rows / (peak * n_threads)
    ours, from_floats = min(seconds[PIXELS.label]), min(seconds[FASTMLP.label])
    peer, theirs = fastest_peer(seconds)
    return [
        Target(
            n_threads,
            f"H, float32, {threads(n_threads)}: epoch / roofline",
            f"<= {OF_ROOFLINE[n_threads]:.2f}",
            f"{ours / roofline:.3f}",
            ours / roofline <= OF_ROOFLINE[n_threads],
            f"{ours * 1e3:.1f} ms from uint8 pixels; roofline {roofline * 1e3:.1f} ms at "
            f"{peak / 1e9:.0f} GFLOP/s a core ({threads(n_threads)} at once: "
            f"{peak_of_all / 1e9:.0f}); {n_rows:,} rows of {run.digits.source}; "
            f"from float32 rows {from_floats * 1e3:.1f} ms, {from_floats / roofline:.3f}",
        ),
        Target(
            3,
            f"H against the fastest peer, {threads(n_threads)}",
            f">= {TIMES_FASTER[n_threads]:.1f} times",
            f"{theirs / ours:.2f} times",
            theirs / ours >= TIMES_FASTER[n_threads],
            f"{ours * 1e3:.1f} ms; {peer} {theirs * 1e3:.1f} ms; "
            f"from float32 rows {theirs / from_floats:.2f} times",
        ),
    ]
