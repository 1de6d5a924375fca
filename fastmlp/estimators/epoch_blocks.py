"""The epochs of a run, drawn and taken one after the other, short ones several at a time."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks import generators
from fastmlp.engine import Trainer

LONGEST = 256  # epochs taken together
# Seconds that they may take: where what is done after the run's last epoch is in vain; and where
# none of them but the last can be that one.
SECONDS, SAFE_SECONDS = 0.005, 0.1


class Epochs:
    """Takes epochs, and hands out their losses in turn.

    Of an epoch of some microseconds, or a few milliseconds, Python would take a good part. With
    `runs_ahead`, epochs are taken in blocks, before anybody has looked at the ones before. When one
    of them turns out to be the last, or the rate has to change, `settle` goes back to the start of
    the block and repeats the epochs up to it: the numbers are the same.

    Parameters
    ----------
    trainer : Trainer
    order : ndarray of shape (n_rows,)
        The rows to train on.
    shuffle : bool
    random_state : numpy.random.RandomState
    n_epochs : int
        At most.
    runs_ahead : bool
        Whether nobody wants to know of an epoch before the next.
    """

    def __init__(
        self, trainer: Trainer, order: NDArray[np.intp], shuffle: bool,
        random_state: np.random.RandomState, n_epochs: int, runs_ahead: bool,
    ) -> None:  # fmt: skip
        self._trainer, self._order, self._shuffle = trainer, order, shuffle
        self._random_state, self._left = random_state, n_epochs
        self._size, self._runs_ahead = 1, runs_ahead
        self._losses: list[float] = []
        self._seconds = 0.0
        self._taken = 0
        self._rows = None if generators.is_trusted(random_state) else np.sort(order)

    def next(self, n_safe: float) -> tuple[float, float]:
        """Return the next epoch's loss, with L2, and the seconds it took.

        Of so many epochs, itself included, none but the last can be the last of the run.
        """
        if self._taken == len(self._losses):
            self._losses, self._taken = [], 0  # an interrupt finds nothing to take back
            n_epochs = 1
            if self._runs_ahead:
                safe = min(n_safe, LONGEST, SAFE_SECONDS / self._seconds if self._seconds else 1)
                n_epochs = min(max(self._size, int(safe)), self._left)
            # An interrupt within an epoch that is taken alone leaves what it has got to.
            self._take_block(n_epochs) if n_epochs > 1 else self._take_one()
            self._left -= len(self._losses)
        self._taken += 1
        return self._losses[self._taken - 1], self._seconds

    def settle(self) -> None:
        """See to it that no more epochs have been taken than were handed out."""
        n_taken, n_ahead = self._taken, len(self._losses) - self._taken
        if n_ahead > 0:
            self._go_back()
            self._trainer.epochs(self._draw(n_taken))
            self._left += n_ahead
            self._losses, self._taken = [], 0

    def _take_one(self) -> None:
        start, trainer = time.perf_counter(), self._trainer
        trainer.epoch(self._draw(1)[0])
        self._losses = [trainer.mean_loss + trainer.penalty]
        self._measure(time.perf_counter() - start)

    def _take_block(self, n_epochs: int) -> None:
        start = time.perf_counter()
        self._trainer.mark()
        self._before = self._random_state.get_state(), self._order
        try:
            losses, penalties = self._trainer.epochs(self._draw(n_epochs))
        except BaseException:  # an interrupt: none of them has been
            self._go_back()
            raise
        self._losses = (losses + penalties).tolist()
        self._measure((time.perf_counter() - start) / n_epochs)

    def _measure(self, seconds: float) -> None:
        """Choose the next block's size from how long an epoch has taken."""
        self._seconds = max(seconds, 1e-9)
        fits = int(SECONDS / self._seconds)
        self._size = max(1, min(LONGEST, fits, 4 * self._size))

    def _go_back(self) -> None:
        state, self._order = self._before
        self._random_state.set_state(state)
        self._trainer.go_back()

    def _draw(self, n_epochs: int) -> NDArray[np.intp]:
        """Return the orders of the next epochs, as sklearn.utils.shuffle draws: they compose.

        Which elements change places does not depend on what they are: to shuffle the last order
        itself gives what that one gives at shuffled places.
        """
        orders = np.empty((n_epochs, len(self._order)), np.intp)
        for order in orders:
            order[:] = self._order
            if self._shuffle:
                self._random_state.shuffle(order)
                if self._rows is not None and not np.array_equal(np.sort(order), self._rows):
                    generators.refuse(self._random_state, "shuffle")
            self._order = order
        return orders
