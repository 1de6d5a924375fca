"""What `verbose` shows: a bar in terminals and notebooks, scikit-learn's lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from fastmlp.progress import TrainingBar


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
