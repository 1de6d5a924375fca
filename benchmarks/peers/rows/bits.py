"""Row 7: the same bits at any number of threads, zero-skipping on or off."""

from __future__ import annotations

from itertools import product

from benchmarks.peers import fits
from benchmarks.peers.field import Fields
from benchmarks.peers.run import Run, Target
from benchmarks.peers.worker import Worker, available_cores

THREADS = (1, 2, 3)
EPOCHS = 5


def measure(run: Run, fields: Fields) -> list[Target]:
    digests = {}
    with Worker(max(THREADS), available_cores()) as worker:
        for n_threads, skip_zeros in product(THREADS, (True, False)):
            digest = worker.call_within(
                300, fits.digest, run.h(), EPOCHS, n_threads=n_threads, skip_zeros=skip_zeros
            )
            digests[f"{n_threads} threads, zeros {'skipped' if skip_zeros else 'kept'}"] = digest
    different = [name for name, value in digests.items() if value != next(iter(digests.values()))]
    return [
        Target(
            7,
            f"H: weights after {EPOCHS} epochs at 1, 2, 3 threads, zero-skipping on and off",
            "the same bits",
            f"{len(set(digests.values()))} different of {len(digests)}"
            if different
            else "the same",
            not different,
            "; ".join(different),
        )
    ]
