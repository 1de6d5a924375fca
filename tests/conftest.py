"""Fixtures shared by the test files."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

# On a machine busy with anything else, a step's small products take NumPy's BLAS twenty times
# longer with two threads than with one. This has to stand before NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# For `benchmarks`, whose harness is tested too. At the end: fastmlp is the one that is installed.
sys.path.append(str(Path(__file__).parents[1]))

from collections.abc import Iterator

import numpy as np
import pytest
from cache_tools import kernels, project  # noqa: F401 - fixtures
from numpy.typing import NDArray
from profiling_tools import quick  # noqa: F401 - a fixture

import fastmlp
from fastmlp import reference

# A shell that runs the tests in its background has them ignore Ctrl-C, which some are about.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# So does nohup with the hang-up, which the command line then rightly ignores as well.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

Digits = tuple[NDArray[np.uint8], NDArray[np.intp]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked long, unless `-m` speaks of them.

    As an option in pyproject.toml, ``-m "not long"`` would give way to any other ``-m``.
    """
    if "long" in config.getoption("markexpr"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


def shared_csv() -> Path | None:
    """The real digits in Kaggle's layout, or None where they have not been put."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("FASTMLP_DATA", beside))
    found = folder / "digit-recognizer" / "train.csv.gz"
    return found if found.exists() else None


def cached_table(path: Path, cache: pytest.Cache | None) -> NDArray[np.uint8]:
    """The CSV's cells; parsing takes two seconds, so pytest's cache keeps them for the next run."""
    cached = cache and cache.mkdir("digits") / f"{path.stat().st_size}.npy"
    if cached and cached.exists():
        return np.load(cached)
    import pandas as pd

    table = pd.read_csv(path).to_numpy().astype(np.uint8, order="C")
    if cached:
        partial = cached.with_name(f"{os.getpid()}.npy")
        np.save(partial, table)
        partial.replace(cached)
    return table


@pytest.fixture(scope="session")
def real_digits(request: pytest.FixtureRequest) -> Digits:
    """Pixels (n, 784) uint8 and labels: MNIST's 42,000 rows, else fastmlp's own digits."""
    path = shared_csv()
    if path is None:
        from fastmlp.data import make_digits

        x, y = make_digits(n_samples=12_000, seed=42)
        return x, np.asarray(y, np.intp)
    table = cached_table(path, getattr(request.config, "cache", None))
    return np.ascontiguousarray(table[:, 1:]), table[:, 0].astype(np.intp)


@pytest.fixture(params=[reference.MLP, fastmlp.MLP], ids=["reference", "compiled"])
def mlp_class(request: pytest.FixtureRequest) -> type[fastmlp.MLP]:
    """Each of the two implementations in turn."""
    return request.param


@pytest.fixture(autouse=True)
def keep_global_generator() -> Iterator[None]:
    """No test leaves NumPy's global generator in another state than it found."""
    state = np.random.get_state()
    yield
    np.random.set_state(state)


@pytest.fixture
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line writes its files there."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """A file of digits that are learnt at once."""
    from cli_tools import easy_digits, write_csv

    return write_csv(tmp_path / "train.csv", *easy_digits())
