"""The bar of a training, in terminals and notebooks."""

from __future__ import annotations

from typing import Any


class TrainingBar:
    """A bar with the figures of the last epoch beside it, shown from `start` to `stop`.

    Parameters
    ----------
    console : rich.console.Console
    n_epochs : int
        Epochs to come.
    """

    def __init__(self, console: Any, n_epochs: int) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("Training"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
            TextColumn("{task.fields[figures]}"), TimeRemainingColumn(compact=True),
            TextColumn("left"), console=console, refresh_per_second=5,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=n_epochs, figures="")
        self.start, self.stop = self._bar.start, self._bar.stop

    def epoch(self, number: int, figures: str) -> None:
        """Show that an epoch has ended, with its figures."""
        self._bar.update(self._task, completed=number, figures=figures)
