"""How long the fit of a table has taken, in all processes that it went on in."""

from __future__ import annotations

import math
import time


class Clock:
    """Counts the seconds of a fit.

    Parameters
    ----------
    most : float, optional
        How long the fit may take.

    Attributes
    ----------
    most : float
    """

    def __init__(self, most: float | None) -> None:
        self.most = math.inf if most is None else float(most)
        self._start = time.perf_counter()

    def go_on(self, seconds: float) -> None:
        """Count the seconds of the processes before, too."""
        self._start -= seconds

    @property
    def seconds(self) -> float:
        """How long the fit has taken so far."""
        return time.perf_counter() - self._start

    @property
    def left(self) -> float:
        """How long it may still take."""
        return max(self.most - self.seconds, 0.0)
