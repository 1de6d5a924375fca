"""Row 6: a grid of shapes on dense data, each faster than the fastest peer?"""

from __future__ import annotations

from itertools import product

from benchmarks.peers.agreement import line_up
from benchmarks.peers.field import Fields
from benchmarks.peers.race import epochs, fastest_peer, race
from benchmarks.peers.run import Run, Target, threads
from benchmarks.peers.sides import FASTMLP

INPUTS = (20, 100, 784)
HIDDEN: tuple[tuple[int, ...], ...] = ((16,), (64,), (256,), (256, 256), (512, 512))
BATCHES = (16, 64, 256, 1024)
CLASSES = 10
ROWS = 8192
ROUNDS = 5
CLOSE = 1.1  # ratio below which a cell gets as many rounds again


def group(inputs: int, hidden: tuple[int, ...], batch_size: int, n_threads: int) -> str:
    sizes = "-".join(map(str, (inputs, *hidden, CLASSES)))
    return f"{sizes}, batch {batch_size}, {threads(n_threads)}"


def measure(run: Run, fields: Fields) -> list[Target]:
    cells = list(product(INPUTS, HIDDEN, BATCHES, run.thread_counts))
    if run.quick:
        cells = cells[:: len(cells) // 6 + 1]
    ratios = {}
    for i, (inputs, hidden, batch_size, n_threads) in enumerate(cells, start=1):
        case = run.dense((inputs, *hidden, CLASSES), batch_size, ROWS)
        field = fields.at(n_threads)
        # Peers use as many of their threads as they find useful: so does fastmlp.
        line_up(field, case, {e: None if e is FASTMLP else n_threads for e in field})
        seconds = race(epochs(field, 0.04), 1 if run.quick else ROUNDS)
        if _ratio(seconds) < CLOSE and not run.quick:
            for name, more in race(epochs(field, 0.04), ROUNDS).items():
                seconds[name] += more
        name = group(inputs, hidden, batch_size, n_threads)
        run.seconds[name] = seconds
        ratios[name] = _ratio(seconds)
        run.show(
            f"cell {i} of {len(cells)}, {name}: {ratios[name]:.2f} times {fastest_peer(seconds)[0]}"
        )
    lost = sorted((ratio, name) for name, ratio in ratios.items() if ratio <= 1)
    return [
        Target(
            6,
            f"the grid: {len(cells)} shapes, {ROWS:,} rows of dense data",
            "faster than the fastest peer in every cell",
            f"in {len(ratios) - len(lost)} of {len(ratios)} cells, "
            f"{min(ratios.values()):.2f} to {max(ratios.values()):.1f} times",
            not lost,
            "; ".join(f"{name}: {ratio:.2f}" for ratio, name in lost),
        )
    ]


def _ratio(seconds: dict[str, list[float]]) -> float:
    return fastest_peer(seconds)[1] / min(seconds[FASTMLP.label])
