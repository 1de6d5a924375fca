"""One thread for everything, and one table of ratios at the end.

`nox -s bench` also saves pytest-benchmark's JSON in benchmarks/results/. With ``--quick`` each side
runs once, on a few rows: that shows that the benchmarks work, not how fast anything is.
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

ROUNDS = 7
Times = dict[str, dict[str, float]]  # seconds by case, then by side
TIMES = pytest.StashKey[Times]()

Timer = Callable[[str, str, Callable[[], object]], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="one round each, on a few rows")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TIMES] = {}
    config.option.benchmark_quiet = True  # its tables are 230 columns wide


@pytest.fixture(scope="session")
def n_rounds(request: pytest.FixtureRequest) -> int:
    """How often each side is timed."""
    return 1 if request.config.getoption("quick") else ROUNDS


@pytest.fixture
def timed(benchmark: Any, request: pytest.FixtureRequest, n_rounds: int) -> Timer:
    """``timed(case, side, function)``: best of `n_rounds`; sides of a case share a table row."""

    def run(case: str, side: str, function: Callable[[], object]) -> None:
        benchmark.group = case
        benchmark.pedantic(function, rounds=n_rounds, warmup_rounds=1)
        if benchmark.stats is not None:  # None with --benchmark-disable
            request.config.stash[TIMES].setdefault(case, {})[side] = benchmark.stats.stats.min

    return run


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print a Markdown table, its columns aligned, that fits a terminal of 80 columns."""
    n_rounds = 1 if config.getoption("quick") else ROUNDS
    rows = [[f"one thread, best of {n_rounds}", "reference", "fastmlp", "faster"]]
    rows += [
        [
            case,
            _milliseconds(times["reference"]),
            _milliseconds(times["fastmlp"]),
            f"{times['reference'] / times['fastmlp']:.1f} times",
        ]
        for case, times in config.stash[TIMES].items()
        if len(times) == 2
    ]
    if len(rows) == 1:
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    terminalreporter.write_line("")
    for name, *figures in rows:
        cells = [name.ljust(widths[0])]
        cells += [text.rjust(width) for text, width in zip(figures, widths[1:], strict=True)]
        terminalreporter.write_line(f"| {' | '.join(cells)} |")
    terminalreporter.write_line("")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:#.3g}".rstrip(".") + " ms"
