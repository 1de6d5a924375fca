"""Shows a run, or several at once: by a bar in terminals and notebooks, by lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, Self

from fastmlp.notebooks import in_notebook
from fastmlp.training.figures import figures_of
from fastmlp.training.notebook_bar import NotebookBar


class LiveBar(Protocol):
    """A bar with the figures of the last epoch beside it, shown from `start` to `stop`."""

    def start(self) -> None:
        """Show it."""

    def stop(self) -> None:
        """Leave it as it is."""

    def expect(self, total: int) -> None:
        """Expect so many epochs in all from now on."""

    def epoch(self, number: int, figures: Sequence[str] = ()) -> None:
        """Show that an epoch has ended, with its figures, the most important one first."""


def live_bar(n_epochs: int) -> LiveBar | None:
    """Return a bar for where it is asked: in a notebook, or a terminal; None elsewhere."""
    if in_notebook():
        return NotebookBar(n_epochs)
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        return None
    from fastmlp.training.terminal_bar import TerminalBar

    return TerminalBar(console, n_epochs)


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

    def __init__(self, bar: LiveBar) -> None:
        self._bar = bar

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def epoch(self, number: int, logs: Mapping[str, float]) -> None:
        self._bar.epoch(number, figures_of(logs))

    def say(self, text: str) -> None:
        print(text)  # a bar in a terminal takes what is printed, and stays below it


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

    def __init__(self, bar: LiveBar, n_fits: int) -> None:
        self._bar, self._n_fits = bar, n_fits

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def show(self, n_epochs: int, n_ended: int, ended: Sequence[str]) -> None:
        self._bar.epoch(n_epochs, [f"{n_ended} of {self._n_fits} fits"])


def progress_of(verbose: bool, n_epochs: int, lines: type[Progress] = Lines) -> Progress:
    """Return what `verbose` asks for, where it is asked, of a run of at most `n_epochs`.

    That is a bar, or where there can be none `lines`.
    """
    if not verbose:
        return Progress()
    bar = live_bar(n_epochs)
    return lines() if bar is None else Bar(bar)


def fits_progress_of(verbose: bool, n_epochs: int, n_fits: int) -> Fits:
    """Return what `verbose` asks for of some fits, of at most `n_epochs` together."""
    if not verbose:
        return Fits()
    bar = live_bar(n_epochs)
    return FitsLines() if bar is None else FitsBar(bar, n_fits)
