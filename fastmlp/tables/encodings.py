"""What a column of a table can become: the kinds of encodings, and how one is learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fastmlp.tables.categories import Categories
from fastmlp.tables.cells import Kind
from fastmlp.tables.level_means import LevelMeans
from fastmlp.tables.numbers import Booleans, Numbers
from fastmlp.tables.times import Moments, n_parts

Encoding = Numbers | Booleans | Moments | Categories | LevelMeans
Block = Numbers | Booleans | Categories
MOST_OUTPUTS = 1024  # that bins may make, where there are at least `FEWEST_BINS` a number
FEWEST_BINS, MOST_WITH_BINS = 4, 512
MOST_CELLS = 2**28  # of the matrix: a GB of float32, beyond which there are fewer bins


class Column(NamedTuple):
    """A column of the table: what it holds, the form of dates in text, how it is encoded."""

    place: int
    kind: Kind
    form: str
    encoding: Encoding


def learn(kind: Kind, values: Any, n_bins: int, max_levels: int) -> Encoding | None:
    """Return how to encode cells of this kind; None where they are all the same."""
    found: Encoding | None
    if kind == "number":
        found = Numbers.learn(values, n_bins)
    elif kind == "boolean":
        found = Booleans.learn(values)
    elif kind == "time":
        found = Moments.learn(values, n_bins)
    else:
        found = Categories.learn(values, max_levels)
    return found


def bins_of(kinds: Sequence[Kind], n_rows: int, most: int) -> int:
    """Return how many bins each number gets, at `most`."""
    n_numbers = kinds.count("number") + n_parts() * kinds.count("time")
    n_bins = min(MOST_OUTPUTS, MOST_CELLS // n_rows) // max(n_numbers, 1)
    n_bins = max(n_bins, FEWEST_BINS if n_numbers <= MOST_WITH_BINS else 0)
    return min(n_bins, most)
