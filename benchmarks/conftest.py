"""One thread for everything, and a table of ratios at the end.

`nox -s bench` also saves pytest-benchmark's JSON in benchmarks/results/.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

# BLAS reads these when NumPy is imported, which must not have happened yet.
for variable in ("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    if "numpy" in sys.modules and os.environ.get(variable) != "1":
        raise pytest.UsageError(
            "NumPy came first: set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1"
        )
    os.environ[variable] = "1"

Times = dict[str, dict[str, float]]  # seconds by case, then by side
TIMES = pytest.StashKey[Times]()

Timer = Callable[[str, str, Callable[[], object]], None]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TIMES] = {}


@pytest.fixture
def timed(benchmark: Any, request: pytest.FixtureRequest) -> Timer:
    """``timed(case, side, function)``: best of some rounds; sides of a case share a table row."""

    def run(case: str, side: str, function: Callable[[], object]) -> None:
        benchmark.group = case
        benchmark.pedantic(function, rounds=7, warmup_rounds=1)
        if benchmark.stats is not None:  # None with --benchmark-disable
            request.config.stash[TIMES].setdefault(case, {})[side] = benchmark.stats.stats.min

    return run


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    rows = [
        f"| {case} | {times['reference'] * 1e3:.3g} | {times['fastmlp'] * 1e3:.3g} "
        f"| {times['reference'] / times['fastmlp']:.1f} |"
        for case, times in config.stash[TIMES].items()
        if len(times) == 2
    ]
    if rows:
        header = "| one thread, best of 7 | reference, ms | fastmlp, ms | times faster |"
        table = [header, "| --- | --- | --- | --- |", *rows]
        terminalreporter.write_line("\n" + "\n".join(table) + "\n")
