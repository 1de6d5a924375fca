"""Losses, scores and times of a training run, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from fastmlp.notebooks import html_table

if TYPE_CHECKING:
    import pandas as pd

    from fastmlp.figure import Figure

SHOWN = 5  # epochs at either end of a notebook's table


@dataclass(repr=False)
class History:
    """The figures of each finished epoch, oldest first.

    Attributes
    ----------
    loss : list of float
        Loss of each epoch's last mini-batch, before that batch's update: what the tutorial prints.
        `MLPClassifier` and `MLPRegressor` have no `mean_loss`; for them this is scikit-learn's
        `loss_`, the mean of the epoch's batches, with L2.
    mean_loss : list of float
        Mean loss of each epoch's rows, each before its batch's update.
    val_loss : list of float
        Mean loss of the validation rows after each epoch; empty without validation data.
    val_accuracy : list of float
        Accuracy on the validation rows, 0 to 1, as in `MLP.score`; empty without validation data,
        or if the loss has no accuracy.
    val_score : list of float
        For `MLPClassifier` and `MLPRegressor`, the monitored score of the validation rows; higher
        is better.
    seconds : list of float
        Wall-clock seconds that each epoch took, without validation.
    best_epoch : int or None
        The epoch, counted from 1, whose parameters early stopping kept; None if the last one's were
        kept.

    Examples
    --------
    >>> from fastmlp import History
    >>> history = History(loss=[1.5, 0.75], mean_loss=[2.0, 0.5])
    >>> list(history.columns())
    ['loss', 'mean_loss']
    >>> history.to_frame().loc[2, "mean_loss"].item()
    0.5
    """

    loss: list[float] = field(default_factory=list)
    mean_loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    val_score: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int | None = None

    def __repr__(self) -> str:
        n_epochs = len(self.loss)
        words = [f"{n_epochs} epoch{'s' * (n_epochs != 1)}"]
        if n_epochs:
            words.append(f"{sum(self.seconds):.3g} s")
        for name, column in self.columns().items():
            if name not in ("loss", "seconds"):
                words.append(f"{name} {column[-1]:.4g}")
        return f"<History: {', '.join(words)}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the first and the last epochs, the best one in bold."""
        columns = self.columns()
        # Not strict: after a second interrupt, the last epoch may lack some of its figures.
        lines: list[list[object]] = [
            [epoch, *(f"{figure:.4g}" for figure in figures)]
            for epoch, figures in enumerate(zip(*columns.values(), strict=False), start=1)
        ]
        best = self.best_epoch if self.best_epoch and self.best_epoch <= len(lines) else None
        middle = lines[SHOWN:-SHOWN]
        if len(middle) > 1:
            kept = [line for line in middle if line[0] == best]
            gap: list[object] = ["…"] * len(lines[0])
            lines = [*lines[:SHOWN], gap, *kept, *([gap] if kept else []), *lines[-SHOWN:]]
        place = next((i for i, line in enumerate(lines) if line[0] == best), None)
        notes = [] if best is None else [f"The weights are those after epoch {best}."]
        return html_table(repr(self)[1:-1], ["epoch", *columns], lines, notes, bold=place)

    def append(self, logs: Mapping[str, float]) -> None:
        """Add one epoch's figures.

        Parameters
        ----------
        logs : mapping of str to float
            What callbacks receive; names that are not columns are ignored.
        """
        for name, value in logs.items():
            if name in COLUMNS:
                getattr(self, name).append(value)

    def columns(self) -> dict[str, list[float]]:
        """Return the columns that are not empty, by name."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        return {name: values for name, values in columns.items() if values}

    def set_columns(self, columns: Mapping[str, Iterable[float]]) -> None:
        """Replace all figures.

        Parameters
        ----------
        columns : mapping of str to sequence of float
            What another history's `columns` has returned.
        """
        for name in COLUMNS:
            getattr(self, name)[:] = map(float, columns.get(name, ()))

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame with a row for each epoch, indexed by ``epoch`` from 1."""
        import pandas as pd

        epochs = pd.RangeIndex(1, len(self.loss) + 1, name="epoch")
        return pd.DataFrame(self.columns(), epochs)

    def plot(self) -> Figure:
        """Return the learning curves, `best_epoch` marked; see `fastmlp.pictures.learning_curves`.

        Returns
        -------
        matplotlib.figure.Figure
            Notebooks show it as a picture; elsewhere there are ``savefig`` and ``show``.
        """
        from fastmlp.pictures import learning_curves

        loss = self.mean_loss or self.loss
        return learning_curves(
            loss, self.val_loss, self.val_accuracy, self.val_score, self.best_epoch
        )


COLUMNS = tuple(column.name for column in fields(History) if column.name != "best_epoch")
