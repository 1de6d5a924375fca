"""The loop over epochs, with all that hangs on it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from fastmlp.checkpoints.checkpoint import Checkpoint
from fastmlp.checks import warn_user
from fastmlp.engine import Trainer
from fastmlp.training.callbacks import Callbacks
from fastmlp.training.epochs import Draw, Epochs
from fastmlp.training.progress import Progress
from fastmlp.training.state import RunState
from fastmlp.training.stopping import Stopping

Logs = dict[str, float]


class DivergedError(Exception):
    """The loss of an epoch, or a parameter after it, is not finite.

    The parameters are back at the run's fallback, if it has one.
    """

    def __init__(self, loss: float) -> None:
        super().__init__(loss)
        self.loss = loss


class Run:
    """A training, epoch by epoch.

    Parameters
    ----------
    state : RunState
        Kept up to date.
    validate : callable, optional
        Returns figures (val_loss, ...) of the exported parameters.
    callbacks : Callbacks, optional
    progress : Progress, optional
    max_seconds : float
        The first epoch that ends later than that is the last.
    show : callable, optional
        Shows the state to those who look at the front end: scorers of validation rows, callbacks.
    checkpoint : Checkpoint, optional
        What the run goes on from, and is kept in.

    Attributes
    ----------
    has_ended : bool
        Whether an epoch was found to be the last one.
    is_watched : bool
        Whether parameters are exported after each epoch.
    """

    def __init__(
        self,
        state: RunState,
        *,
        validate: Callable[[], Logs] | None = None,
        callbacks: Callbacks | None = None,
        progress: Progress | None = None,
        max_seconds: float = math.inf,
        show: Callable[[], object] = bool,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.state, self.has_ended, self._is_late = state, False, False
        self._validate, self._show, self._max_seconds = validate, show, max_seconds
        self._callbacks = Callbacks(()) if callbacks is None else callbacks
        self._progress = Progress() if progress is None else progress
        self.is_watched = validate is not None or not self._callbacks.is_empty
        self._checkpoint = Checkpoint() if checkpoint is None else checkpoint
        self._epochs: Epochs | None = None
        self._start = time.perf_counter()

    def train(self, trainer: Trainer, n_epochs: int, draw: Draw, tells_last_batch: bool) -> None:
        """Take up to `n_epochs` epochs, whose orders `draw` draws.

        An epoch's loss is its mean, with L2, as scikit-learn has it; or where it `tells_last_batch`
        that of its last batch, with the mean beside it, as the tutorial has it.

        Raises
        ------
        DivergedError
            Where the loss, or with a fallback a parameter, is not finite.
        """
        state, n_rows = self.state, len(self.state.order)
        keep = self._keep_by(trainer)
        seconds_before = self._go_on(trainer)
        runs_ahead = (
            not (self.is_watched or self._progress.is_shown or self._max_seconds < math.inf)
            and state.schedule.is_level
            and n_epochs > 1
        )
        epochs = self._epochs = Epochs(
            trainer, state, draw, n_epochs - state.epoch, runs_ahead,
            partial(self._look, trainer), keep, seconds_before,
        )  # fmt: skip
        n_before = state.epoch
        is_within = False
        try:
            while state.epoch < n_epochs and not self.has_ended:
                self.begin_epoch()
                state.schedule.set(trainer, state.epoch)
                n_safe = state.stopping.n_safe if state.stopping else math.inf
                is_within = True
                loss, last_loss, seconds = epochs.next(n_safe)
                logs = {"loss": loss, "seconds": seconds}
                if tells_last_batch:
                    logs = {
                        "loss": last_loss, "mean_loss": loss, "seconds": seconds,
                        "rows_per_second": n_rows / seconds,
                    }  # fmt: skip
                self.count_epoch(logs["loss"], n_rows)
                is_fine = not epochs.is_alone or epochs.show(logs["loss"])
                is_within = False
                if not is_fine:
                    raise DivergedError(logs["loss"])
                self.end_epoch(logs)
                if keep is not None and epochs.is_settled:
                    keep()
            epochs.show()
        except BaseException:
            if is_within or not epochs.is_seen:  # an interrupt
                self.settle()
                self._look(trainer)
            raise
        finally:
            self._epochs = None  # which refers to the run, and so to the estimator
        if self._checkpoint.is_on and state.epoch > n_before:
            self._checkpoint.keep(partial(self._state_dict, trainer))

    def _look(self, trainer: Trainer, loss: float = 0.0) -> bool:
        """Export the parameters if anybody looks at them; return whether they and `loss` are fine.

        With a fallback, it is brought up to date, or back.
        """
        fallback = self.state.fallback
        if self.is_watched or fallback is not None:
            self.state.export(trainer)
        return fallback is None or fallback.update(loss)

    def begin_epoch(self) -> None:
        """To be called before each epoch."""
        self._callbacks.begin_epoch()

    def count_epoch(self, loss: float, n_rows: int) -> None:
        """To be called when an epoch has been taken, before its parameters are exported."""
        state = self.state
        state.epoch += 1
        state.loss = loss
        state.n_rows_seen += n_rows
        state.loss_curve.append(loss)

    def end_epoch(self, logs: Logs) -> None:
        """To be called after that, with the epoch's loss and seconds; sets `has_ended`.

        Raises
        ------
        DivergedError
            Where the loss, or with a fallback a parameter, is not finite.
        """
        state, stopping, loss = self.state, self.state.stopping, logs["loss"]
        if self._validate is not None:
            self._show()
            logs |= self._validate()
        state.history.append(logs)
        self._progress.epoch(state.epoch, logs)
        if not math.isfinite(loss):
            raise DivergedError(loss)
        has_stalled = False
        if stopping is not None and stopping.end_epoch(state.epoch, logs, state.parameters):
            has_stalled = True
            self.settle()
        state.schedule.end_epoch(state.n_rows_seen)
        if not self._callbacks.is_empty:
            self._show()
            logs.setdefault("rows_per_second", len(state.order) / logs["seconds"])
            if self._callbacks.end_epoch(state.epoch, logs):
                self._end("A callback has asked to stop. Stopping.")
                return
        if stopping is not None and has_stalled:
            self._stall(stopping)
        if not self.has_ended and time.perf_counter() - self._start > self._max_seconds:
            self._is_late = True
            self._end(f"max_seconds={self._max_seconds} have passed. Stopping.")

    def settle(self) -> None:
        """Leave the trainer at the end of the epoch that was looked at last."""
        if self._epochs is not None:
            self._epochs.settle()

    def _keep_by(self, trainer: Trainer) -> Callable[[], None] | None:
        """Return what keeps the run in its checkpoint if that is due; None without one."""
        checkpoint = self._checkpoint
        if not checkpoint.is_on:
            return None
        self._callbacks.warn_of_states(warn_user)
        self._callbacks.state_dict()  # raises now, not in the middle of an epoch

        def keep() -> None:
            if checkpoint.is_due():
                if self._epochs is not None:
                    self._epochs.show()  # the fallback is kept, too
                checkpoint.keep(partial(self._state_dict, trainer))

        return keep

    def _state_dict(self, trainer: Trainer) -> dict[str, Any]:
        """Return all that `_go_on` needs."""
        found, epochs = self.state.state_dict(trainer), self._epochs
        return found | {
            "epoch_seconds": epochs.seconds_within if epochs and found["sums"] else None,
            "seconds": time.perf_counter() - self._start,
            "has_ended": self.has_ended and not (self._is_late or self._callbacks.has_paused),
            "callbacks": self._callbacks.state_dict(),
        }

    def _go_on(self, trainer: Trainer) -> float | None:
        """Go on from the checkpoint, if there is one; return the seconds of an epoch within."""
        checkpoint, found = self._checkpoint, self._checkpoint.found
        if found is None:
            return None
        with checkpoint.refusing_damage():
            self.state.load_state_dict(found, trainer)
            seconds, before = float(found["seconds"]), found["epoch_seconds"]
            before = float(before) if found["sums"] else None
            states, has_ended = list(found["callbacks"]), bool(found["has_ended"])
        self._start -= seconds
        # Where time has ended it, there may be more of it now.
        is_late = before is None and seconds > self._max_seconds
        self.has_ended = has_ended or is_late
        self._callbacks.load_state_dict(states, checkpoint.path)
        self._show()
        return before

    def _stall(self, stopping: Stopping) -> None:
        """Go on in another way, or end, as the schedule has it."""
        done = self.state.schedule.stall()
        if done is None:
            self._end(f"{stopping.reason} {self.state.schedule.last_words}")
        else:
            self._progress.say(f"{stopping.reason} {done}")
            stopping.n_stalled = 0

    def _end(self, reason: str) -> None:
        self.has_ended = True
        self._progress.say(reason)
