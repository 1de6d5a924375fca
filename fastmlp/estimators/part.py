"""Rows as the user has given them, as they were read, and the part of them that a fit is about."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing

from fastmlp.engine import Features
from fastmlp.estimators import read_input

Array = NDArray[Any]


class Table(NamedTuple):
    """Rows that have been checked, for one fit or for many.

    Attributes
    ----------
    X, y, sample_weight
        As the user has given them.
    x : ndarray or SciPy CSR of shape (n_rows, n_features)
    targets : ndarray, or SciPy CSR of labels
        The same, checked; not yet encoded, since the classes are those of a part.
    weights : ndarray of shape (n_rows,), or None
    features : Features
        `x` as read by the engine.
    """

    X: Any
    y: Any
    sample_weight: Any
    x: Any
    targets: Any
    weights: Array | None
    features: Features

    @classmethod
    def read(
        cls, estimator: Any, X: Any, y: Any, sample_weight: Any, is_new: bool, n_epochs: int
    ) -> Table:
        """Check rows as `estimator` wants them, which learns their columns if it `is_new`.

        Raises
        ------
        ValueError, TypeError
            As `fit`.
        """
        x, targets, features = read_input.read_rows(
            estimator, X, y, is_new, n_epochs, **estimator._y_rules
        )
        weights = read_input.read_sample_weight(sample_weight, x)
        return cls(X, y, sample_weight, x, targets, weights, features)


class Part:
    """The rows of a table that one fit is about: training and validation.

    The engine reads a part where the table lies, in the order of `numbers`, so that no fold is
    copied. What is found by the part alone (classes, balanced weights, the split of early
    stopping) counts its rows by their places in it, as a fit of a copy would.

    Parameters
    ----------
    table : Table
    rows : ndarray of shape (n,) of intp, optional
        Row numbers, in any order; a row may occur twice. All rows by default.

    Attributes
    ----------
    rows : ndarray of shape (n,), or None
    """

    def __init__(self, table: Table, rows: NDArray[np.intp] | None = None) -> None:
        self.table, self.rows = table, rows
        self.x = table.x

    def __len__(self) -> int:
        return int(self.x.shape[0] if self.rows is None else len(self.rows))

    def of(self, values: Any) -> Any:
        """Return the part's rows of an array that has a row for each of the table's, or None."""
        return values if self.rows is None or values is None else values[self.rows]

    def numbers(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the table's row numbers of places in the part."""
        return places if self.rows is None else self.rows[places]

    def spread(self, values: Any) -> Any:
        """Return an array with a row for each of the table's: the part's, and zeros elsewhere."""
        if self.rows is None or values is None:
            return values
        whole = np.zeros((self.x.shape[0], *values.shape[1:]), values.dtype)
        whole[self.rows] = values
        return whole

    def as_given(self) -> tuple[Any, Any, Any]:
        """Return X, y and sample_weight, as the user would have given a fit of the part."""
        table = self.table
        if self.rows is None:
            return table.X, table.y, table.sample_weight
        return _safe_indexing(table.X, self.rows), self.of(table.targets), self.of(table.weights)

    def shown(self, numbers: NDArray[np.intp], has_names: bool) -> Any:
        """Return rows as a scorer may expect them: of a table with names, a table."""
        return _safe_indexing(self.table.X, numbers) if has_names else self.x[numbers]
