"""What the training of a table's networks leaves to look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from fastmlp.history import History
from fastmlp.notebooks import html_table
from fastmlp.palette import BLUE, DPI, GRID, INK, MUTED, ORANGE

if TYPE_CHECKING:
    import pandas as pd

    from fastmlp.figure import Figure


@dataclass(repr=False)
class TableHistory:
    """The figures of each network, epoch by epoch.

    Attributes
    ----------
    members : list of fastmlp.History
        Of each network: losses, and as `val_score` the score by which its epoch was chosen: the
        negative log-loss after temperature scaling, or the negative squared error in units of the
        target's variance. It is NaN, as `val_loss` is, in epochs whose rate is high: their
        parameters are not looked at.
    best_epochs : list of int
        The epoch, from 1, whose parameters each network has kept.
    """

    members: list[History] = field(default_factory=list)
    best_epochs: list[int] = field(default_factory=list)

    def __repr__(self) -> str:
        epochs = [len(member.loss) for member in self.members]
        seconds = sum(sum(member.seconds) for member in self.members)
        return f"<TableHistory: {len(epochs)} networks, {sum(epochs)} epochs, {seconds:.3g} s>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a line for each network, with its kept epoch's figures."""
        lines = []
        for i, (member, best) in enumerate(zip(self.members, self.best_epochs, strict=True)):
            kept = [
                f"{column[best - 1]:.4g}" if 1 <= best <= len(column) else "-"
                for column in (member.loss, member.val_loss, member.val_score)
            ]
            lines.append([i, len(member.loss), best, *kept, f"{sum(member.seconds):.3g}"])
        headings = ["member", "epochs", "best_epoch", "loss", "val_loss", "val_score", "seconds"]
        return html_table(repr(self)[1:-1], headings, lines, ["Figures of the best epoch."])

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame with a row for each epoch, by ``member`` (from 0) and ``epoch``."""
        import pandas as pd

        frames = {i: member.to_frame() for i, member in enumerate(self.members)}
        return pd.concat(frames, names=["member"]) if frames else pd.DataFrame()

    def plot(self) -> Figure:
        """Return the learning curves of all networks: losses, and scores with the chosen epochs."""
        from fastmlp.figure import Figure

        figure = Figure(figsize=(10.0, 4.0), dpi=DPI, facecolor="white", layout="constrained")
        left, right = figure.subplots(1, 2)
        for axes, title in ((left, "Mean loss"), (right, "Validation score")):
            axes.set_title(title, color=INK, loc="left", fontsize=11)
            axes.set_xlabel("epoch", color=MUTED)
            axes.grid(color=GRID)
            axes.spines[["top", "right"]].set_visible(False)
        for member, best in zip(self.members, self.best_epochs, strict=True):
            epochs = range(1, len(member.loss) + 1)
            left.plot(epochs, member.loss, color=BLUE, linewidth=1, alpha=0.7)
            for axes, figures in ((left, member.val_loss), (right, member.val_score)):
                known = [(at, y) for at, y in zip(epochs, figures, strict=True) if y == y]
                axes.plot(*np.array(known).reshape(-1, 2).T, color=ORANGE, linewidth=1, alpha=0.7)
            if 1 <= best <= len(member.val_score):
                right.plot([best], [member.val_score[best - 1]], "o", color=INK, markersize=3)
        for color, what in ((BLUE, "training"), (ORANGE, "validation")):
            left.plot([], [], color=color, label=what)
        left.legend(frameon=False)
        return figure
