"""Shows a run, or several at once: by a bar in terminals and notebooks, by lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    def expect(self, n_epochs: int) -> None:
        """Expect so many epochs in all from now on."""
        self._bar.update(self._task, total=n_epochs)

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


class Fits:
    """Shows nothing of fits that run beside each other; the others are subclasses."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def show(self, n_epochs: int, n_ended: int, ended: Sequence[str]) -> None:
        """Show how many epochs and fits have ended, and what is to be said of the last ones."""


class FitsLines(Fits):
    """A line for each fit that has ended."""

    def show(self, n_epochs: int, n_ended: int, ended: Sequence[str]) -> None:
        for text in ended:
            print(text)


class FitsBar(Fits):
    """One bar over the epochs of all fits."""

    def __init__(self, console: Any, n_epochs: int, n_fits: int) -> None:
        self._bar, self._n_fits = TrainingBar(console, n_epochs), n_fits

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def show(self, n_epochs: int, n_ended: int, ended: Sequence[str]) -> None:
        self._bar.epoch(n_epochs, f"{n_ended} of {self._n_fits} fits")


def progress_of(verbose: bool, n_epochs: int) -> Progress:
    """Return what `verbose` asks for, where it is asked, of a run of at most `n_epochs`."""
    if not verbose:
        return Progress()
    console = _console()
    return Bar(console, n_epochs) if _is_live(console) else Lines()


def fits_progress_of(verbose: bool, n_epochs: int, n_fits: int) -> Fits:
    """Return what `verbose` asks for of some fits, of at most `n_epochs` together."""
    if not verbose:
        return Fits()
    console = _console()
    return FitsBar(console, n_epochs, n_fits) if _is_live(console) else FitsLines()


def _console() -> Any:
    from rich.console import Console

    return Console()


def _is_live(console: Any) -> bool:
    """Whether what is shown can be overwritten: in a terminal or a notebook."""
    return bool(console.is_terminal or console.is_jupyter)
