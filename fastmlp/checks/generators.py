"""Checks what random generators return: they may be of a class of the user's own."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray


def is_trusted(random_state: Any) -> bool:
    """Whether a generator is NumPy's own, whose results need no check."""
    return random_state is np.random or type(random_state) is np.random.RandomState


def permuted(random_state: Any, n_rows: int) -> NDArray[Any]:
    """Return a random permutation of 0..n_rows-1.

    Raises
    ------
    ValueError
        If the generator returns anything else.
    """
    order = np.array(random_state.permutation(n_rows))  # a copy, which nobody else can change
    if (
        order.dtype.kind not in "iu"
        or order.shape != (n_rows,)
        or not np.array_equal(np.sort(order), np.arange(n_rows))
    ):
        refuse(random_state, "permutation")
    return order


def seed_of(random_state: Any) -> int:
    """Return a random seed in 0..2**32-1.

    Raises
    ------
    ValueError
        If the generator returns anything else.
    """
    seed = random_state.randint(2**32, dtype=np.uint32)
    if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        refuse(random_state, "randint")
    return int(seed)


def refuse(random_state: Any, method: str) -> NoReturn:
    """Raise ValueError for a generator whose `method` returned something invalid."""
    raise ValueError(
        f"random_state is a {type(random_state).__name__}, whose {method} does not do what that of "
        "np.random.RandomState does: give one of these, or an int"
    )
