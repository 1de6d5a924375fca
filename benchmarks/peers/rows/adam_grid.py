"""Row 17: six cells of the grid with adam, each faster than the fastest peer?"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.peers.agreement import line_up
from benchmarks.peers.field import Fields
from benchmarks.peers.race import epochs, fastest_peer, race
from benchmarks.peers.rows.grid import CLASSES, ROWS
from benchmarks.peers.run import Run, Target
from benchmarks.peers.sides import FASTMLP

ADAM_RATE = 0.001
# (inputs, hidden, batch size): two small, two middle, two wide
CELLS: tuple[tuple[int, tuple[int, ...], int], ...] = (
    (20, (16,), 16),
    (20, (64,), 64),
    (100, (256,), 64),
    (784, (64,), 256),
    (100, (512, 512), 1024),
    (784, (512, 512), 64),
)


def measure(run: Run, fields: Fields) -> list[Target]:
    notes, ratios = [], []
    field = fields.at(1)
    for inputs, hidden, batch_size in CELLS[:: 3 if run.quick else 1]:
        case = run.dense((inputs, *hidden, CLASSES), batch_size, ROWS)
        case = replace(case, optimizer="adam", learning_rate=ADAM_RATE)
        line_up(field, case, 1)
        seconds = race(epochs(field, 0 if run.quick else 0.1), run.n_rounds)
        run.seconds[f"{case.name}, adam, 1 thread"] = seconds
        peer, theirs = fastest_peer(seconds)
        ratios.append(theirs / min(seconds[FASTMLP.label]))
        notes.append(f"{case.name}: {ratios[-1]:.2f} ({peer})")
        run.show(f"adam, {notes[-1]}")
    n_won = sum(ratio > 1 for ratio in ratios)
    return [
        Target(
            17,
            f"the grid with adam: {len(ratios)} shapes, {ROWS:,} rows, 1 thread",
            "faster than the fastest peer in every cell",
            f"in {n_won} of {len(ratios)} cells, {min(ratios):.2f} to {max(ratios):.1f} times",
            n_won == len(ratios),
            "; ".join(notes),
        )
    ]
