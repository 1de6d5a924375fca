"""The epochs of a run, drawn and taken one after the other, short ones several at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks import generators
from fastmlp.checks.own import copied
from fastmlp.engine import Trainer

Order = NDArray[np.intp]
Draw = Callable[[Any, Order], Order]
Look = Callable[[float], bool]
LONGEST = 256  # epochs taken together
# Seconds that a block may take: where any of its epochs may be the run's last, and those after it
# are in vain; and where only its last one may be.
SECONDS, SAFE_SECONDS = 0.005, 0.1


def permuted(random_state: Any, order: Order) -> Order:
    """Return rows in an order that is drawn as the tutorial does, by `permutation`."""
    if generators.is_trusted(random_state):  # whose permutation is 0..n-1, shuffled
        return shuffled(random_state, order)
    return order[generators.permuted(random_state, len(order))]


def shuffled(random_state: Any, order: Order) -> Order:
    """Return rows in an order that is drawn as sklearn.utils.shuffle does: orders compose.

    Which elements change places does not depend on what they are: to shuffle the last order itself
    gives what that one gives at shuffled places.
    """
    drawn = copied(order)
    random_state.shuffle(drawn)
    if not generators.is_trusted(random_state) and not np.array_equal(
        np.sort(drawn), np.sort(order)
    ):
        generators.refuse(random_state, "shuffle")
    return drawn


def unchanged(random_state: Any, order: Order) -> Order:
    """Return the same order."""
    return order


class Position(Protocol):
    """Where a run is in its sequence of random orders: what a run's state has of that.

    Attributes
    ----------
    order : ndarray of shape (n_rows,)
        The last epoch's rows, in the order in which they were trained on.
    random_state : numpy.random.RandomState, or numpy.random
    """

    order: Order
    random_state: Any


class Epochs:
    """Takes epochs, and hands out their losses in turn.

    Of an epoch of some microseconds, or a few milliseconds, Python would take a good part; and
    where another Python thread is busy, each return to Python waits for the interpreter. With
    `runs_ahead`, epochs are taken in blocks, before anybody has looked at the ones before. When one
    of them turns out to be the last, or the rate has to change, `settle` goes back to the start of
    the block and repeats the epochs up to it: the figures are the same. A block that diverges is
    taken back; its epochs, and those after it, are taken alone.

    Parameters
    ----------
    trainer : Trainer
    position : Position
        Kept up to date, with the epochs taken ahead.
    draw : callable
        Returns a new order of the rows, by the random state and the order before.
    n_epochs : int
        At most.
    runs_ahead : bool
        Whether nobody wants to know of an epoch before the next.
    look : callable
        Called by `show`, with a loss: returns whether that and the parameters are fine.
    between : callable, optional
        Called now and then within an epoch that is taken alone; see `Trainer.epoch`.
    seconds_before : float, optional
        What the first epoch has taken already, which the trainer is in the middle of: its order is
        the position's.

    Attributes
    ----------
    is_seen : bool
        Whether `look` has been called since the last epoch was taken.
    """

    def __init__(
        self, trainer: Trainer, position: Position, draw: Draw, n_epochs: int, runs_ahead: bool,
        look: Look, between: Callable[[], object] | None = None,
        seconds_before: float | None = None,
    ) -> None:  # fmt: skip
        self._look, self._between, self._seconds_before = look, between, seconds_before
        self._trainer, self._position, self._draw_order = trainer, position, draw
        self._left, self._runs_ahead = n_epochs, runs_ahead
        self._size, self._seconds = 1, 0.0
        self._losses: list[tuple[float, float]] = []
        self._taken = 0
        self.is_seen = True

    def next(self, n_safe: float) -> tuple[float, float, float]:
        """Return the next epoch's mean loss, with L2, its last batch's, and the seconds it took.

        Before `n_safe` epochs, this one included, the run cannot stall.
        """
        if self.is_settled:
            self._losses, self._taken = [], 0  # an interrupt finds nothing to take back
            n_epochs = 1
            if self._runs_ahead:
                safe = min(n_safe, LONGEST, SAFE_SECONDS / self._seconds if self._seconds else 1)
                n_epochs = min(max(self._size, int(safe)), self._left)
            # An interrupt within an epoch that is taken alone leaves what it has got to.
            if n_epochs == 1 or not self._take_block(n_epochs):
                self._take_one()
            self._left -= len(self._losses)
        self._taken += 1
        return *self._losses[self._taken - 1], self._seconds

    @property
    def is_settled(self) -> bool:
        """Whether no more epochs have been taken than were handed out."""
        return self._taken == len(self._losses)

    @property
    def seconds_within(self) -> float:
        """Seconds of the epoch that is being taken alone."""
        return time.perf_counter() - self._start

    @property
    def is_alone(self) -> bool:
        """Whether the last epoch was taken alone."""
        return len(self._losses) == 1

    def show(self, loss: float = 0.0) -> bool:
        """See to it that `look` has been called since the last epoch; return what it returns."""
        is_fine = self.is_seen or self._look(loss)
        self.is_seen = True
        return is_fine

    def settle(self) -> None:
        """See to it that no more epochs have been taken than were handed out."""
        n_taken, n_ahead = self._taken, len(self._losses) - self._taken
        if n_ahead > 0:
            self._go_back()
            self._trainer.epochs(self._draw(n_taken))
            self._left += n_ahead
            self._losses, self._taken = [], 0

    def _take_one(self) -> None:
        self.show()
        position, trainer = self._position, self._trainer
        self._start = time.perf_counter()
        if self._seconds_before is None:
            position.order = self._draw_order(position.random_state, position.order)
        else:
            self._start -= self._seconds_before
            self._seconds_before = None
        last = trainer.epoch(position.order, self._between)
        self._losses, self.is_seen = [(trainer.mean_loss + trainer.penalty, last)], False
        self._measure(self.seconds_within)

    def _take_block(self, n_epochs: int) -> bool:
        """Take some epochs; or none, if the parameters are not sound after them."""
        start = time.perf_counter()
        self._trainer.mark()
        self._before = self._position.random_state.get_state(legacy=False), self._position.order
        try:
            losses, penalties, last = self._trainer.epochs(self._draw(n_epochs))
            # What is not finite once will be for ever, so these are those of each of the epochs.
            self._runs_ahead = bool(np.isfinite(last).all()) and self._trainer.is_finite()
        except BaseException:  # an interrupt: none of them has been
            self._go_back()
            raise
        if not self._runs_ahead:
            self._go_back()
            return False
        self._losses = list(zip((losses + penalties).tolist(), last.tolist(), strict=True))
        self.is_seen = False
        self._measure((time.perf_counter() - start) / n_epochs)
        return True

    def _measure(self, seconds: float) -> None:
        """Choose the next block's size from how long an epoch has taken."""
        self._seconds = max(seconds, 1e-9)
        fits = int(SECONDS / self._seconds)
        self._size = max(1, min(LONGEST, fits, 4 * self._size))

    def _go_back(self) -> None:
        self._trainer.go_back()
        state, self._position.order = self._before
        self._position.random_state.set_state(state)

    def _draw(self, n_epochs: int) -> NDArray[np.intp]:
        """Return the next orders, each drawn from the one before it."""
        position = self._position
        orders: list[Any] = []
        for _ in range(n_epochs):
            position.order = self._draw_order(position.random_state, position.order)
            orders.append(position.order)
        return np.frombuffer(b"".join(orders), np.intp).reshape(n_epochs, -1)  # as `copied` does
