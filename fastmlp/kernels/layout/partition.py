"""A thread's own share of a layer: vectors of columns (units), or rows, or inputs.

`plan` says how threads share a layer: by columns; or by rows of the batch, forward, and by inputs,
that is rows of the weights, in the update; or not at all: then each thread computes all of it.

A kernel's loop runs from ``first_...`` to ``last_...``, without the latter, where the next thread's
share begins. Of what is not shared in that way, the range is all there is.

These are vector ops on plain integers rather than jitted functions: they are part of nearly every
kernel, and cost nothing to compile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from fastmlp.kernels.codegen.simd import Lanes, constant
from fastmlp.kernels.codegen.vector_op import Integer, vector_op
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.blocking import LONGEST_GROUP


class InputRange(NamedTuple):
    """Numbers of the first of some neighbouring inputs, and of the one after the last."""

    first: Any
    last: Any


def _own_vector(v: Lanes, work: Any, layer: Any, thread: Any, if_all: Any) -> Any:
    """First of a thread's own vectors of columns; `if_all` where it has all of them."""
    b = v.builder
    own = b.sdiv(b.mul(layer.n_vectors, thread), work.n_threads)
    return b.select(b.icmp_signed("==", layer.sharing, constant(at.BY_COLUMNS)), own, if_all)


def _own_of(v: Lanes, work: Any, layer: Any, n: Any, unit: Any, thread: Any, if_all: Any) -> Any:
    """First of a thread's own of `n` rows or inputs; `if_all` where it has all of them.

    They are dealt out in units of so many, which no two threads share.
    """
    b = v.builder
    n_units = b.sdiv(b.sub(b.add(n, unit), constant(1)), unit)
    own = b.mul(b.sdiv(b.mul(n_units, thread), work.n_threads), unit)
    own = b.select(b.icmp_signed("<", own, n), own, n)
    return b.select(b.icmp_signed("==", layer.sharing, constant(at.BY_ROWS)), own, if_all)


def _next(v: Lanes, work: Any) -> Any:
    return v.builder.add(work.thread, constant(1))


def own_vectors(v: Lanes, work: Any, layer: Any) -> tuple[Any, Any]:
    """First and end of a thread's own vectors of columns, for code that writes instructions."""
    return (
        _own_vector(v, work, layer, work.thread, constant(0)),
        _own_vector(v, work, layer, _next(v, work), layer.n_vectors),
    )


@vector_op
def first_vector(v: Lanes, work: Any, layer: Any) -> Integer:
    """First of a thread's own vectors of columns; they end where the next thread's begin."""
    return own_vectors(v, work, layer)[0]


@vector_op
def last_vector(v: Lanes, work: Any, layer: Any) -> Integer:
    return own_vectors(v, work, layer)[1]


@vector_op
def first_row(v: Lanes, work: Any, layer: Any) -> Integer:
    """First of a thread's own rows of the batch."""
    return _own_of(v, work, layer, work.n_rows, layer.row_unit, work.thread, constant(0))


@vector_op
def last_row(v: Lanes, work: Any, layer: Any) -> Integer:
    return _own_of(v, work, layer, work.n_rows, layer.row_unit, _next(v, work), work.n_rows)


@vector_op
def first_input(v: Lanes, work: Any, layer: Any) -> Integer:
    """First of a thread's own inputs."""
    n, unit = layer.n_in_updated, constant(LONGEST_GROUP)
    return _own_of(v, work, layer, n, unit, work.thread, constant(0))


@vector_op
def last_input(v: Lanes, work: Any, layer: Any) -> Integer:
    n, unit = layer.n_in_updated, constant(LONGEST_GROUP)
    return _own_of(v, work, layer, n, unit, _next(v, work), n)


@vector_op
def vectors_from(v: Lanes, c: Any, end: Any, rows: Any) -> Integer:
    """How many vectors of columns from `c` on are taken together, before `end`.

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
