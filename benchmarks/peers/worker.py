"""A process of its own for one side: the child's loop, and the parent's handle on it.

The parent sends module-level functions with their arguments through a pipe; the child calls them
and sends back what they return. Threads are limited before anything heavy is imported: by
affinity, and by every library's own environment variable.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

THREAD_VARIABLES = (
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


class WorkerError(RuntimeError):
    """The child's exception, with its traceback; ``missing_module`` where an import failed."""

    def __init__(self, message: str, missing_module: str | None = None) -> None:
        super().__init__(message)
        self.missing_module = missing_module


def available_cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


class Worker:
    """A child process pinned to ``n_threads`` cores (or to ``cores``), where the OS can pin.

    Use as a context manager; leaving it ends the process.
    """

    def __init__(
        self,
        n_threads: int,
        cores: list[int] | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        cores = cores if cores is not None else available_cores()[-n_threads:]
        variables = dict.fromkeys(THREAD_VARIABLES, str(n_threads))
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        self._pipe, theirs = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno()), ",".join(map(str, cores))],
            pass_fds=[theirs.fileno()],
            cwd=Path(__file__).parents[2],  # where `-m` finds the benchmarks, from anywhere
            env={**os.environ, **variables, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        theirs.close()

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """``function(*args, **kwargs)`` in the child; an hour at most."""
        return self.call_within(3600, function, *args, **kwargs)

    def call_within(
        self, seconds: float, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """As `call`, but a child that takes longer is ended and TimeoutError raised."""
        self.send(function, *args, **kwargs)
        if not self._pipe.poll(seconds):
            self.close()
            raise TimeoutError(f"{function.__name__} took more than {seconds:.0f} s")
        try:
            ok, answer = self._pipe.recv()
        except EOFError:
            raise WorkerError(f"the process died:\n{self.output()[-2000:]}") from None
        if not ok:
            raise WorkerError(*answer)
        return answer

    def send(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Begin a call whose answer nobody waits for."""
        self._pipe.send((function, args, kwargs))

    def output(self) -> str:
        """What the child has printed so far, to stdout and stderr."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def close(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.wait()
        self._log.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def spin() -> None:
    """Keep a core busy until this process is ended, or its parent has gone."""
    parent = os.getppid()
    while os.getppid() == parent:
        pass


def _serve(pipe: Connection) -> None:
    while True:
        try:
            function, args, kwargs = pipe.recv()
        except EOFError:
            return
        answer: tuple[bool, Any]
        try:
            answer = True, function(*args, **kwargs)
        except ModuleNotFoundError as error:
            answer = False, (str(error), error.name)
        except Exception:
            answer = False, (traceback.format_exc(),)
        pipe.send(answer)


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, map(int, sys.argv[2].split(",")))
    _serve(Connection(int(sys.argv[1])))
