"""What a checkpoint keeps of a table: what it has drawn, its trees, its networks' plans."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from sklearn.utils import check_random_state

from fastmlp.checkpoints.checkpoint import Checkpoint
from fastmlp.checkpoints.file import NoFile
from fastmlp.checks import warn_user
from fastmlp.tables.clock import Clock
from fastmlp.tables.members import Member

FREE = ("n_threads", "verbose", "max_seconds")  # settings that change no bit, or the time


class Kept:
    """A fit's part of its checkpoint, besides its networks.

    Parameters
    ----------
    estimator : TableClassifier or TableRegressor
    file : NoFile
    clock : Clock
        Goes on from when the file was written.

    Attributes
    ----------
    random_state : RandomState
        What the fit draws from; one that goes on draws the same folds and seeds again.

    Raises
    ------
    CheckpointError
        If the file is of another training, or damaged.
    """

    def __init__(self, estimator: Any, file: NoFile, clock: Clock) -> None:
        self.random_state = check_random_state(estimator.random_state)
        self._checkpoint = Checkpoint(file, "table")
        settings = estimator.get_params(deep=False)
        self._checkpoint.compare(
            lambda: {
                "class": type(estimator).__name__,
                **{name: value for name, value in settings.items() if name not in FREE},
            }
        )
        self._checkpoint.rewind(self.random_state)
        self._has_trees: bool | None = None
        self._begun = {n: s for n, s in file.found.items() if n not in ("table", "all")}
        with self._checkpoint.refusing_damage():
            clock.go_on(max(map(_seconds, self._begun.values()), default=0.0))

    def has_trees(self, decide: Callable[[], bool]) -> bool:
        """Return whether trees are fitted: what `decide` returned when the fit began.

        The trees themselves are fitted again, to the same bits.
        """
        if (found := self._checkpoint.found) is None:
            self._has_trees = decide()
            return self._has_trees
        with self._checkpoint.refusing_damage():
            self._has_trees = bool(found["has_trees"])
        if not self._has_trees:
            warn_user("trees=True: the trees are left out, as they were when the fit began")
        return self._has_trees

    def plan(self, members: Sequence[Member]) -> set[int]:
        """Give networks that had begun the epochs that they had; return their places.

        To be called last, when all that is to be kept is known. Numbers that can't be are left to
        the comparison of settings, which refuses them.
        """
        self._checkpoint.keep_beginning(has_trees=self._has_trees)
        places = set()
        for place, member in enumerate(members):
            name = str(place) if len(members) > 1 else "run"
            if name in self._begun:
                with self._checkpoint.refusing_damage():
                    n_epochs = self._begun[name]["fingerprint"]["max_iter"]
                    if n_epochs in range(1, member.max_iter + 1):
                        member.max_iter = int(n_epochs)
                places.add(place)
        return places


def _seconds(begun: Any) -> float:
    """Return the clock's when a network's state was kept, by its turn."""
    seconds = float(begun["state"]["callbacks"][0]["seconds"])
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{seconds} is no time")
    return seconds
