"""Trainings that end in the middle and go on from their checkpoints."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from fastmlp.checkpoints import file as checkpoint_file
from fastmlp.checkpoints.file import CheckpointFile
from fastmlp.kernels.runtime import autotune
from fastmlp.training import epochs


class Ended(Exception):  # noqa: N818 - an end, as a SIGKILL is one
    """A process has ended."""


def keep_always(monkeypatch, most_together=epochs.LONGEST):
    """Have a checkpoint written at each occasion, of which there are many within an epoch.

    At most so many epochs are taken together: not within, but after these there is one.
    """
    monkeypatch.setattr(epochs, "LONGEST", most_together)
    monkeypatch.setattr(checkpoint_file, "SHARE", 0)
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # for speed
    # A stretch of steps ends at once, whatever its steps take.
    monkeypatch.setattr(autotune, "STRETCH_SECONDS", 1e-9)
    monkeypatch.setattr(autotune, "LONGEST_SECONDS", 1e-9)
    monkeypatch.setattr(autotune, "FIRST_STEPS", 1)


def ending(monkeypatch, after):
    """Have trainings end after so many writes, time and again; return the list of the ends.

    Each end has the states that were written last.
    """
    ends, written = [], []
    write = CheckpointFile._write

    def write_and_end(self, start):
        write(self, start)
        written.append(1)
        if len(written) % after == 0:
            ends.append(copy.deepcopy(self._taken))
            raise Ended

    monkeypatch.setattr(CheckpointFile, "_write", write_and_end)
    return ends


def until_done(train, path, monkeypatch, after):
    """Train until it is done, whatever ends it; return what it returned, and the ends."""
    with monkeypatch.context() as patch:
        ends = ending(patch, after)
        while True:
            try:
                return train(checkpoint=path, checkpoint_seconds=1e-9, resume=bool(ends)), ends
            except Ended:
                assert len(ends) < 1000
            except BaseException as error:
                pytest.fail(f"after {len(ends)} ends: {error!r}")


def within(ends, name="run"):
    """Whether some of the ends were in the middle of an epoch."""
    return any(end[name][0]["state"]["sums"] for end in ends)


def assert_same(one, other, path=""):
    """Assert that nested values are the same to the bit, seconds aside."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), path
        for name in one:
            if not str(name).endswith(("seconds", "rows_per_second")):
                assert_same(one[name], other[name], f"{path}/{name}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), path
        for i, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, f"{path}/{i}")
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, path
        assert one.tobytes() == other.tobytes(), path
    else:
        assert type(one) is type(other), path
        assert one == other or (one != one and other != other), path
