"""Row 5: data without zeros, larger nets: how much of the FMA peak whole steps reach."""

from __future__ import annotations

from benchmarks.peers.agreement import line_up
from benchmarks.peers.field import Field, Fields
from benchmarks.peers.peak import OfPeak, race_beside_peak
from benchmarks.peers.race import epochs, fastest_peer
from benchmarks.peers.run import Run, Target, threads
from benchmarks.peers.sides import FASTMLP

# (layer sizes, batch size): percent of peak at 1 and 2 threads
NETS: dict[tuple[tuple[int, ...], int], dict[int, int]] = {
    ((784, 512, 512, 10), 128): {1: 88, 2: 80},
    ((512, 512, 512, 512), 256): {1: 82, 2: 78},
}
ROWS = 8192


def measure(run: Run, fields: Fields) -> list[Target]:
    return [_at(run, n, fields.at(n), *net) for net in NETS for n in run.thread_counts]


def _at(
    run: Run, n_threads: int, field: Field, layer_sizes: tuple[int, ...], batch_size: int
) -> Target:
    case = run.dense(layer_sizes, batch_size, ROWS)
    line_up(field, case, n_threads)
    contestants = epochs(field, 0 if run.quick else 0.5)
    seconds, peak = race_beside_peak(contestants, field[FASTMLP], case.dtype, run.n_rounds)
    run.seconds[f"{case.name}, {threads(n_threads)}"] = seconds

    peer, theirs = fastest_peer(seconds)
    ours = min(seconds[FASTMLP.label])
    of_peak = OfPeak(case.flops_per_row() * ROWS, peak * n_threads)
    percent = of_peak.percent(ours)
    target = NETS[layer_sizes, batch_size][n_threads]
    return Target(
        5,
        f"{case.name}, dense data, {threads(n_threads)}: of FMA peak",
        f">= {target} %",
        f"{percent:.1f} %, {theirs / ours:.2f} times",
        percent >= target,
        f"{peer} {of_peak.percent(theirs):.1f} %; peak {peak / 1e9:.0f} GFLOP/s a core",
    )
