"""Row 12: training with two threads while another program keeps one of the two cores busy."""

from __future__ import annotations

from functools import partial
from statistics import median

from benchmarks.peers import session
from benchmarks.peers.field import Fields
from benchmarks.peers.race import race
from benchmarks.peers.run import Run, Target
from benchmarks.peers.sides import FASTMLP
from benchmarks.peers.worker import Worker, available_cores, spin

WHAT = "H with another program busy on one of two cores, against 1 thread"
TARGET, TIMES_SLOWER = "<= 1.15 times, never hangs", 1.15
SECONDS = 120  # after which a round counts as hung


def measure(run: Run, fields: Fields) -> list[Target]:
    if len(available_cores()) < 2:
        return [Target(12, WHAT, TARGET, "-", None, "needs two cores")]
    free, busy = available_cores()[:2]
    with (
        Worker(1, [free]) as one,
        Worker(2, [free, busy]) as two,
        Worker(2, [free, busy]) as own_choice,
        Worker(2, [free, busy]) as surprised,
        Worker(1, [busy]) as other,
    ):
        start = partial(_start, run)
        start(one, 1)
        start(surprised, None)
        other.send(spin)
        start(two, 2)
        start(own_choice, None)
        sides = {
            "1 thread": one,
            "n_threads=2": two,
            "n_threads=None": own_choice,
            "n_threads=None, the other program came later": surprised,
        }
        try:
            seconds = race(
                {
                    name: partial(w.call_within, SECONDS, session.median_epoch, 0.5)
                    for name, w in sides.items()
                },
                run.n_rounds,
            )
        except TimeoutError as error:
            return [Target(12, WHAT, TARGET, "hung", False, str(error))]
    run.seconds["H, one core busy"] = seconds
    medians = {name: median(values) for name, values in seconds.items()}
    alone = medians.pop("1 thread")
    worst = max(medians.values()) / alone
    return [
        Target(
            12,
            WHAT,
            TARGET,
            f"{worst:.3f} times",
            worst <= TIMES_SLOWER,
            f"1 thread {alone * 1e3:.1f} ms; "
            + "; ".join(f"{name} {value / alone:.2f}" for name, value in medians.items()),
        )
    ]


def _start(run: Run, worker: Worker, n_threads: int | None) -> None:
    """Start fastmlp on H and let it train a few epochs, in which it may choose its threads."""
    worker.call(session.start, FASTMLP.module, FASTMLP.class_name, run.h(), n_threads)
    worker.call_within(SECONDS, session.warm_up, 5)
