"""The epochs of a run, drawn and taken one after the other, short ones several at a time."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST = 64  # epochs taken together
SECONDS = 0.005  # that they may take: what is done in vain, when one of them is the last, is less


class Epochs:
    """Takes epochs, and hands out their losses in turn.

    An epoch of some microseconds would spend most of its time in Python. With `runs_ahead`, epochs
    are taken in blocks, before anybody has looked at the ones before. When one of them turns out
    to be the last, or the rate has to change, `settle` goes back to the start of the block and
    repeats the epochs up to it: the numbers are the same.

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
        Whether an epoch is one step, and nobody wants to know of it before the next.
    """

    def __init__(
        self, trainer: Any, order: NDArray[np.intp], shuffle: bool,
        random_state: np.random.RandomState, n_epochs: int, runs_ahead: bool,
    ) -> None:  # fmt: skip
        self._trainer, self._order, self._shuffle = trainer, order, shuffle
        self._random_state, self._left = random_state, n_epochs
        self._size, self._runs_ahead = 1, runs_ahead
        self._losses: list[float] = []
        self._seconds = 0.0
        self._taken = 0

    def next(self) -> tuple[float, float]:
        """Return the next epoch's loss, with L2, and the seconds it took."""
        if self._taken == len(self._losses):
            self._losses, self._taken = [], 0  # an interrupt finds nothing to take back
            if self._runs_ahead:
                self._take_block(min(self._size, self._left))
            else:
                self._take_one()
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
        self._seconds = time.perf_counter() - start

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
        self._seconds = (time.perf_counter() - start) / n_epochs
        fits = int(SECONDS / max(self._seconds, 1e-9))
        self._size = max(1, min(LONGEST, fits, 4 * self._size))

    def _go_back(self) -> None:
        state, self._order = self._before
        self._random_state.set_state(state)
        self._trainer.go_back()

    def _draw(self, n_epochs: int) -> NDArray[np.intp]:
        """Return the orders of the next epochs, as sklearn.utils.shuffle draws: they compose."""
        n_rows = len(self._order)
        orders = np.empty((n_epochs, n_rows), np.intp)
        if not self._shuffle:
            orders[:] = self._order
            return orders
        indices = np.arange(n_rows)
        start = indices.copy()
        for order in orders:
            indices[:] = start
            self._random_state.shuffle(indices)
            np.take(self._order, indices, out=order)
            self._order = order
        return orders
