"""Row 28: how exact float32 is, fastmlp's and NumPy's, against the reference in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import session
from benchmarks.peers.agreement import exact, float64_reference
from benchmarks.peers.case import Case
from benchmarks.peers.field import Fields
from benchmarks.peers.run import Run, Target
from benchmarks.peers.sides import FASTMLP, PEERS, Entry
from benchmarks.peers.worker import Worker

NUMPY = next(peer for peer in PEERS if peer.class_name == "NumPy")
# (layer sizes, batch size); rows: as many as the largest batch, in whole batches of each
NETS: tuple[tuple[tuple[int, ...], int], ...] = (
    ((784, 64, 10), 64),
    ((7, 1000, 300, 3), 2048),
    ((7, 1000, 3), 8192),
    ((20, 30, 4), 32768),
)
ROWS = 8192
TIMES = 2.0


def measure(run: Run, fields: Fields) -> list[Target]:
    worst, notes = 0.0, []
    field = fields.at(1)
    for layer_sizes, batch_size in NETS[:: 2 if run.quick else 1]:
        case = run.dense(layer_sizes, batch_size, max(ROWS, batch_size))
        expected = exact(float64_reference(case), case, len(case.load()[1]))[0][0]
        ours, theirs = (_error(case, expected, entry, field[entry]) for entry in (FASTMLP, NUMPY))
        worst = max(worst, ours / theirs)
        notes.append(f"{case.name}: {ours:.1e}, NumPy {theirs:.1e}")
    return [
        Target(
            28,
            "float32: error of an epoch's movement of w1 against float64, to NumPy's float32",
            f"<= {TIMES:.0f} times",
            f"{worst:.2f} times at most",
            worst <= TIMES,
            "; ".join(notes),
        )
    ]


def _error(case: Case, expected: NDArray, entry: Entry, worker: Worker) -> float:
    """Of one epoch's movement of w1, as a share of the movement."""
    worker.call(session.start, entry.module, entry.class_name, case, 1)
    got = worker.call(session.train, len(case.load()[1]))[0][0]
    before = case.initial_parameters()[0][0]
    return float(np.linalg.norm(got - expected) / np.linalg.norm(expected - before))
