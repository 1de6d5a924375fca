"""The compiled engine, imported when it is first used: Numba takes a quarter of a second."""

from __future__ import annotations

from functools import cache

from fastmlp.engine import Engine


@cache  # a repeated import would take a hundredth of the time of predicting a row
def engine() -> Engine:
    """Return `fastmlp.kernels`."""
    from fastmlp import kernels

    return kernels


def usable_threads() -> int:
    """Return how many threads may run at once; see `fastmlp.kernels.runtime.threads`."""
    from fastmlp.kernels.runtime import threads

    return threads.usable_threads()
