"""How a column of words becomes inputs of a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.tables.cells import Texts

Array = NDArray[Any]
MISSING = "missing"  # in names of outputs


@dataclass(frozen=True)
class Categories:
    """One-hot encoding of a column's commonest levels; of two levels, 1 and -1.

    Levels that are not among them, those that `fit` has not seen too, are all zeros.

    Attributes
    ----------
    levels : tuple of str
        The commonest first, of equally common ones the first in alphabetical order; "" stands for
        missing values.
    """

    levels: tuple[str, ...]

    @classmethod
    def learn(cls, texts: Texts, most: int) -> Any:
        """Return how to encode such words; None where they are all the same."""
        counts = np.bincount(texts.codes + 1, minlength=len(texts.levels) + 1).tolist()
        found = [(-n, word) for n, word in zip(counts, ["", *texts.levels], strict=True) if n]
        return cls(tuple(word for _, word in sorted(found)[:most])) if len(found) > 1 else None

    @property
    def blocks(self) -> tuple[Categories, ...]:
        """The encodings that it is made of: itself."""
        return (self,)

    @property
    def n_outputs(self) -> int:
        """Columns that the words become."""
        return 1 if len(self.levels) == 2 else len(self.levels)

    def names(self, name: str) -> Iterator[str]:
        """Yield the names of these columns."""
        for level in self.levels[: self.n_outputs]:
            yield f"{name}_{level or MISSING}"

    def places(self, texts: Texts) -> NDArray[np.intp]:
        """Return the place of each row's level; -1 of those that are not among the levels."""
        place = {word: i for i, word in enumerate(self.levels)}
        known = np.array([place.get(word, -1) for word in [*texts.levels, ""]], np.intp)
        return known[texts.codes]

    def write(self, places: NDArray[np.intp], out: Array) -> None:
        """Write the columns (n_rows, n_outputs) of the levels in these `places`."""
        if len(self.levels) == 2:
            out[:, 0] = np.array([1, -1, 0], out.dtype)[places]
            return
        out[:] = 0
        rows = np.flatnonzero(places >= 0)
        out[rows, places[rows]] = 1
