"""All methods on all tables, one after the other, each in a process of its own."""

from __future__ import annotations

import pickle
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from benchmarks.peers.worker import Worker, WorkerError
from benchmarks.tables import session
from benchmarks.tables.methods import NEEDS
from benchmarks.tables.results import Result, append
from benchmarks.tables.rows import divided, fingerprint
from benchmarks.tables.sets import Source

Show = Callable[[str], None]


def installed(methods: Sequence[str], show: Show) -> list[str]:
    """The methods whose packages are there."""
    found = []
    for name in methods:
        if (package := NEEDS.get(name)) and find_spec(package) is None:
            show(f"{name} takes no part: {package} is not installed")
        else:
            found.append(name)
    return found


def measure(
    path: Path,
    sources: Sequence[Source],
    methods: Sequence[str],
    seeds: Sequence[int],
    n_threads: int,
    show: Show,
) -> None:
    """Fit every method to every table, and append each result to the file.

    Raises
    ------
    AssertionError
        If a method has got other rows than this process has drawn.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(n_threads)) for name in methods}
        for seed in seeds:
            for source in sources:
                try:
                    table = source.load()
                except ModuleNotFoundError as error:
                    show(f"{source.name} is left out: {error.name} is not installed")
                    continue
                file = Path(folder) / f"{source.name}.pkl"
                file.write_bytes(pickle.dumps(table))
                parts = divided(table, seed)
                rows, n_rows = fingerprint(parts), len(parts.y)
                for name in methods:
                    begin = time.perf_counter()
                    try:
                        found = workers[name].call(session.measure, name, file, seed, n_threads)
                    except (WorkerError, TimeoutError) as error:
                        show(f"{source.name}, {name}: {str(error).strip().splitlines()[-1]}")
                        continue
                    assert found.rows == rows, f"{name} has got other rows of {source.name}"
                    result = Result(
                        source.name, source.group, table.task, seed, name, n_threads, n_rows,
                        rows, cpu=found.cpu, wall=found.wall, predict=found.predict,
                        **found.scores,
                    )  # fmt: skip
                    append(path, result)
                    show(
                        f"{source.name}, seed {seed}, {name}: error {result.error:.4f}, "
                        f"{result.cpu:.1f} s of CPU ({time.perf_counter() - begin:.1f} s in all)"
                    )
