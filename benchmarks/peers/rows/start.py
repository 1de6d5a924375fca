"""Rows 10 and 11: the first fit with an empty cache, and the first epoch with a warm one."""

from __future__ import annotations

import tempfile

from benchmarks.peers import fits
from benchmarks.peers.field import Fields
from benchmarks.peers.run import Run, Target
from benchmarks.peers.worker import Worker, available_cores

WARM_SECONDS, COLD_SECONDS = 1.2, 10.0
# What a user may come with first: (hidden sizes, dtype, dtype of the data)
CONFIGURATIONS: tuple[tuple[int | tuple[int, ...], str, str], ...] = (
    (64, "float32", "float32"),
    (64, "float64", "float64"),
    (64, "float32", "uint8"),
    ((512, 512), "float32", "float32"),
)


def measure(run: Run, fields: Fields) -> list[Target]:
    cold = {}
    silent = []
    for hidden, dtype, data in CONFIGURATIONS[: 1 if run.quick else None]:
        name = f"hidden {hidden}, {dtype} from {data}"
        with tempfile.TemporaryDirectory() as cache:
            cold[name], output = _first_epoch(run, cache, hidden, dtype, data)
            if "compil" not in output.lower():
                silent.append(name)
            if name == next(iter(cold)):
                warm = [
                    _first_epoch(run, cache, hidden, dtype, data)[0] for _ in range(run.n_rounds)
                ]
    slowest = max(cold, key=cold.__getitem__)
    return [
        Target(
            10,
            "second process, warm cache: import to first epoch of H",
            f"<= {WARM_SECONDS} s",
            f"{min(warm):.2f} s",
            min(warm) <= WARM_SECONDS,
        ),
        Target(
            11,
            "first fit of any configuration, empty cache, import included",
            f"<= {COLD_SECONDS:.0f} s, announced",
            f"{cold[slowest]:.1f} s" + (", not announced" if silent else ", announced"),
            cold[slowest] <= COLD_SECONDS and not silent,
            "; ".join(f"{name}: {seconds:.1f} s" for name, seconds in cold.items()),
        ),
    ]


def _first_epoch(
    run: Run, cache: str, hidden: int | tuple[int, ...], dtype: str, data: str
) -> tuple[float, str]:
    """Seconds, and what the process printed."""
    cores = available_cores()
    with Worker(len(cores), cores, {"FASTMLP_CACHE_DIR": cache}) as worker:
        seconds = worker.call(fits.first_epoch, run.h(data), hidden, dtype, None)
        return seconds, worker.output()
