"""Copies the rows of a mini-batch from X, of any dtype, dense or sparse, to a block.

The block is small, dense and of the network's dtype, and stays in the second-level cache for the
whole step; X as a whole is neither converted nor shuffled. The rows of the *next* batch, which lie
anywhere in memory, are prefetched a whole step ahead: one of their cache lines for each vector that
is copied, since a core keeps track of only a few dozen requests at once.

Dense rows need not be copied if zeros are skipped (`nonzero_masks`), or if rows are read in the
order of memory, as predictions do (`follow`).
"""

from __future__ import annotations

from functools import reduce
from typing import Any, ClassVar

from llvmlite import ir

from fastmlp.kernels.codegen.buffers import LINE
from fastmlp.kernels.codegen.kernel import kernel
from fastmlp.kernels.codegen.numba_types import Entry, View
from fastmlp.kernels.codegen.simd import INT8, INT32, INT64, Lanes, constant
from fastmlp.kernels.codegen.vector_op import vector_op
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.blocking import MASK_ROWS
from fastmlp.kernels.layout.partition import first_input, last_input
from fastmlp.kernels.layout.records import layer_at, work_at
from fastmlp.kernels.stages.nonzero_masks import next_batch

SUMMED = 4  # vectors of sums that don't depend on each other


class Source(Entry):
    """The type of the elements of a dense X: uint8, float32 or float64."""

    kinds: ClassVar[dict[str, tuple[Any, int]]] = {  # LLVM's type, and bytes
        "uint8": (INT8, 1), "float32": (ir.FloatType(), 4), "float64": (ir.DoubleType(), 8),
    }  # fmt: skip

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype


@vector_op
def _gather_rows(
        v: Lanes,
        x: Any, n_features: Any, order: Any, rows: Any, next_order: Any, scale: Any,
        out: View, source_: Any, dtype: Any,
    ) -> None:  # fmt: skip
    """Copy the rows of a dense X whose indices are in `order` to a block; divide pixels by `scale`.

    `next_order` has the indices of the rows to prefetch meanwhile.
    """
    b = v.builder
    source, source_size = source_.kinds[source_.dtype]
    is_integer = source == INT8
    # The level of the caches to fetch rows into: a batch of floats does not fit into the first.
    level = 1 if is_integer else 2
    kind = ir.VectorType(source, v.count)
    scales = v.broadcast(scale)
    row_bytes = b.mul(n_features, constant(source_size))
    whole = b.and_(n_features, constant(-v.count))

    def converted(raw: Any) -> Any:
        if is_integer:
            return b.fdiv(b.uitofp(raw, v.vector), scales)
        if source_size < v.size:
            return b.fpext(raw, v.vector)
        return b.fptrunc(raw, v.vector) if source_size > v.size else raw

    def row(r: Any) -> None:
        offset = b.mul(r, constant(8))
        here, there = (
            b.add(x, b.mul(v.load(b.add(indices, offset), INT64), row_bytes))
            for indices in (order, next_order)
        )
        target = v.at(out.address, b.mul(r, out.row))

        def vector(column: Any, inside: Any = None) -> None:
            """Copy a vector of inputs; `inside` masks off those beyond the last one."""
            skipped = b.mul(column, constant(source_size))
            v.prefetch(b.add(there, skipped), level)
            at = b.add(here, skipped)
            raw = v.load(at, kind) if inside is None else v.load_masked(at, inside, kind)
            v.store(converted(raw), v.at(target, column))

        v.repeat(whole, vector, step=v.count)
        with b.if_then(b.icmp_signed("<", whole, n_features)):
            vector(whole, v.below(b.sub(n_features, whole)))

    v.repeat(rows, row)


@kernel
def gather(work, layer, dtype, source):
    """Copy the batch's rows to the thread's block; :func:`fastmlp.reference.scale_inputs`."""
    work = work_at(work)
    order = work.order + work.first_row * 8
    _gather_rows(work.x, work.n_features, order, work.n_rows, next_batch(work), work.scale,
                 View(work.input, work.input_row, 1), source, dtype)  # fmt: skip


@vector_op
def _add_up(v: Lanes, start: Any, n: Any, total: Any, dtype: Any) -> None:
    """Add `n` elements to a vector of totals, lane by lane, in an order that does not matter."""
    b = v.builder
    whole = b.and_(n, constant(-SUMMED * v.count))

    def some(i: Any, *sums: Any) -> list[Any]:
        values = [v.load(v.at(start, i, c * v.count)) for c in range(SUMMED)]
        return [*map(b.fadd, sums, values)]

    initial = [v.load(total), *[v.full(0.0)] * (SUMMED - 1)]
    sums = v.repeat(whole, some, step=SUMMED * v.count, initial=initial)

    def rest(i: Any, value: Any) -> list[Any]:
        inside = v.load_masked(v.at(start, i), v.below(b.sub(n, i)), v.vector)
        return [b.fadd(value, inside)]

    (value,) = v.repeat(n, rest, step=v.count, initial=[reduce(b.fadd, sums)], first=whole)
    v.store(value, total)


@kernel
def follow(work, layer, dtype):
    """Let the first layer read the batch's rows in place, where they lie one after the other.

    Their elements are added up, which brings them to the caches in the order of memory; if the sum
    is finite, all elements are.
    """
    work, layer = work_at(work), layer_at(layer)
    layer.inputs = work.x + work.first_row * work.row_bytes
    _add_up(layer.inputs, work.n_rows * work.n_features, work.total, dtype)


@vector_op
def _scatter(
    v: Lanes, work: Any, order: Any, next_order: Any, out: View, first_input: Any, last_input: Any,
    dtype: Any,
) -> None:  # fmt: skip
    """Write some inputs of rows of a CSR matrix to a dense block, and masks if zeros are skipped.

    The matrix has indptr of int64, indices of int32 and values of the network's dtype. The block
    still contains the previous batch, whose row indices are in `held`: its elements are set to zero
    first, so that the time depends on their number, not on the size of the block. If X has many of
    them (`clears_block`), to clear the whole block, vector by vector, takes less time.
    `next_order` has the indices of the rows to prefetch meanwhile.
    """
    b = v.builder
    indptr, indices, values = work.x_indptr, work.x_indices, work.x
    held, masks, masks_row = work.held, work.masks, work.masks_row

    def ends(index: Any) -> list[Any]:
        """Where a row begins and ends."""
        offset = b.mul(index, constant(8))
        return [v.load(b.add(indptr, b.add(offset, constant(i))), INT64) for i in (0, 8)]

    def fetch(r: Any) -> None:
        first, last = ends(v.load(b.add(next_order, b.mul(r, constant(8))), INT64))

        def lines(i: Any) -> None:
            v.prefetch(b.add(indices, b.mul(i, constant(4))), 2)
            for element in range(0, LINE // 4, LINE // v.size):
                v.prefetch(v.at(values, i, element), 2)

        v.repeat(last, lines, step=LINE // 4, first=first)

    def entries(r: Any, index: Any, first_input: Any, last_input: Any, visit: Any) -> None:
        n_inputs = b.sub(last_input, first_input)
        row_at = v.at(out.address, b.mul(r, out.row))
        some = b.mul(b.lshr(r, constant(6)), masks_row)  # the first mask of the row's 64 rows
        bit = b.shl(constant(1), b.and_(r, constant(MASK_ROWS - 1)))
        first, last = ends(index)

        def entry(i: Any) -> None:
            k = b.sext(v.load(b.add(indices, b.mul(i, constant(4))), INT32), INT64)
            # As unsigned, what is below the first input is large.
            with b.if_then(b.icmp_unsigned("<", b.sub(k, first_input), n_inputs), likely=True):
                mask_at = b.add(masks, b.mul(b.add(some, b.lshr(k, constant(1))), constant(8)))
                visit(i, v.at(row_at, k), mask_at, bit)

        v.repeat(last, entry, first=first)

    def with_masks(emit: Any) -> None:
        with b.if_then(b.icmp_signed("!=", masks, constant(0))):
            emit()

    def clear(i: Any, place: Any, mask_at: Any, bit: Any) -> None:
        v.store(v.scalar(0.0), place)
        with_masks(lambda: v.store(constant(0), mask_at))

    def put(i: Any, place: Any, mask_at: Any, bit: Any) -> None:
        v.store(v.load(v.at(values, i), v.element), place)
        with_masks(lambda: v.store(b.or_(v.load(mask_at, INT64), bit), mask_at))

    def old(r: Any) -> None:
        index = v.load(b.add(held, b.mul(r, constant(8))), INT64)
        entries(r, index, work.held_first, work.held_last, clear)

    def new(r: Any) -> None:
        place = b.mul(r, constant(8))
        index = v.load(b.add(order, place), INT64)
        v.store(index, b.add(held, place))
        fetch(r)
        entries(r, index, first_input, last_input, put)

    def clear_block() -> None:
        n_elements = b.mul(work.n_held, out.row)
        v.repeat(n_elements, lambda i: v.store(v.full(0.0), v.at(out.address, i)), step=v.count)
        n_groups = b.lshr(b.add(work.n_held, constant(MASK_ROWS - 1)), constant(6))

        def mask(i: Any) -> None:
            v.store(constant(0), b.add(masks, b.mul(i, constant(8))))

        with_masks(lambda: v.repeat(b.mul(n_groups, masks_row), mask))

    with b.if_else(b.icmp_signed("!=", work.clears_block, constant(0))) as (then, otherwise):
        with then:
            clear_block()
        with otherwise:
            v.repeat(work.n_held, old)
    v.repeat(work.n_rows, new)


@kernel
def gather_sparse(work, layer, dtype):
    """Write the batch's rows of a CSR matrix to the thread's block, and their masks.

    Where threads divide the first layer's inputs, each writes its own only.
    """
    work, layer = work_at(work), layer_at(layer)
    first, last = 0, work.n_features
    if layer.sharing == at.BY_INPUTS:
        first, last = first_input(work, layer), last_input(work, layer)
    order = work.order + work.first_row * 8
    _scatter(work, order, next_batch(work), View(work.input, work.input_row, 1), first, last, dtype)
    work.n_held, work.held_first, work.held_last = work.n_rows, first, last
