"""Trains and predicts with more threads than cores, and says the bits.

``python oversubscribed.py KIND N [N ...]``: for each number of threads a line with a digest of the
parameters, losses and predictions. It is a program, so that a test can end it if threads wait for
each other for ever, in compiled code, which no signal's handler interrupts.
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import Any

import numpy as np
from engine_tools import make_labels, make_parameters, make_rows, train

from fastmlp import kernels
from fastmlp.kernels import trainer as trainer_module
from fastmlp.kernels.inference import ROWS_PER_THREAD
from fastmlp.kernels.runtime.autotune import Choice

# A layer for 17 threads to share, one that is each thread's own, and one for 4: of 16 bytes a
# vector and more.
SIZES, ROWS, BATCH = (40, 272, 5, 64, 20), 160, 32
STRETCH = 5  # steps
ATTEMPTS = 200  # trainings whose threads the system starts too late to work together
KINDS: dict[str, dict[str, Any]] = {  # of rows
    "dense": {"kind": "float32"},
    "zero-skipping": {"kind": "uint8", "density": 0.2},
    "sparse": {"kind": "csr", "density": 0.2},
    "large batches": {"kind": "float32"},  # of which threads take parts
}


def main(kind: str, *counts: str) -> None:
    if hasattr(os, "sched_setaffinity"):  # two cores, on any machine
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    for count in counts:
        print(digest(kind, int(count)), flush=True)


def digest(kind: str, n_threads: int) -> str:
    """Of a training as users have it, one by so many threads all the time, and predictions."""
    x, y = make_rows(ROWS, SIZES[0], **KINDS[kind]), make_labels(ROWS, SIZES[-1])
    parameters = make_parameters(SIZES, "float32")
    scale = 255.0 if kind == "zero-skipping" else None
    options = {
        "batch_size": ROWS if kind == "large batches" else BATCH,
        "skip_zeros": kind in ("zero-skipping", "sparse"),
        "input_scale": scale,
    }
    runs = [train(parameters, x, y, epochs=40, n_threads=n_threads, **options)]
    with Together(n_threads) as together:
        for _ in range(ATTEMPTS):
            runs[1:] = [train(parameters, x, y, **options)]
            if together.have_worked:
                break
        else:
            raise TimeoutError(f"{n_threads} threads never came together")
    many = x[np.arange(16 * ROWS_PER_THREAD) % ROWS]  # a part for each of 16 threads
    outputs = kernels.predict_proba(*parameters, many, scale, n_threads=n_threads)
    arrays = [a for run in runs for a in (*run.parameters.arrays(), np.array(run.losses))]
    return hashlib.sha256(b"".join(a.tobytes() for a in [*arrays, outputs])).hexdigest()


class Together:
    """Within the block, so many threads run every stretch, if the system starts them in time.

    Attributes
    ----------
    have_worked : bool
        Whether they have, in some stretch.
    """

    def __init__(self, n_threads: int) -> None:
        self._n_threads = n_threads
        self.have_worked = False

    def __enter__(self) -> Together:
        self._before = trainer_module.Pace, trainer_module.Trainer._run_part
        n_threads, run_part = self._n_threads, trainer_module.Trainer._run_part

        class Pace:
            def __init__(self, *_: int | None) -> None:
                self.choices = [Choice(n) for n in sorted({1, n_threads})]

            def next(self) -> tuple[Choice, int]:
                return Choice(n_threads), STRETCH

            def took(self, *_: Any) -> None:
                pass

        def watched(trainer: Any, thread: int, n: int, first: int, last: int) -> int:
            n_worked = run_part(trainer, thread, n, first, last)
            self.have_worked |= n_worked == n_threads and last > first
            return n_worked

        trainer_module.Pace = Pace  # type: ignore[assignment, misc]
        trainer_module.Trainer._run_part = watched  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        trainer_module.Pace, trainer_module.Trainer._run_part = self._before  # type: ignore[misc]


if __name__ == "__main__":
    main(*sys.argv[1:])
