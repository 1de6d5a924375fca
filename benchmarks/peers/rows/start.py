"""Rows 10 and 11: first fits with an empty cache, a further one, and the first epoch of a warm one.

Each fit is a process of its own, its time from ``import fastmlp`` to the end of the first epoch.
"""

from __future__ import annotations

import shutil
import tempfile
from typing import Any

from benchmarks.peers import fits
from benchmarks.peers.field import Fields
from benchmarks.peers.machine import by_core
from benchmarks.peers.run import Run, Target
from benchmarks.peers.worker import Worker, available_cores

WARM_SECONDS = 1.2
COLD_SECONDS = {"zen_5": 6.0, "zen_4": 8.0}
ENTRY_SECONDS, DTYPE_SECONDS = 3.0, 6.0
# What a user may come with first: (keywords of MLP, dtype of the data)
PLAIN: tuple[dict[str, Any], str] = ({"hidden_size": 64, "dtype": "float32"}, "float32")
FIRST = (
    PLAIN,
    ({"hidden_size": 64, "dtype": "float64"}, "float64"),
    ({"hidden_size": 64, "dtype": "float32"}, "uint8"),
    ({"hidden_size": (512, 512), "dtype": "float32"}, "float32"),
)
# What comes next, each with a cache that holds PLAIN, and no more
FURTHER: tuple[tuple[dict[str, Any], str, float], ...] = (
    ({"optimizer": "adam"}, "float32", ENTRY_SECONDS),
    ({"activation": "tanh"}, "float32", ENTRY_SECONDS),
    ({"dtype": "float64"}, "float64", DTYPE_SECONDS),
)


def measure(run: Run, fields: Fields) -> list[Target]:
    cold: dict[str, float] = {}
    silent = []
    further: list[Target] = []
    for settings, data in FIRST[: 1 if run.quick else None]:
        name = f"{_named(settings)} from {data}"
        with tempfile.TemporaryDirectory() as cache:
            cold[name], output = _first_epoch(run, cache, settings, data)
            if output.count("compiling") != 1 or output.count("compiled in") > 1:
                silent.append(name)
            if (settings, data) == PLAIN:
                warm = min(_first_epoch(run, cache, *PLAIN)[0] for _ in range(run.n_rounds))
                further = [_further(run, cache, *change) for change in FURTHER]
    slowest = max(cold, key=cold.__getitem__)
    limit = by_core(**COLD_SECONDS)
    return [
        Target(
            10,
            "second process, warm cache: import to first epoch of H",
            f"<= {WARM_SECONDS} s",
            f"{warm:.2f} s",
            warm <= WARM_SECONDS,
        ),
        Target(
            11,
            "first fit of any one configuration, empty cache, import included",
            f"<= {limit:.0f} s, announced once",
            f"{cold[slowest]:.1f} s, " + ("not announced once" if silent else "announced once"),
            cold[slowest] <= limit and not silent,
            "; ".join(f"{name}: {seconds:.1f} s" for name, seconds in cold.items()),
        ),
        *further,
    ]


def _further(run: Run, cache: str, change: dict[str, Any], data: str, limit: float) -> Target:
    """The first fit with something changed; the cache is copied, so that it holds no other."""
    what = f"a further one with another {_named(change)}"
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(cache, copy, dirs_exist_ok=True)
        seconds = _first_epoch(run, copy, PLAIN[0] | change, data)[0]
    return Target(11, what, f"<= {limit:.0f} s", f"{seconds:.1f} s", seconds <= limit)


def _named(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name.removesuffix('_size')} {value}" for name, value in settings.items())


def _first_epoch(run: Run, cache: str, settings: dict[str, Any], data: str) -> tuple[float, str]:
    """Seconds, and what the process printed."""
    cores = available_cores()
    with Worker(len(cores), cores, {"FASTMLP_CACHE_DIR": cache}) as worker:
        seconds = worker.call(fits.first_epoch, run.h(data), settings)
        return seconds, worker.output()
