"""What a run sees of its checkpoint: a state of its own in a file."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from fastmlp.checkpoints import random_streams
from fastmlp.checkpoints.file import NoFile
from fastmlp.checkpoints.fingerprint import Fingerprint, first_difference, of_settings
from fastmlp.tensors import refusing_damage
from fastmlp.version import __version__

State = Mapping[str, Any]


class CheckpointError(ValueError):
    """A file is the checkpoint of another training, or damaged."""


class Checkpoint:
    """A run's own state in a file, or in none.

    Parameters
    ----------
    file : NoFile or CheckpointFile
    name : str
        Of the run in it.
    may_lack : bool
        Whether a file with states of other runs may have none of this one.

    Attributes
    ----------
    is_on : bool
        Whether there is a file.
    path : path-like
        Of the file.
    found : dict or None
        The state to go on from, if there is one.

    Raises
    ------
    CheckpointError
        If the file is damaged.
    """

    def __init__(
        self, file: NoFile | None = None, name: str = "run", may_lack: bool = False
    ) -> None:
        self._may_lack = may_lack
        self._file, self._name = NoFile() if file is None else file, name
        self.is_on, self.path = self._file.is_on, self._file.path
        self.found: State | None = None
        self._fingerprint: dict[str, Any] = {}
        self._then: Fingerprint = {}
        self._before: State = {}
        self._drawn: dict[str, Any] = {}
        if name in self._file.found:
            with self.refusing_damage():
                parts = [self._file.found[name][key] for key in ("state", "drawn", "fingerprint")]
                if not all(isinstance(part, dict) for part in parts):
                    raise TypeError("parts that are no objects")
                self.found, self._before, self._then = parts
        self._end = time.perf_counter()

    def compare(self, fingerprint: Callable[[], Fingerprint], **total: int) -> None:
        """To be called before the run changes anything, once or more often.

        Parameters
        ----------
        fingerprint : callable
            Returns what must be the same for a run that goes on, by name.
        **total : int
            How many epochs the run has in all, under the argument's name.

        Raises
        ------
        CheckpointError
            If there is a state of another training, or of one with more epochs.
        """
        if not self.is_on:
            return
        now = {"fastmlp": __version__, **of_settings(fingerprint())}
        self._fingerprint.update(now)
        if self.found is None:
            if self._file.found and not self._may_lack:
                raise CheckpointError(
                    f"{self.path} is of another kind of training: give another file, or "
                    "resume=False to begin anew"
                )
            return
        different = first_difference(self._then, now)
        if different:
            raise CheckpointError(
                f"{self.path} is of another training: {different}: give what it was begun "
                "with, or resume=False to begin anew"
            )
        with self.refusing_damage():
            n_epochs = int(self.found["epoch"])
        for name, most in total.items():
            if n_epochs > most:
                raise CheckpointError(
                    f"{name} is {most}, of all epochs, and {self.path} holds {n_epochs}: "
                    "give as many, or more"
                )

    def sum_of(self, data: Any) -> str | None:
        """Return a fingerprint of rows, which is taken once where other runs have them too."""
        return self._file.sum_of(data)

    def seed(self, draw: Callable[[], int]) -> int:
        """Return the seed that `draw` returns; in a run that goes on, what it returned then."""
        seed = self._before.get("seed", None)
        if seed is None:
            seed = draw()
        with self.refusing_damage():
            if not 0 <= operator.index(seed) < 2**32:
                raise ValueError(f"{seed} is no seed")
        self._drawn["seed"] = seed
        return seed

    def rewind(self, random_state: Any) -> None:
        """Have a run that goes on draw from here on what it drew from here on before."""
        if not self.is_on:
            return
        if "random_state" in self._before:
            with self.refusing_damage():
                random_streams.restore(random_state, self._before["random_state"])
        self._drawn["random_state"] = random_streams.state_of(random_state)

    def is_due(self) -> bool:
        """Whether it is time to call `keep`."""
        return time.perf_counter() - self._end >= self._file.pause

    def keep_beginning(self, **more: Any) -> None:
        """Keep what has been compared and drawn, beside the states of the runs that are to come.

        And `more`, which `found` has in a run that goes on.
        """
        self._file.put(self._name, lambda: self._whole({"epoch": 0, **more}), may_write=False)

    def keep(self, make: Callable[[], State]) -> None:
        """Keep the state that `make` returns, a tree with the number of its `epoch`."""
        self._file.put(self._name, lambda: self._whole(make()))
        self._end = time.perf_counter()

    def _whole(self, state: State) -> State:
        return {"fingerprint": self._fingerprint, "drawn": self._drawn, "state": state}

    def refusing_damage(self) -> AbstractContextManager[None]:
        """Turn what malformed values raise into a CheckpointError that names the file."""
        return refusing_damage(f"{self.path} is", CheckpointError)
