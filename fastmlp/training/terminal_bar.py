"""A bar in a terminal of any width: figures give way, the bar and the time left stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress import Progress, ProgressColumn, Task
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fastmlp.training.figures import seconds_left, seconds_taken

SHORTEST, LONGEST = 10, 40  # characters of the bar


class TerminalBar:
    """A bar with the figures of the last epoch beside it, shown from `start` to `stop`.

    Parameters
    ----------
    console : rich.console.Console
    total : int
        Epochs to come, or whatever is counted.
    what : str
        What is going on.
    is_transient : bool
        Whether nothing of it stays.
    """

    def __init__(
        self, console: Console, total: int, what: str = "Training", is_transient: bool = False
    ) -> None:
        self._bar = Progress(_Line(), console=console, refresh_per_second=5, transient=is_transient)
        self._task = self._bar.add_task(what, total=total, figures=(), is_over=False)

    def start(self) -> None:
        """Show it."""
        self._bar.start()

    def stop(self) -> None:
        """Leave it as it is."""
        self._bar.update(self._task, is_over=True)
        self._bar.stop()

    def expect(self, total: int) -> None:
        """Expect so many epochs in all from now on."""
        self._bar.update(self._task, total=total)

    def epoch(self, number: int, figures: Sequence[str] = ()) -> None:
        """Show that an epoch has ended, with its figures, the most important one first."""
        self._bar.update(self._task, completed=number, figures=tuple(figures))


class _Line(ProgressColumn):
    """All of a task, as one column."""

    def render(self, task: Task) -> _Fitted:
        is_over = task.finished or task.fields["is_over"]
        return _Fitted(
            task.description,
            ProgressBar(total=task.total, completed=task.completed),
            f"{task.completed:.0f}/{task.total:.0f}",
            task.fields["figures"],
            seconds_taken(task.elapsed or 0.0) if is_over else seconds_left(task.time_remaining),
        )


class _Fitted(NamedTuple):
    """A line that leaves out what there is no room for."""

    what: str
    bar: ProgressBar
    done: str
    figures: tuple[str, ...]
    time: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for before, after in self._shorter_and_shorter():
            room = options.max_width - sum(len(word) + 1 for word in (*before, *after))
            if room >= SHORTEST:
                break
        self.bar.width = min(room, LONGEST)
        bar = [self.bar] if room > 0 else []
        line = Table.grid(padding=(0, 1))
        line.add_row(*map(Text, before), *bar, *map(Text, after))
        yield line

    def _shorter_and_shorter(self) -> Iterator[tuple[list[str], list[str]]]:
        """The words before the bar and those after it, with less and less of them."""
        for n in range(len(self.figures), 0, -1):
            yield [self.what], [self.done, *self.figures[:n], self.time]
        yield [], [self.done, *self.figures[:1], self.time]
        yield [], [self.done, self.time]
        yield [], [self.time]
