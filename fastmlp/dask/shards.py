"""A shard: rows that lie on a worker, with what a training has laid out for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from dask.sizeof import sizeof
from numpy.typing import NDArray
from scipy.sparse import issparse

Array = NDArray[Any]


class Shard:
    """Consecutive rows, checked: the result of a task, so that Dask keeps, moves and drops it.

    Parameters
    ----------
    x : ndarray or SciPy CSR of shape (n_rows, n_features), or None without rows
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Labels or numbers as the user gives them.
    weights : ndarray of shape (n_rows,), or None
    names : tuple of str, or None
        Of the columns.
    targets : Any
        What the estimator's `_facts_of_targets` has found; None without rows.

    Attributes
    ----------
    laid_out : dict
        Whatever can be made again of the rows and the arguments of a round, by its kind. It is not
        part of a pickle: where Dask moves the rows, it is made anew, and where Dask drops them, it
        goes, too.
    """

    def __init__(
        self, x: Any = None, y: Any = None, weights: Array | None = None, names: Any = None,
        targets: Any = None,
    ) -> None:  # fmt: skip
        self.x, self.y, self.weights, self.names, self.targets = x, y, weights, names, targets
        self.laid_out: dict[str, Any] = {}

    def __getstate__(self) -> tuple[Any, ...]:
        return self.x, self.y, self.weights, self.names, self.targets

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.__init__(*state)  # type: ignore[misc]

    def __len__(self) -> int:
        return 0 if self.x is None else int(self.x.shape[0])


@sizeof.register(Shard)
def _sizeof(shard: Shard) -> int:
    """Return the bytes of the rows, by which Dask decides what to move and what to spill."""
    x = shard.x
    # Of SciPy's arrays, unlike its matrices, Dask doesn't know the size.
    parts = [x.data, x.indices, x.indptr] if issparse(x) else [x]
    return sum(sizeof(part) for part in (*parts, shard.y, shard.weights))


def sum_of_weights(weights: Array | None, places: NDArray[np.intp]) -> float:
    """Return how much some rows count."""
    return float(len(places) if weights is None else weights[places].sum(dtype=np.float64))
