"""How a column of dates and times becomes inputs of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.tables.numbers import Numbers

Array = NDArray[Any]
Times = NDArray[np.datetime64]
DAY = 86_400_000_000  # microseconds


def _days(times: Times) -> Array:
    return times.astype(np.int64) / DAY


def _month(times: Times) -> Array:
    return times.astype("datetime64[M]").astype(np.int64) % 12 + 1.0


def _weekday(times: Times) -> Array:
    return (times.astype("datetime64[D]").astype(np.int64) + 3) % 7 + 0.0  # 0 is Monday


def _day_of_month(times: Times) -> Array:
    return (times.astype("datetime64[D]") - times.astype("datetime64[M]")).astype(np.int64) + 1.0


def _day_of_year(times: Times) -> Array:
    return (times.astype("datetime64[D]") - times.astype("datetime64[Y]")).astype(np.int64) + 1.0


def _hour(times: Times) -> Array:
    return times.astype(np.int64) % DAY / (DAY / 24)


PARTS: dict[str, Callable[[Times], Array]] = {
    "days": _days,
    "month": _month,
    "weekday": _weekday,
    "day_of_month": _day_of_month,
    "day_of_year": _day_of_year,
    "hour": _hour,
}
"""Each part's name, and the function that computes it from datetime64[us], none of them NaT."""


@dataclass(frozen=True)
class Moments:
    """A date's parts, each encoded as a number: those that are not all the same.

    Attributes
    ----------
    parts : dict of str to Numbers
        How each part is encoded, in the order of `PARTS`. Whether a date is missing is said once,
        by the first of them.
    """

    parts: dict[str, Numbers]

    @classmethod
    def learn(cls, times: Times, n_bins: int) -> Any:
        """Return how to encode such dates; None where they are all the same."""
        has_gaps = bool(np.isnat(times).any())
        parts: dict[str, Numbers] = {}
        for name in PARTS:
            found = Numbers.learn(_part(name, times), n_bins, has_gaps and not parts)
            if found is not None:
                parts[name] = found
        return cls(parts) if parts else None

    @property
    def blocks(self) -> tuple[Numbers, ...]:
        """The encodings that it is made of."""
        return tuple(self.parts.values())

    @property
    def n_outputs(self) -> int:
        """Columns that the date becomes."""
        return sum(part.n_outputs for part in self.parts.values())

    def names(self, name: str) -> Iterator[str]:
        """Yield the names of these columns."""
        for part, numbers in self.parts.items():
            yield from numbers.names(f"{name}_{part}")

    def write(self, times: Times, out: Array) -> None:
        """Write the columns (n_rows, n_outputs) of these dates."""
        place = 0
        for name, numbers in self.parts.items():
            end = place + numbers.n_outputs
            numbers.write(_part(name, times), out[:, place:end])
            place = end


def n_parts() -> int:
    """Return how many numbers a date may become."""
    return len(PARTS)


def _part(name: str, times: Times) -> NDArray[np.float64]:
    is_missing = np.isnat(times)
    known = np.where(is_missing, np.datetime64(0, "us"), times)
    return np.where(is_missing, np.nan, PARTS[name](known))
