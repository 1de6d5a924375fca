"""Row 8: how far peak memory grows when training on H's uint8 pixels."""

from __future__ import annotations

import sys

from benchmarks.peers import fits
from benchmarks.peers.field import Fields
from benchmarks.peers.run import Run, Target, threads
from benchmarks.peers.worker import Worker

WHAT = "H, uint8 pixels: growth of peak memory after a fit of 64 rows"
LIMIT = "<= 1.3 X + 10 MB"


def measure(run: Run, fields: Fields) -> list[Target]:
    if sys.platform != "linux":
        return [Target(8, WHAT, LIMIT, "-", None, "needs Linux's /proc")]
    return [_at(run, n_threads) for n_threads in run.thread_counts]


def _at(run: Run, n_threads: int) -> Target:
    with Worker(n_threads) as worker:
        growth, x_bytes = worker.call(fits.memory_growth, run.h("uint8"), n_threads)
    limit = 1.3 * x_bytes + 10e6
    return Target(
        8,
        f"{WHAT}, {threads(n_threads)}",
        LIMIT,
        f"{growth / 1e6:.1f} MB",
        growth <= limit,
        f"the limit is {limit / 1e6:.1f} MB",
    )
