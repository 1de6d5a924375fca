"""What a checkpoint keeps of a table besides its networks."""

from __future__ import annotations

from typing import Any

from sklearn.utils import check_random_state

from fastmlp.checkpoints.checkpoint import Checkpoint
from fastmlp.checkpoints.file import NoFile

FREE = ("n_threads", "verbose")  # settings that change no bit


def generator(estimator: Any, file: NoFile) -> Any:
    """Return what a fit draws from; one that goes on draws the same folds and seeds again.

    Raises
    ------
    ValueError
        If the file is of another training, or `max_seconds` is given.
    """
    random_state = check_random_state(estimator.random_state)
    if file.is_on and estimator.max_seconds is not None:
        raise ValueError(
            "checkpoint is given with max_seconds, by which epochs are planned anew each time: "
            "give one of them"
        )
    checkpoint = Checkpoint(file, "table")
    settings = estimator.get_params(deep=False)
    checkpoint.compare(
        lambda: {
            "class": type(estimator).__name__,
            **{name: value for name, value in settings.items() if name not in FREE},
        }
    )
    checkpoint.rewind(random_state)
    checkpoint.keep_beginning()
    return random_state
