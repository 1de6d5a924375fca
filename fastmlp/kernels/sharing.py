"""A thread's own part of a layer: vectors of columns (units), or rows; see `plan`."""

from __future__ import annotations

from fastmlp.kernels import records as at
from fastmlp.kernels.cache import compiled

LONGEST_GROUP = 8  # inputs that fastmlp.kernels.skip takes together


@compiled
def first_vector(work, layer):
    """First of a thread's own vectors of columns; they end where the next thread's begin."""
    if layer.sharing == at.BY_COLUMNS:
        return layer.n_vectors * work.thread // work.n_threads
    return 0


@compiled
def last_vector(work, layer):
    if layer.sharing == at.BY_COLUMNS:
        return layer.n_vectors * (work.thread + 1) // work.n_threads
    return layer.n_vectors


@compiled
def _own(work, thread, n, unit):
    """First of a thread's own ones of `n`, which are shared in units; the next thread's follow."""
    return min((n + unit - 1) // unit * thread // work.n_threads * unit, n)


@compiled
def first_row(work, layer):
    """First of a thread's own rows of the batch."""
    if layer.sharing == at.BY_ROWS:
        return _own(work, work.thread, work.n_rows, layer.row_unit)
    return 0


@compiled
def last_row(work, layer):
    if layer.sharing == at.BY_ROWS:
        return _own(work, work.thread + 1, work.n_rows, layer.row_unit)
    return work.n_rows


@compiled
def first_input(work, layer):
    """First of a thread's own inputs, that is rows of the weights."""
    if layer.sharing == at.BY_ROWS:
        return _own(work, work.thread, layer.n_in_updated, LONGEST_GROUP)
    return 0


@compiled
def last_input(work, layer):
    if layer.sharing == at.BY_ROWS:
        return _own(work, work.thread + 1, layer.n_in_updated, LONGEST_GROUP)
    return layer.n_in_updated
