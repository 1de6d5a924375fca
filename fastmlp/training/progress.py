"""Shows a run while it goes on: by a bar in terminals and notebooks, by lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self


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


class Progress:
    """Shows nothing; the others are subclasses.

    Attributes
    ----------
    is_shown : bool
        Whether each epoch is to be shown when it ends.
    """

    is_shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def epoch(self, number: int, logs: Mapping[str, float]) -> None:
        """Show the figures of an epoch that has ended."""

    def say(self, text: str) -> None:
        """Show a sentence."""


class Lines(Progress):
    """Lines in scikit-learn's words."""

    is_shown = True

    def epoch(self, number: int, logs: Mapping[str, float]) -> None:
        print(f"Iteration {number:d}, loss = {logs['loss']:.8f}")
        if "val_score" in logs:
            print(f"Validation score: {logs['val_score']:f}")

    def say(self, text: str) -> None:
        print(text)


class Bar(Progress):
    """A bar with the figures of the last epoch beside it."""

    is_shown = True

    def __init__(self, console: Any, n_epochs: int) -> None:
        self._console, self._bar = console, TrainingBar(console, n_epochs)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def epoch(self, number: int, logs: Mapping[str, float]) -> None:
        figures = f"loss {logs['loss']:.4f}"
        if "val_score" in logs:
            figures += f"  validation {logs['val_score']:.4f}"
        self._bar.epoch(number, figures)

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False)


def progress_of(verbose: bool, n_epochs: int) -> Progress:
    """Return what `verbose` asks for, where it is asked, of a run of at most `n_epochs`."""
    if not verbose:
        return Progress()
    from rich.console import Console

    console = Console()
    if console.is_terminal or console.is_jupyter:
        return Bar(console, n_epochs)
    return Lines()
