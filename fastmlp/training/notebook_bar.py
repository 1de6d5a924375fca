"""A bar in a notebook: one line, which is updated in place and stays when it is exported."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape

from fastmlp.training.figures import seconds_left, seconds_taken

SECONDS = 0.2  # between two updates


class NotebookBar:
    """A bar with the figures of the last epoch beside it, shown from `start` to `stop`.

    Parameters
    ----------
    total : int
        Epochs to come.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._number, self._figures = 0, ""
        self._first: tuple[int, float] | None = None  # an epoch may take long to compile

    def start(self) -> None:
        """Show it."""
        from IPython.display import display

        self._start = self._shown = time.perf_counter()
        # Not widgets: they need an extension of the notebook, and an exported one is empty.
        self._handle = display(self._line("-:-- left"), raw=True, display_id=True)

    def stop(self) -> None:
        """Leave it as it is."""
        self._update(seconds_taken(time.perf_counter() - self._start))

    def expect(self, total: int) -> None:
        """Expect so many epochs in all from now on."""
        self._total = total

    def epoch(self, number: int, figures: Sequence[str] = ()) -> None:
        """Show that an epoch has ended, with its figures."""
        now = time.perf_counter()
        self._number, self._figures = number, "  ".join(figures)
        if self._first is None:
            self._first = number, now
        if now - self._shown > SECONDS:
            self._shown = now
            done, since = number - self._first[0], now - self._first[1]
            left = since / done * (self._total - number) if done else None
            self._update(seconds_left(left))

    def _update(self, seconds: str) -> None:
        self._handle.update(self._line(seconds), raw=True)

    def _line(self, seconds: str) -> dict[str, str]:
        """Return the line, as each kind of front end takes it."""
        count = f"{self._number}/{self._total}"
        words = "  ".join(filter(None, (count, self._figures, seconds)))
        bar = f'<progress value="{self._number}" max="{self._total}"></progress>'
        style = "font-family: monospace; white-space: pre-wrap"
        html = f'<div style="{style}">Training {bar} {escape(words)}</div>'
        return {"text/plain": f"Training {words}", "text/html": html}
