"""An encoder as JSON values, and back: what stands in a file is checked, as it may be anybody's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from fastmlp.json_text import as_number, as_texts
from fastmlp.tables.categories import Categories
from fastmlp.tables.cells import Kind
from fastmlp.tables.dates import FORMS
from fastmlp.tables.encoder import TableEncoder, plain_encoder
from fastmlp.tables.encodings import Column, Encoding
from fastmlp.tables.level_means import LevelMeans
from fastmlp.tables.numbers import Booleans, Numbers
from fastmlp.tables.times import PARTS, Moments
from fastmlp.words import shown


def columns_to_json(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Return how a fitted encoder encodes these columns."""
    return [
        {"place": place, "kind": kind, "form": form, "encoding": asdict(encoding)}
        for place, kind, form, encoding in columns
    ]


def encoder_from_json(
    settings: dict[str, Any], columns: Any, means: Any, n_features: int, names: list[str] | None
) -> TableEncoder:
    """Return the encoder that `columns_to_json` was given.

    Raises
    ------
    TypeError, ValueError, KeyError
        If `columns` and `means` are not its results.
    """
    encoder = plain_encoder(**settings)
    encoder._validate_params()
    encoder._columns = [_column(one, n_features) for one in columns]
    encoder._means = [_column(one, n_features, {"text": _level_means}) for one in means]
    for found in (encoder._columns, encoder._means):
        if any(b.place <= a.place for a, b in pairwise(found)):
            raise ValueError("columns are not in order")
    labels: list[Any] = list(range(n_features)) if names is None else names
    encoder.taken_for_ = dict.fromkeys(labels, "nothing")
    encoder.taken_for_ |= {labels[column.place]: column.kind for column in encoder._columns}
    encoder.n_features_in_ = n_features
    return encoder


def _column(
    given: Any, n_features: int, readers: Mapping[str, Callable[[Any], Encoding]] | None = None
) -> Column:
    place, values = given["place"], given["encoding"]
    if type(place) is not int or not 0 <= place < n_features:
        raise ValueError(f"a column has the place {shown(place)}")
    kind: Kind = given["kind"]
    form = given["form"]
    if form not in FORMS:
        raise ValueError(f"dates have the form {shown(form)}")
    return Column(place, kind, form, (READERS if readers is None else readers)[kind](values))


def _numbers(values: Any) -> Numbers:
    median, scale = as_number(values["median"]), as_number(values["scale"])
    edges = tuple(as_number(edge) for edge in values["edges"])
    has_gaps = values["has_gaps"]
    if not (
        all(map(math.isfinite, (median, scale, *edges)))
        and scale >= 0
        and len(edges) != 1
        and all(a < b for a, b in pairwise(edges))
        and isinstance(has_gaps, bool)
    ):
        raise ValueError("no such encoding of numbers")
    return Numbers(median, scale, edges, has_gaps)


def _moments(values: Any) -> Moments:
    parts = values["parts"]
    if not parts or list(parts) != [name for name in PARTS if name in parts]:
        raise ValueError(f"a date has the parts {shown(list(parts))}")
    return Moments({name: _numbers(part) for name, part in parts.items()})


def _categories(values: Any) -> Categories:
    levels = as_texts(values["levels"])
    if not levels or len(set(levels)) < len(levels):
        raise ValueError(f"a text has the levels {shown(levels)}")
    return Categories(levels)


def _level_means(values: Any) -> LevelMeans:
    levels = as_texts(values["levels"])
    means = tuple(tuple(map(as_number, column)) for column in values["means"])
    numbers = tuple(map(_numbers, values["numbers"]))
    if (
        len(set(levels)) < len(levels)
        or not means
        or len(numbers) != len(means)
        or any(len(column) != len(levels) for column in means)
        or not all(math.isfinite(mean) for column in means for mean in column)
    ):
        raise ValueError("no such means of levels")
    return LevelMeans(levels, means, numbers)


READERS: dict[str, Callable[[Any], Encoding]] = {
    "number": _numbers, "boolean": lambda values: Booleans(), "time": _moments,
    "text": _categories,
}  # fmt: skip
