"""Split data into rows to train on and rows to validate on."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks import as_random_state, is_sparse, own_structure, refuse_no_array


def train_val_split(
    x: Any,
    y: Any,
    val_fraction: float = 0.2,
    random_state: int | np.random.RandomState = 42,
) -> tuple[Any, Any, Any, Any]:
    """Shuffle the rows and keep the first `val_fraction` of them for validation.

    The rows, and their order, are those of ``np.random.seed(seed)``, ``np.random.shuffle(data)``
    and a cut at ``int(len(data) * val_fraction)``, with `data` being `y` and `x` side by side.
    NumPy's global generator is not touched.

    Parameters
    ----------
    x : array_like or SciPy sparse matrix of shape (n, ...)
        Any dtype; a DataFrame's rows are taken by position, whatever its index.
    y : array_like of shape (n,)
        Any dtype; a Series' values too are taken by position.
    val_fraction : float
        Share of the rows for validation, between 0 and 1.
    random_state : int or numpy.random.RandomState
        A seed, or a generator that has already been seeded. It is left in the state after the
        shuffle, so that one stream can be used for weights and epochs as well.

    Returns
    -------
    x_train, y_train, x_val, y_val
        Copies, of the types of `x` and `y` (sparse ones that have no rows to take become CSR).

    Raises
    ------
    TypeError
        If `val_fraction` is not a number, `random_state` is neither an integer nor a RandomState,
        or `x` or `y` has no ordered rows.
    ValueError
        If `x` and `y` differ in length, there would be no rows for validation, or a sparse matrix
        is broken.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.arange(20).reshape(10, 2), np.arange(10)
    >>> x_train, y_train, x_val, y_val = train_val_split(x, y, 0.2, random_state=0)
    >>> x_train.shape, x_val.shape
    ((8, 2), (2, 2))
    """
    # Before SciPy takes rows from them.
    x, y = (own_structure(v, name) if is_sparse(v) else v for v, name in ((x, "x"), (y, "y")))
    n, n_labels = _n_rows(x, "x"), _n_rows(y, "y")
    if n_labels != n:
        raise ValueError(f"x has {n} rows, y has {n_labels} labels: give one label for each row")
    remedy = "give a number between 0 and 1, say 0.2"
    if isinstance(val_fraction, bool) or not isinstance(val_fraction, numbers.Real):
        raise TypeError(f"val_fraction is {val_fraction!r}: {remedy}")
    if not 0 < val_fraction < 1:
        raise ValueError(f"val_fraction is {val_fraction}: {remedy}")
    cutoff = int(n * val_fraction)
    if cutoff == 0:
        raise ValueError(
            f"val_fraction={val_fraction} of {n} rows leaves none for validation: "
            "give a larger fraction or more rows"
        )
    generator = as_random_state(random_state)
    if generator is None:
        raise TypeError("random_state is None: give a whole number or a numpy RandomState")
    order = np.arange(n)
    generator.shuffle(order)  # draws the very numbers that shuffling the rows themselves does
    val, train = order[:cutoff], order[cutoff:]
    return _take(x, train), _take(y, train), _take(x, val), _take(y, val)


def _n_rows(data: Any, name: str) -> int:
    if is_sparse(data):
        return data.shape[0]
    try:
        refuse_no_array(data, name)
        return len(data)
    except TypeError as error:
        is_told = str(error).startswith(name)
        raise TypeError(str(error) if is_told else f"{name} is {data!r}: give an array") from None


def _take(data: Any, rows: NDArray[np.intp]) -> Any:
    """Return these rows, by position."""
    if hasattr(data, "iloc"):  # pandas, whose brackets look rows up by their labels
        return data.iloc[rows]
    if is_sparse(data) and data.format not in ("csr", "csc", "lil"):
        return data.tocsr()[rows]
    if isinstance(data, Sequence):
        return [data[row] for row in rows]
    return data[rows]
