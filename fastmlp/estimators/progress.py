"""What `verbose` shows: a bar in terminals and notebooks, scikit-learn's lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self


class Progress:
    """Shows nothing; the others are subclasses."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def epoch(self, number: int, logs: Mapping[str, float]) -> None:
        """Show the figures of an epoch that has ended."""

    def say(self, text: str) -> None:
        """Show a sentence."""


class Lines(Progress):
    """Lines in scikit-learn's words."""

    def epoch(self, number: int, logs: Mapping[str, float]) -> None:
        print(f"Iteration {number:d}, loss = {logs['loss']:.8f}")
        if "val_score" in logs:
            print(f"Validation score: {logs['val_score']:f}")

    def say(self, text: str) -> None:
        print(text)


class Bar(Progress):
    """A bar with the figures of the last epoch beside it."""

    def __init__(self, console: Any, n_epochs: int) -> None:
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._console = console
        self._bar = RichProgress(
            TextColumn("Training"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
            TextColumn("{task.fields[figures]}"), TimeRemainingColumn(compact=True),
            TextColumn("left"), console=console, refresh_per_second=5,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=n_epochs, figures="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def epoch(self, number: int, logs: Mapping[str, float]) -> None:
        figures = f"loss {logs['loss']:.4f}"
        if "val_score" in logs:
            figures += f"  validation {logs['val_score']:.4f}"
        self._bar.update(self._task, completed=number, figures=figures)

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False)


def progress_of(estimator: Any) -> Progress:
    """Return what the estimator's `verbose` asks for, where it is asked."""
    if not estimator.verbose:
        return Progress()
    from rich.console import Console

    console = Console()
    if console.is_terminal or console.is_jupyter:
        return Bar(console, estimator.max_iter)
    return Lines()
