"""What a training run went through, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class History:
    """The figures of each finished epoch, oldest first.

    Attributes
    ----------
    loss : list of float
        Loss of each epoch's last mini-batch, before that batch's update.
    val_accuracy : list of float
        Share of validation rows labelled correctly, 0 to 1; empty without validation data.
    seconds : list of float
        Wall-clock seconds that each epoch's training took, validation not counted.
    """

    loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def append(self, logs: Mapping[str, float]) -> None:
        """Add one epoch's logs, the dictionary that callbacks receive."""
        self.loss.append(logs["loss"])
        self.seconds.append(logs["seconds"])
        if "val_accuracy" in logs:
            self.val_accuracy.append(logs["val_accuracy"])

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame with a row for each epoch, indexed by ``epoch`` from 1."""
        import pandas as pd

        columns = {"loss": self.loss, "val_accuracy": self.val_accuracy, "seconds": self.seconds}
        epochs = pd.RangeIndex(1, len(self.loss) + 1, name="epoch")
        return pd.DataFrame({name: column for name, column in columns.items() if column}, epochs)
