"""The sides that take part, a worker each."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.peers import session
from benchmarks.peers.run import Run, threads
from benchmarks.peers.sides import FASTMLP, PEERS, Entry
from benchmarks.peers.worker import Worker, WorkerError

Field = dict[Entry, Worker]


class Fields:
    """For each number of threads, the workers of fastmlp and of the peers that can be imported.

    They are started when first asked for, and serve all the rows that race. A context manager.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._fields: dict[int, Field] = {}
        self._stack = ExitStack()

    def at(self, n_threads: int) -> Field:
        if n_threads not in self._fields:
            self._run.show(f"starting the sides, {threads(n_threads)}")
            self._fields[n_threads] = field = {}
            for entry in (FASTMLP, *PEERS):
                worker = self._stack.enter_context(Worker(n_threads))
                try:
                    worker.call(session.load, entry.module)
                except WorkerError as error:
                    if error.missing_module is None or error.missing_module.startswith("fastmlp"):
                        raise
                    self._run.missing[entry.label] = f"{error.missing_module} is not installed"
                else:
                    field[entry] = worker
        return self._fields[n_threads]

    def __enter__(self) -> Fields:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
