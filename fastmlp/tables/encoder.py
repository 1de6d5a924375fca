"""TableEncoder: all columns of a table as inputs of a network."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from fastmlp.checks import warn_user
from fastmlp.tables import level_means
from fastmlp.tables.categories import Categories
from fastmlp.tables.cells import holds_numbers
from fastmlp.tables.columns import (
    are_categories,
    are_unclear_dates,
    fingerprint,
    read,
    read_as,
    without_ids,
)
from fastmlp.tables.encodings import Block, Column, bins_of, learn
from fastmlp.tables.frames import read_columns
from fastmlp.tables.level_means import LevelMeans
from fastmlp.tables.numbers import Booleans
from fastmlp.words import listed, shown

Array = NDArray[Any]
ROWS_AT_ONCE = 2048  # few enough for a column's bins to stay in the caches
NOTHING = Booleans()  # what a table without columns becomes


class TableEncoder(TransformerMixin, BaseEstimator):
    """Turns a raw table into a float32 matrix for a neural network.

    It takes frames of pandas and polars, tables of pyarrow, and arrays, with numbers, text,
    categories, Booleans, dates and times, and missing values anywhere. Infinite numbers count as
    very large.

    - A number is scaled by median and interquartile range and clipped smoothly, and beside it
      stands a piecewise linear encoding in up to `n_bins` bins: quantiles, or where there are at
      most ``n_bins + 1`` different numbers one for each. A column says where it is missing, if it
      ever is. (Tables of more than 64 numbers get fewer bins, of more than 512 none.)
    - Text and categories: one-hot, the `max_levels` commonest levels, of which "missing" is one; a
      column of two levels is 1 and -1. Other levels, new ones too, are all zeros.
      Of text with more levels than a tenth of the rows, and than 16, those of one row only are no
      levels: ids and free text are left out, with a warning.
    - Text that is all dates of one form (``2024-12-31``, ``2024/12/31``, ``31.12.2024``, ``Dec 31,
      2024``, ``31 Dec 2024``, with or without a time; ``31/12/2024`` and ``12/31/2024`` if a day
      above 12 tells which it is), or numerals of more than 64 kinds, is read as such; but whole
      numbers without a gap are codes, where other columns are of numbers. Text in blanks only is
      missing.
    - A date: its days, month, weekday, day of the month and of the year, and hour, as numbers, as
      far as they differ. Time zones are left out. Durations and times of day are seconds.
    - Booleans are 1 and -1, missing ones 0.

    Columns that are constant, or repeat an earlier one, are left out; if none remain, there is a
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
        is_typed = any(map(holds_numbers, columns))
        found = [read(c, is_one, is_typed) for c, is_one in zip(columns, flags, strict=True)]
        n_bins = bins_of([one.kind for one in found], len(columns[0]), int(self.n_bins))
        self._columns: list[Column] = []
        self._means: list[Column] = []
        self.taken_for_ = dict.fromkeys(labels, "nothing")
        ids, unclear, seen = [], [], set()
        for place, (kind, form, values) in enumerate(found):
            if are_unclear_dates(found[place]) and not flags[place]:
                unclear.append(labels[place])
            if kind == "text":
                values = without_ids(values)
                if len(values.levels) < len(found[place].values.levels):
                    ids.append(labels[place])
            encoding = learn(kind, values, n_bins, int(self.max_levels))
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
            If the columns differ from those in `fit`, or hold cells of another kind.
        """
        check_is_fitted(self)
        columns = read_columns(self, X, reset=False)
        n_rows = len(columns[0])
        out = np.empty((n_rows, self._n_outputs), np.float32)
        if not self._columns:
            out[:] = 0
        first = 0
        for place, kind, form, encoding in [*self._columns, *self._means]:
            values = read_as(kind, form, columns[place])
            if isinstance(encoding, Categories | LevelMeans):
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
            for column in [*self._columns, *self._means]
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
    def _blocks(self) -> list[Block]:
        """What the encoded table is made of, from left to right; a number if it is empty."""
        columns = [*self._columns, *self._means]
        return [block for column in columns for block in column.encoding.blocks] or [NOTHING]

    @property
    def _n_outputs(self) -> int:
        return sum(block.n_outputs for block in self._blocks)

    def _add_means(
        self, X: Any, x: Array, targets: Array, weights: Array | None,
        held_out: Sequence[NDArray[np.intp]],
    ) -> NDArray[np.float32]:  # fmt: skip
        """Learn the mean targets of text of very many levels; return the encoded table with them.

        Parameters
        ----------
        X, x : tables of shape (n_rows, n_features) and (n_rows, n_outputs)
            What `fit` has seen, as it came and encoded.
        targets : ndarray of shape (n_rows, n_targets) of float64
        weights : ndarray of shape (n_rows,), optional
        held_out : sequence of ndarray
            The rows that each network is judged by.
        """
        blocks = [x]
        columns = read_columns(self, X, reset=False)
        for place, kind, form, encoding in self._columns:
            if isinstance(encoding, Categories) and len(encoding.levels) == self.max_levels:
                texts = read_as(kind, form, columns[place])
                if len(texts.levels) > level_means.MORE_LEVELS and (
                    found := level_means.learn(texts, targets, weights, held_out, self.n_bins)
                ):
                    self._means.append(Column(place, kind, form, found[0]))
                    blocks.append(found[1])
        return np.hstack(blocks) if len(blocks) > 1 else x


def plain_encoder(**settings: Any) -> TableEncoder:
    """Return an encoder that gives arrays, even where scikit-learn is set to give frames."""
    encoder: TableEncoder = TableEncoder(**settings).set_output(transform="default")
    return encoder
