"""Short loops over arrays, compiled so that they keep the interpreter.

NumPy lets go of it for arrays of more than 500 elements, and the kernels do for a stretch. Where
another Python thread is busy, each time it takes 5 ms to get it back, as long as thousands of rows
of a small network.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.checks.own import copied
from fastmlp.checks.own import own_orders as checked_orders
from fastmlp.kernels.codegen.cache import compiled

compiled_briefly = partial(compiled, nogil=False)


def own_orders(orders: NDArray[np.intp], n_rows: int) -> NDArray[np.int64]:
    """Return a copy of row indices, as `fastmlp.checks.own.own_orders` does."""
    if orders.dtype == np.int64:
        own = copied(orders)
        # Negative indices as unsigned are large, so one comparison tests both limits.
        if highest(own.reshape(-1).view(np.uint64)) < n_rows:
            return own
    return checked_orders(orders, n_rows)


def is_finite(array: NDArray[Any]) -> bool:
    """Return whether all elements of a C-contiguous array of float32 or float64 are finite."""
    words = np.dtype(f"u{array.itemsize}")
    infinity = np.array(np.inf, array.dtype).view(words)
    return bool(has_no(infinity, array.reshape(-1).view(words)))


@compiled_briefly
def highest(words):
    """The largest of some unsigned integers; 0 if there are none."""
    found = words.dtype.type(0)
    for word in words:
        found = max(found, word)
    return found


@compiled_briefly
def has_no(bits, words):
    """Whether in none of the integers all of these bits are set."""
    found = 0
    for word in words:
        found += (word & bits) == bits
    return found == 0
