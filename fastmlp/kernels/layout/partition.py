"""Computes a thread's own share of a layer: vectors of columns (units), rows, or inputs.

`memory_plan` decides how threads divide a layer: by columns; or by rows of the batch in the forward
pass and by inputs (rows of the weights) in the update; or not at all, in which case each thread
computes all of it. Where threads divide the first layer's sums by inputs (`by_inputs`), they divide
the rows of its outputs and of all that follows, back to its gradient.

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


def _vectors(v: Lanes, work: Any, layer: Any, are_divided: Any) -> tuple[Any, Any]:
    """First and end of a thread's vectors of columns; all of them if they are not divided."""
    b = v.builder
    own, after = (
        b.sdiv(b.mul(layer.n_vectors, thread), work.n_threads)
        for thread in (work.thread, _next(v, work))
    )
    first = b.select(are_divided, own, constant(0))
    return first, b.select(are_divided, after, layer.n_vectors)


def _own_of(v: Lanes, work: Any, n: Any, unit: Any, thread: Any) -> Any:
    """Index of the first of a thread's own of `n` rows or inputs, in whole blocks of `unit`."""
    b = v.builder
    n_units = b.sdiv(b.sub(b.add(n, unit), constant(1)), unit)
    own = b.mul(b.sdiv(b.mul(n_units, thread), work.n_threads), unit)
    return b.select(b.icmp_signed("<", own, n), own, n)


def _own_row(v: Lanes, work: Any, layer: Any, thread: Any, if_all: Any, forward: bool) -> Any:
    """Index of the first row that a thread computes, forward or back; `if_all` if not divided."""
    b = v.builder
    are_divided = b.icmp_signed("!=", layer.has_own_rows, constant(0))
    if forward:
        by_rows = b.icmp_signed("==", layer.sharing, constant(at.BY_ROWS))
        are_divided = b.or_(are_divided, by_rows)
    return b.select(are_divided, _own_of(v, work, work.n_rows, layer.row_unit, thread), if_all)


def _own_input(v: Lanes, work: Any, layer: Any, thread: Any, if_all: Any) -> Any:
    """Index of the first of a thread's own inputs: in whole parts of sums, if these are divided."""
    b = v.builder
    by_inputs = b.icmp_signed("==", layer.sharing, constant(at.BY_INPUTS))
    by_rows = b.icmp_signed("==", layer.sharing, constant(at.BY_ROWS))
    unit = b.select(by_inputs, layer.n_in_part, constant(LONGEST_GROUP))
    own = _own_of(v, work, layer.n_in_updated, unit, thread)
    return b.select(b.or_(by_inputs, by_rows), own, if_all)


def _next(v: Lanes, work: Any) -> Any:
    return v.builder.add(work.thread, constant(1))


def own_biases(v: Lanes, work: Any, layer: Any) -> tuple[Any, Any]:
    """First and end of the vectors of biases that a thread updates, for code that emits."""
    are_divided = v.builder.icmp_signed("!=", layer.sharing, constant(at.NOT_SHARED))
    return _vectors(v, work, layer, are_divided)


def _updated(v: Lanes, work: Any, layer: Any) -> tuple[Any, Any]:
    by_columns = v.builder.icmp_signed("==", layer.sharing, constant(at.BY_COLUMNS))
    return _vectors(v, work, layer, by_columns)


@vector_op
def first_updated(v: Lanes, work: Any, layer: Any) -> Integer:
    """Index of the first of the vectors of columns whose weights a thread updates."""
    return _updated(v, work, layer)[0]


@vector_op
def last_updated(v: Lanes, work: Any, layer: Any) -> Integer:
    return _updated(v, work, layer)[1]


def _computed(v: Lanes, work: Any, layer: Any) -> tuple[Any, Any]:
    b = v.builder
    by_columns = b.icmp_signed("==", layer.sharing, constant(at.BY_COLUMNS))
    has_all_rows = b.icmp_signed("==", layer.has_own_rows, constant(0))
    return _vectors(v, work, layer, b.and_(by_columns, has_all_rows))


@vector_op
def first_vector(v: Lanes, work: Any, layer: Any) -> Integer:
    """Index of the first of a thread's own vectors of columns; all are, in rows of its own."""
    return _computed(v, work, layer)[0]


@vector_op
def last_vector(v: Lanes, work: Any, layer: Any) -> Integer:
    return _computed(v, work, layer)[1]


@vector_op
def first_row(v: Lanes, work: Any, layer: Any) -> Integer:
    """Index of the first of a thread's own rows of the batch, in the forward pass."""
    return _own_row(v, work, layer, work.thread, constant(0), forward=True)


@vector_op
def last_row(v: Lanes, work: Any, layer: Any) -> Integer:
    return _own_row(v, work, layer, _next(v, work), work.n_rows, forward=True)


@vector_op
def first_row_back(v: Lanes, work: Any, layer: Any) -> Integer:
    """Index of the first of the rows whose gradient a thread computes."""
    return _own_row(v, work, layer, work.thread, constant(0), forward=False)


@vector_op
def last_row_back(v: Lanes, work: Any, layer: Any) -> Integer:
    return _own_row(v, work, layer, _next(v, work), work.n_rows, forward=False)


@vector_op
def first_input(v: Lanes, work: Any, layer: Any) -> Integer:
    """Index of the first of a thread's own inputs."""
    return _own_input(v, work, layer, work.thread, constant(0))


@vector_op
def last_input(v: Lanes, work: Any, layer: Any) -> Integer:
    return _own_input(v, work, layer, _next(v, work), layer.n_in_updated)


@vector_op
def end_of_block(v: Lanes, k: Any, part: Any, most: Any, end: Any) -> Integer:
    """The end of the block of inputs that begins at `k`: at most `most`, within a part."""
    b = v.builder
    last = b.add(k, most)
    for limit in (b.mul(b.add(b.sdiv(k, part), constant(1)), part), end):
        last = b.select(b.icmp_signed("<", last, limit), last, limit)
    return last


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
