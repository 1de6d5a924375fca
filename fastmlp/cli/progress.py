"""Progress: a live bar on a terminal, elsewhere a few plain lines."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Self

from rich.console import Console

from fastmlp.training.terminal_bar import TerminalBar

LINES = 10  # plain lines in a run, if epochs are fast
SECONDS_BETWEEN_LINES = 10.0  # if epochs are slow


@contextmanager
def progress_of(what: str, console: Console) -> Iterator[Callable[[int, int], None]]:
    """Yield ``report(done, total)``; nothing is shown before its first call."""
    bars: list[TerminalBar] = []

    def report(done: int, total: int) -> None:
        if not bars:
            bars.append(TerminalBar(console, total, what, is_transient=True))
            if console.is_terminal:
                bars[0].start()
            else:
                console.print(f"{what} ...", highlight=False)
        bars[0].expect(total)
        bars[0].epoch(done)

    try:
        yield report
    finally:
        if bars and console.is_terminal:
            bars[0].stop()


class TrainingProgress:
    """A callback that shows the progress of a training, and a context manager around it.

    Parameters
    ----------
    epochs : int
        Epochs to train.
    console : rich.console.Console
    is_verbose : bool
        Whether to print a line for each epoch, on a terminal too.
    """

    def __init__(self, epochs: int, console: Console, is_verbose: bool = False) -> None:
        self.epochs = epochs
        self.console = console
        self.is_verbose = is_verbose
        self.first_epoch: int | None = None  # of this process: a run may be gone on with
        self.first_epoch_done = self.last_line = math.inf
        self.bar = TerminalBar(console, epochs)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.console.is_terminal:
            self.bar.stop()

    def __call__(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Show the figures of an epoch that has ended."""
        figures = [
            f"loss {logs['mean_loss']:.4f}",
            f"validation {logs['val_loss']:.4f}, {100 * logs['val_accuracy']:.2f} %",
            f"{logs['rows_per_second'] / 1000:,.0f}k rows/s",
        ]
        if self.console.is_terminal:
            self.bar.epoch(epoch, figures)
            if not self.is_verbose:
                return
        now = time.perf_counter()
        if self.first_epoch is None:
            self.first_epoch, self.first_epoch_done = epoch, now  # it may include compiling
        n_timed = epoch - self.first_epoch
        if self._line_is_due(epoch, now):
            self.last_line = now
            an_epoch = (now - self.first_epoch_done) / n_timed if n_timed else logs["seconds"]
            left = an_epoch * (self.epochs - epoch)
            line = f"Epoch {epoch:>{len(str(self.epochs))}}/{self.epochs}  {'  '.join(figures)}"
            self.console.print(f"{line}  {left:.0f} s left", highlight=False, soft_wrap=True)

    def _line_is_due(self, epoch: int, now: float) -> bool:
        return (
            self.is_verbose
            or epoch in (self.first_epoch, self.epochs)
            or epoch * LINES // self.epochs > (epoch - 1) * LINES // self.epochs
            or now - self.last_line > SECONDS_BETWEEN_LINES
        )
