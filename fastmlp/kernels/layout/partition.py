"""Computes a thread's own share of a layer: vectors of columns (units), rows, or inputs.

`memory_plan` decides how threads divide a layer: by columns; or by rows of the batch in the forward
pass and by inputs (rows of the weights) in the update; or not at all, in which case each thread
computes all of it.

A kernel loops over ``range(first_..., last_...)``; ``last_...`` is where the next thread's share
begins. Along a dimension that is not divided, the range covers everything.

These are vector ops on plain integers rather than jitted functions: nearly every kernel uses them,
and so they add nothing to its compile time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from fastmlp.kernels.codegen.simd import Lanes, constant
from fastmlp.kernels.codegen.vector_op import Integer, vector_op
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.blocking import LONGEST_GROUP


class InputRange(NamedTuple):
    """Neighbouring inputs: the index of the first one, and that after the last one."""

    first: Any
    last: Any


def _own_vector(v: Lanes, work: Any, layer: Any, thread: Any, if_all: Any) -> Any:
    """Index of a thread's first own vector of columns; `if_all` if columns are not divided."""
    b = v.builder
    own = b.sdiv(b.mul(layer.n_vectors, thread), work.n_threads)
    return b.select(b.icmp_signed("==", layer.sharing, constant(at.BY_COLUMNS)), own, if_all)


def _own_of(v: Lanes, work: Any, layer: Any, n: Any, unit: Any, thread: Any, if_all: Any) -> Any:
    """Index of the first of `n` rows or inputs that is a thread's own; `if_all` if not divided.

    They are divided in whole blocks of `unit`.
    """
    b = v.builder
    n_units = b.sdiv(b.sub(b.add(n, unit), constant(1)), unit)
    own = b.mul(b.sdiv(b.mul(n_units, thread), work.n_threads), unit)
    own = b.select(b.icmp_signed("<", own, n), own, n)
    return b.select(b.icmp_signed("==", layer.sharing, constant(at.BY_ROWS)), own, if_all)


def _next(v: Lanes, work: Any) -> Any:
    return v.builder.add(work.thread, constant(1))


def own_vectors(v: Lanes, work: Any, layer: Any) -> tuple[Any, Any]:
    """First and end of a thread's own vectors of columns, for code that emits instructions."""
    return (
        _own_vector(v, work, layer, work.thread, constant(0)),
        _own_vector(v, work, layer, _next(v, work), layer.n_vectors),
    )


@vector_op
def first_vector(v: Lanes, work: Any, layer: Any) -> Integer:
    """Index of the first of a thread's own vectors of columns."""
    return own_vectors(v, work, layer)[0]


@vector_op
def last_vector(v: Lanes, work: Any, layer: Any) -> Integer:
    return own_vectors(v, work, layer)[1]


@vector_op
def first_row(v: Lanes, work: Any, layer: Any) -> Integer:
    """Index of the first of a thread's own rows of the batch."""
    return _own_of(v, work, layer, work.n_rows, layer.row_unit, work.thread, constant(0))


@vector_op
def last_row(v: Lanes, work: Any, layer: Any) -> Integer:
    return _own_of(v, work, layer, work.n_rows, layer.row_unit, _next(v, work), work.n_rows)


@vector_op
def first_input(v: Lanes, work: Any, layer: Any) -> Integer:
    """Index of the first of a thread's own inputs."""
    n, unit = layer.n_in_updated, constant(LONGEST_GROUP)
    return _own_of(v, work, layer, n, unit, work.thread, constant(0))


@vector_op
def last_input(v: Lanes, work: Any, layer: Any) -> Integer:
    n, unit = layer.n_in_updated, constant(LONGEST_GROUP)
    return _own_of(v, work, layer, n, unit, _next(v, work), n)


@vector_op
def vectors_from(v: Lanes, c: Any, end: Any, rows: Any) -> Integer:
    """How many vectors of columns to process together, from `c` on and before `end`.

    Where a panel begins at `c`, the largest of `rows.widths` that fits; else 1.
    """
    b = v.builder
    left = b.sub(end, c)
    is_whole = b.icmp_signed("==", b.and_(c, constant(1)), constant(0))
    n = constant(1)
    for wanted in rows.widths:
        fits = b.and_(is_whole, b.icmp_signed(">=", left, constant(wanted)))
        n = b.select(fits, constant(wanted), n)
    return n


def by_width(v: Lanes, n: Any, rows: Any, emit: Callable[[int], None]) -> None:
    """Emit ``emit(n)`` for each of `rows.widths`, one of which `n` is, as `vectors_from` says."""
    for width in rows.widths:
        with v.builder.if_then(v.builder.icmp_signed("==", n, constant(width))):
            emit(width)
