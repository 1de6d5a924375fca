"""TableEncoder: all columns of a table as inputs of a network."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from fastmlp.checks import warn_user
from fastmlp.tables import cells
from fastmlp.tables.categories import Categories
from fastmlp.tables.columns import (
    are_categories,
    are_unclear_dates,
    fingerprint,
    read,
    read_as,
    without_ids,
)
from fastmlp.tables.frames import read_columns
from fastmlp.tables.numbers import Booleans, Numbers
from fastmlp.tables.times import Moments, n_parts
from fastmlp.words import listed, shown

Array = NDArray[Any]
Encoding = Numbers | Booleans | Moments | Categories
MOST_OUTPUTS = 1024  # that bins may make, where there are at least `FEWEST_BINS` a number
FEWEST_BINS, MOST_WITH_BINS = 4, 512
MOST_CELLS = 2**28  # of the matrix: a GB of float32, beyond which there are fewer bins
ROWS_AT_ONCE = 2048  # few enough for a column's bins to stay in the caches


class Column(NamedTuple):
    """A column of the table, the form of its dates if they are text, and how it is encoded."""

    place: int
    kind: cells.Kind
    form: str
    encoding: Encoding


class TableEncoder(TransformerMixin, BaseEstimator):
    """Turns a table as it comes into a float32 matrix for a neural network.

    Frames of pandas and polars, tables of pyarrow, and arrays are taken; numbers, text, categories,
    Booleans, dates and times, with missing values anywhere. What is infinite counts as very large.

    - A number is scaled by median and interquartile range and clipped smoothly, and beside it
      stands a piecewise linear encoding in up to `n_bins` bins: quantiles, or where there are at
      most ``n_bins + 1`` different numbers one for each. A column says where it is missing, if it
      ever is. (Tables of more than 85 numbers get fewer bins, of more than 512 none.)
    - Text and categories: one-hot, the `max_levels` commonest levels, of which "missing" is one; a
      column of two levels is 1 and -1. Other levels, new ones too, are all zeros.
      Of text with more levels than a tenth of the rows, and than 16, those of one row only are no
      levels: ids and free text are left out, with a warning.
    - Text that is all dates of one form (``2024-12-31``, ``2024/12/31``, ``31.12.2024``, ``Dec 31,
      2024``, ``31 Dec 2024``, with or without a time; ``31/12/2024`` and ``12/31/2024`` if a day
      above 12 tells which it is), or numerals of more than 64 kinds, is read as such. Text in
      blanks only is missing.
    - A date: its days, month, weekday, day of the month and of the year, and hour, as numbers, as
      far as they differ. Time zones are left out. Durations and times of day are seconds.
    - Booleans are 1 and -1, missing ones 0.

    Columns that are constant, or repeat an earlier one, are left out; if none is left, there is a
    column of zeros. Quantiles are computed from at most 200,000 rows.

    Parameters
    ----------
    n_bins : int, default=16
        Bins of a number at most; 0 for the scaled number alone.
    max_levels : int, default=64
        Levels of a text at most.
    categorical_features : 'from_dtype' or array-like of str, int or bool, default='from_dtype'
        The columns that are text whatever they hold: names, places, or a flag for each. Text is
        in any case.

    Attributes
    ----------
    n_features_in_ : int
        Columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where `X` had names that are all strings.
    taken_for_ : dict
        What each column was taken for, by its name or place: 'number', 'boolean', 'time', 'text',
        or 'nothing' where it was left out.

    Examples
    --------
    >>> import pandas as pd
    >>> from fastmlp import TableEncoder
    >>> X = pd.DataFrame({"age": [31.0, 45.0, None, 27.0], "city": ["Rome", "Oslo", "Rome", None]})
    >>> encoder = TableEncoder(n_bins=0).fit(X)
    >>> encoder.get_feature_names_out().tolist()
    ['age', 'age_missing', 'city_Rome', 'city_missing', 'city_Oslo']
    >>> encoder.transform(X)[2].tolist()
    [0.0, 1.0, 1.0, 0.0, 0.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_bins": [Interval(Integral, 0, None, closed="left")],
        "max_levels": [Interval(Integral, 2, None, closed="left")],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like"],
    }

    def __init__(
        self, n_bins: int = 16, max_levels: int = 64, categorical_features: Any = "from_dtype"
    ) -> None:
        self.n_bins = n_bins
        self.max_levels = max_levels
        self.categorical_features = categorical_features

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn how to encode each column.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            A frame of pandas or polars, a table of pyarrow, or array-like.
        y : object, default=None
            Ignored.

        Returns
        -------
        self : TableEncoder

        Raises
        ------
        TypeError
            If `X` is sparse, or has cells that are no single values.
        ValueError
            If `X` has no rows, or `categorical_features` names a column that is not there.
        """
        columns = read_columns(self, X, reset=True)
        labels = list(getattr(self, "feature_names_in_", range(len(columns))))
        flags = list(are_categories(self.categorical_features, labels))
        found = [read(c, is_one) for c, is_one in zip(columns, flags, strict=True)]
        n_bins = self._n_bins_of([one.kind for one in found], len(columns[0]))
        self._columns: list[Column] = []
        self.taken_for_ = dict.fromkeys(labels, "nothing")
        ids, unclear, seen = [], [], set()
        for place, (kind, form, values) in enumerate(found):
            if are_unclear_dates(found[place]) and not flags[place]:
                unclear.append(labels[place])
            if kind == "text":
                values = without_ids(values)
                if len(values.levels) < len(found[place].values.levels):
                    ids.append(labels[place])
            encoding = self._learn(kind, values, n_bins)
            print_ = fingerprint(kind, values)
            if encoding is None or print_ in seen:
                continue
            seen.add(print_)
            self._columns.append(Column(place, kind, form, encoding))
            self.taken_for_[labels[place]] = kind
        if unclear:
            warn_user(
                f"{listed(map(shown, unclear))}: dates in which day and month can't be told apart "
                "are taken for text; convert them before: pd.to_datetime(..., format='%d/%m/%Y')"
            )
        if ids:
            warn_user(
                f"{listed(map(shown, ids))}: text with more levels than a tenth of the rows, as "
                "ids and free text have; levels of one row only are left out"
            )
        return self

    def transform(self, X: Any) -> Any:
        """Return the encoded table.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            With the columns of `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs) of float32
            C-contiguous. A frame, if `set_output` has asked for one.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If columns are others than in `fit`, or hold cells of another kind.
        """
        check_is_fitted(self)
        columns = read_columns(self, X, reset=False)
        n_rows = len(columns[0])
        out = np.empty((n_rows, self._n_outputs), np.float32)
        if not self._columns:
            out[:] = 0
        first = 0
        for place, kind, form, encoding in self._columns:
            values = read_as(kind, form, columns[place])
            if isinstance(encoding, Categories):
                values = encoding.places(values)
            last = first + encoding.n_outputs
            for start in range(0, n_rows, ROWS_AT_ONCE):
                rows = slice(start, start + ROWS_AT_ONCE)
                encoding.write(values[rows], out[rows, first:last])
            first = last
        return out

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the encoded table's columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of `X`, where `fit` has seen none; ``x0``, ``x1``, ... by default.

        Returns
        -------
        ndarray of shape (n_outputs,) of str
            As ``age``, ``age_bin3``, ``age_missing``, ``city_Rome`` or ``day_weekday``.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If they are not the names in `fit`.
        """
        check_is_fitted(self)
        given = _check_feature_names_in(self, input_features)
        names = [
            name
            for column in self._columns
            for name in column.encoding.names(str(given[column.place]))
        ]
        return np.array(names or ["constant"], object)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_columns")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    @property
    def _sizes(self) -> list[int]:
        """How many columns each column of the table has become, without those left out."""
        return [column.encoding.n_outputs for column in self._columns] or [1]

    @property
    def _n_outputs(self) -> int:
        return sum(self._sizes)

    def _n_bins_of(self, kinds: list[cells.Kind], n_rows: int) -> int:
        """Return how many bins each number gets."""
        n_numbers = kinds.count("number") + n_parts() * kinds.count("time")
        most = min(MOST_OUTPUTS, MOST_CELLS // n_rows) // max(n_numbers, 1)
        n_bins = max(most, FEWEST_BINS if n_numbers <= MOST_WITH_BINS else 0)
        return min(n_bins, int(self.n_bins))

    def _learn(self, kind: cells.Kind, values: Any, n_bins: int) -> Encoding | None:
        found: Encoding | None
        if kind == "number":
            found = Numbers.learn(values, n_bins)
        elif kind == "boolean":
            found = Booleans.learn(values)
        elif kind == "time":
            found = Moments.learn(values, n_bins)
        else:
            found = Categories.learn(values, int(self.max_levels))
        return found


def plain_encoder(**settings: Any) -> TableEncoder:
    """Return an encoder that gives arrays, even where scikit-learn is set to give frames."""
    encoder: TableEncoder = TableEncoder(**settings).set_output(transform="default")
    return encoder
