"""A model of a table, and tables to use it on: their columns are matched with the model's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp import checks
from fastmlp.cli.sources import Source
from fastmlp.cli.table_kind import BUILT_IN, read_once, tables_module
from fastmlp.cli.table_notes import Notes, file_of, notes_beside
from fastmlp.cli.terminal import Terminal
from fastmlp.data.frames import Table, load_table
from fastmlp.tensors import metadata_of
from fastmlp.words import counted

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "fastmlp-table"  # of model files, see fastmlp.tables.storage


class TableModel(NamedTuple):
    """A model of a table, with what its run has noted."""

    model: str
    estimator: Any
    notes: Notes

    @property
    def is_classifier(self) -> bool:
        """Whether it predicts classes."""
        return hasattr(self.estimator, "classes_")

    def load_table(self, source: Source, errors: Terminal) -> Table:
        """Read a table to use the model on, its columns in the model's order.

        Raises
        ------
        ValueError
            If a column is missing, or new, or the data are pixels.
        """
        if source.scale is not None:
            raise ValueError(
                f"--scale is for pixels, and {self.model} was trained on a table: leave it out"
            )
        if source.data in BUILT_IN:
            raise ValueError(
                f"--data is {source.data}, which are pixels, and {self.model} was trained on a "
                "table: give a file with its columns"
            )
        known = tuple(map(str, self.estimator.feature_names_in_))
        taken_for = self.estimator.encoder_.taken_for_
        with read_once(source):
            table = load_table(
                source.data, label=source.label,
                id_column=source.id_column or self.notes.id_column, max_bytes=source.max_bytes,
                feature_names=known, usual_label=self.notes.label,
                text_columns={name for name, kind in taken_for.items() if kind == "text"},
            )  # fmt: skip
        return replace(table, x=self._in_order(table, known, errors))

    def _in_order(self, table: Table, known: tuple[str, ...], errors: Terminal) -> pd.DataFrame:
        names = tuple(table.x.columns)
        try:
            order = checks.order_of(names, known)
        except ValueError as error:
            label = " (a column of labels is named with --label)" if table.y is None else ""
            raise ValueError(
                f"{table.name} {error}: give the columns that {self.model} was trained on{label}"
            ) from None
        if len(names) != len(known):
            raise ValueError(
                f"{table.name} has {counted(len(names), 'column')}, {self.model} was trained on "
                f"{len(known)}: give the columns that it was trained on"
            )
        if order is not None:
            errors.print_line(
                f"Columns of {table.name} are in another order than those that {self.model} was "
                "trained on: they are taken by their names."
            )
            return table.x.iloc[:, order]
        return table.x.set_axis(list(known), axis=1)

    def out_of_fold(self, rows: str) -> NDArray[Any] | None:
        """Return the out-of-fold predictions of its training, if it was on rows of this SHA-256."""
        oof = self.notes.predictions(file_of(self.model), rows)
        if oof is None:
            return None
        n = len(self.estimator.classes_) if self.is_classifier else 1
        predicted = oof.iloc[:, -n:].to_numpy(object).astype(np.float64)
        return predicted if self.is_classifier else predicted[:, 0]

    def predict(self, x: pd.DataFrame, name: str) -> NDArray[Any]:
        """Return probabilities, or quantities; errors call the table by its name."""
        with naming(name):
            use = self.estimator.predict_proba if self.is_classifier else self.estimator.predict
            predicted: NDArray[Any] = use(x)
        return predicted


@contextmanager
def naming(name: str) -> Iterator[None]:
    """In messages of errors, call X by the name of the table."""
    try:
        yield
    except ValueError as error:
        raise ValueError(str(error).replace("X holds", f"{name} holds", 1)) from None


def table_model(model: str) -> TableModel | None:
    """Return the model of a file, or of a run's folder; None for one that is of no table."""
    file = file_of(model)
    try:
        text = metadata_of(file) if file.is_file() else {}
    except (OSError, ValueError):
        return None  # a network's reader says what is wrong with it
    if text.get("format") != FORMAT:
        return None
    tables = tables_module(model, "it is a model of one")
    is_classifier = text.get("estimator") == "TableClassifier"
    kind = tables.TableClassifier if is_classifier else tables.TableRegressor
    estimator = kind.load(file)
    if not hasattr(estimator, "feature_names_in_"):  # fitted to an array, in Python
        names = [str(i + 1) for i in range(estimator.n_features_in_)]
        estimator.feature_names_in_ = estimator.encoder_.feature_names_in_ = np.array(names, object)
    return TableModel(model, estimator, notes_beside(file))
