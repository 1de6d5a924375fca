"""The error of a training that diverges."""

from __future__ import annotations

import math


class DivergenceError(ValueError, FloatingPointError):
    """A training whose loss or weights are not finite any more.

    Parameters
    ----------
    epoch : int
        The first epoch after which they are not, counted from 1.
    loss, learning_rate : float
        Its loss, and the length of its steps.
    """

    def __init__(self, epoch: int, loss: float, learning_rate: float) -> None:
        super().__init__(epoch, loss, learning_rate)  # arguments, so that it can be pickled
        self.epoch, self.loss, self.learning_rate = epoch, loss, learning_rate

    def __str__(self) -> str:
        what = "a weight is not finite" if math.isfinite(self.loss) else f"loss {self.loss}"
        before = f"after epoch {self.epoch - 1}" if self.epoch > 1 else "before the first one"
        return (
            f"the training diverged in epoch {self.epoch} ({what}): scale the inputs to "
            "about 0..1 (pixels / 255), or give a smaller learning_rate than "
            f"{self.learning_rate:g}; the weights are those {before}"
        )
