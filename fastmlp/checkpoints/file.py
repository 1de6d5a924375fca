"""The file of a training: read when it goes on, replaced as a whole while it runs."""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np

from fastmlp import checks
from fastmlp.checkpoints.fingerprint import of_data
from fastmlp.checkpoints.tree import Array, put_together, taken_apart
from fastmlp.files import atomic_write, check_writable, sync_folder
from fastmlp.json_text import parse
from fastmlp.locks import locked
from fastmlp.tensors import Format, refusing_damage
from fastmlp.words import shown

FORMAT = Format("fastmlp-checkpoint", ("1",), "checkpoint", "is no checkpoint")
WRITER = "a training with checkpoint="
SHARE = 50  # pauses last at least so many times as long as the write before: 2 per cent at most
Taken = tuple[Any, dict[str, Array]]  # of `tree`: plain values, and arrays by name


class NoFile:
    """Keeps nothing; `CheckpointFile` is a subclass that does.

    Attributes
    ----------
    is_on : bool
        Whether there is a file.
    path : path-like
    found : dict
        The states that the file held, by their names.
    """

    is_on = False

    def __init__(self, path: str | os.PathLike[str] = "") -> None:
        self.path = path
        self.found: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    @property
    def pause(self) -> float:
        """Seconds from the end of one write to the next."""
        return math.inf

    def put(self, name: str, make: Callable[[], Mapping[str, Any]], may_write: bool = True) -> None:
        """Replace a state by what `make` returns, a tree; write the file if it is time."""

    def sum_of(self, data: Any) -> str | None:
        """Return `of_data` of rows that several runs share."""
        return of_data(data)


class CheckpointFile(NoFile):
    """A file that states are put into, each under a name, and read from.

    Within ``with``, no other training can have the file. What has been put and not yet written is
    written at the end. There may be several, one within another.

    Parameters
    ----------
    path : path-like
    seconds : float
        Between two writes, at least.
    resumes : bool
        Whether to read what there is, if anything.

    Raises
    ------
    OSError
        On entering, if no file can be written there, or what there is can't be read.
    ValueError
        On entering, if what there is is no checkpoint, or damaged.
    RuntimeError
        On entering, if another training has the file.
    """

    is_on = True

    def __init__(self, path: str | os.PathLike[str], seconds: float, resumes: bool) -> None:
        super().__init__(path)
        self._seconds, self._resumes = seconds, resumes
        # Where a link leads, so that two names of a file have one lock.
        self._target = Path(os.path.realpath(path))
        self._beside = self._target.with_name(f".{self._target.name}.lock")
        self._taken: dict[str, Taken] = {}
        self._sums: dict[int, tuple[Any, str | None]] = {}
        self._writing = threading.Lock()
        self._guard, self._depth = ExitStack(), 0
        self._is_written, self._has_failed = True, False
        self._end, self._duration = time.perf_counter(), 0.0

    def __enter__(self) -> Self:
        if not self._depth:
            self._open()
        self._depth += 1
        return self

    def _open(self) -> None:
        try:
            if self._target.is_dir():
                raise IsADirectoryError
            # On another file, as this one is replaced meanwhile.
            self._guard.enter_context(locked(self._beside))
        except BlockingIOError:
            raise RuntimeError(
                f"{self.path} is the checkpoint of a training that is running: wait for its end, "
                "or give another file"
            ) from None
        except OSError:
            check_writable(self.path)  # whose error says what to do
            raise
        try:
            if self._resumes:
                self._read()
        except BaseException:
            self._guard.close()
            raise
        self._end = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self._depth -= 1
        if self._depth:
            return
        with self._guard:
            if not self._is_written:
                self._write(self._end)

    @property
    def pause(self) -> float:
        return max(self._seconds, SHARE * self._duration)

    def put(self, name: str, make: Callable[[], Mapping[str, Any]], may_write: bool = True) -> None:
        start = time.perf_counter()
        self._taken[name] = taken_apart(make())
        self._is_written = False
        if not may_write:
            return
        # Who finds another thread at it leaves it to that one, and to the next time.
        if start - self._end >= self.pause and self._writing.acquire(blocking=False):
            try:
                self._write(start)
            finally:
                self._writing.release()

    def sum_of(self, data: Any) -> str | None:
        if id(data) not in self._sums:
            self._sums[id(data)] = data, of_data(data)  # held, so that no other gets its id
        return self._sums[id(data)][1]

    def _read(self) -> None:
        if not self._target.exists():
            checks.warn_user(
                f"there is no checkpoint {self.path} to go on from: the training begins anew"
            )
            return
        text, arrays = FORMAT.read(self._target, WRITER)
        with refusing_damage(f"{self.path} is"):
            self.found = put_together(parse(text["states"]), arrays)
            if not all(isinstance(state, dict) for state in self.found.values()):
                raise TypeError("states that are no objects")
        # Runs that have nothing to add are kept.
        self._taken = {name: taken_apart(state) for name, state in self.found.items()}

    def _write(self, start: float) -> None:
        """Write all states; where that can't be done, say so once, and leave the file as it is."""
        self._is_written = True  # what is put meanwhile is not
        taken = dict(self._taken)
        try:
            plain = {name: state for name, (state, _) in taken.items()}
            arrays = {
                f"{name}/{path}": array
                for name, (_, own) in taken.items()
                for path, array in own.items()
            }
            if not arrays:  # no run has begun: there is nothing to go on from
                return
            if not self._beside.exists():  # its folder may be another training's by now
                raise FileNotFoundError(f"the folder {self._target.parent} was removed meanwhile")
            content = FORMAT.content(arrays, {"states": json.dumps(plain)})
            # One name for all writes: nobody else has the lock.
            part = self._target.with_name(f".{self._target.name}.part")
            with atomic_write(self._target, part) as stream:
                stream.write(content)
            sync_folder(self._target.parent)
            self._has_failed = False
        except (OSError, MemoryError, ValueError) as error:
            self._is_written = False
            if not self._has_failed:
                self._has_failed = True
                checks.warn_user(
                    f"the training goes on, but not its checkpoint {self.path}, which stays as it "
                    f"was before: {error}"
                )
        finally:
            self._end = time.perf_counter()
            self._duration = self._end - start


def as_file(checkpoint: Any, checkpoint_seconds: object, resume: object) -> NoFile:
    """Return the file that these arguments of a training ask for.

    A file that a training of several parts has open already is returned as it is.

    Raises
    ------
    TypeError, ValueError
        If they make no sense.
    """
    if isinstance(checkpoint, NoFile):
        return checkpoint
    seconds = checks.as_positive(checkpoint_seconds, "checkpoint_seconds")
    if not isinstance(resume, bool | np.bool_):
        raise TypeError(f"resume is {shown(resume)}: give True or False")
    if checkpoint is None:
        if resume:
            raise ValueError("resume is True without a checkpoint: give its file, checkpoint=...")
        return NoFile()
    if not isinstance(checkpoint, str | os.PathLike) or not os.fspath(checkpoint):
        raise TypeError(f"checkpoint is {shown(checkpoint)}: give the path of a file")
    return CheckpointFile(checkpoint, seconds, bool(resume))
