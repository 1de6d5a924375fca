"""Finds the nonzero inputs of a mini-batch: bit masks that let the first layer skip the zeros.

A mask has a bit for each of 64 rows, and covers two neighbouring inputs: bit r is set if either of
them is not zero in row r. For a group of 4 or 8 inputs, the masks are combined when they are used.

If X contains bytes, or floats of the network's dtype, and the number of inputs is a multiple of 8,
the batch's rows are not copied but read in X itself. Computing the masks reads all of them, so that
the products find them in the second-level cache.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from fastmlp.kernels.codegen.buffers import LINE
from fastmlp.kernels.codegen.kernel import kernel
from fastmlp.kernels.codegen.registers import VECTOR_BYTES
from fastmlp.kernels.codegen.simd import INT8, INT16, INT32, INT64, Lanes, constant
from fastmlp.kernels.codegen.vector_op import Integer, vector_op
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.blocking import MASK_ROWS
from fastmlp.kernels.layout.partition import first_input, last_input
from fastmlp.kernels.layout.records import layer_at, work_at


@vector_op
def locate_rows(v: Lanes, x: Any, row_bytes: Any, order: Any, rows: Any, table: Any) -> None:
    """Write the addresses of the rows whose indices are in `order` to a table.

    The last address is repeated up to a multiple of 64 entries, so that all are safe to read.
    """
    b = v.builder
    last = b.sub(rows, constant(1))

    def locate(r: Any) -> None:
        place = b.select(b.icmp_signed("<", r, last), r, last)
        index = v.load(b.add(order, b.mul(place, constant(8))), INT64)
        v.store(b.add(x, b.mul(index, row_bytes)), b.add(table, b.mul(r, constant(8))))

    v.repeat(b.and_(b.add(last, constant(MASK_ROWS)), constant(-MASK_ROWS)), locate)


@vector_op
def _find(
        v: Lanes,
        table: Any, rows: Any, first_input: Any, last_input: Any,
        scratch: Any, scratch_row: Any, masks: Any, elements: Any, dtype: Any,
    ) -> None:  # fmt: skip
    """Write the masks of some inputs of up to 64 rows, whose addresses are in `table`.

    `first_input` is a multiple of 64, as is `last_input`, or there are no inputs from there on.
    First, eight rows at a time are turned into one byte for each two inputs, with one bit per row.
    `scratch` holds these bytes, those of the next eight rows `scratch_row` bytes further on. Then
    eight such bytes are joined to the 64 bits of a mask.
    """
    is_integer = elements.are_pixels
    b = v.builder
    size = 1 if is_integer else v.size
    count = VECTOR_BYTES // size
    kind = ir.VectorType(INT8 if is_integer else v.element, count)
    lanes = ir.VectorType(ir.IntType(8 * size), count)
    pairs = ir.VectorType(INT8, count // 2)
    zeros = ir.Constant(kind, [0 if is_integer else 0.0] * count)
    no_bits = ir.Constant(lanes, [0] * count)
    whole = b.and_(last_input, constant(-count))

    def byte_at(eight: Any, pair: Any) -> Any:
        """Address of the byte of a pair of inputs in the eight rows of index `eight`."""
        return b.add(b.add(scratch, b.mul(eight, scratch_row)), pair)

    def eight_rows(first: Any) -> None:
        entry = b.add(table, b.mul(first, constant(8)))
        places = [v.load(b.add(entry, constant(8 * r)), INT64) for r in range(8)]

        def inputs(column: Any, inside: Any = None) -> None:
            """A vector of inputs of all eight rows; `inside` masks off those beyond the last."""
            bits = no_bits
            for r, place in enumerate(places):
                at = b.add(place, b.mul(column, constant(size)))
                raw = v.load(at, kind) if inside is None else v.load_masked(at, inside, kind)
                compare = b.icmp_unsigned if is_integer else b.fcmp_unordered
                bit = ir.Constant(lanes, [1 << r] * count)
                bits = b.or_(bits, b.select(compare("!=", raw, zeros), bit, no_bits))
            sides = (
                ir.Constant(ir.VectorType(INT32, pairs.count), list(range(i, count, 2)))
                for i in (0, 1)
            )
            either = b.or_(*(b.shuffle_vector(bits, bits, side) for side in sides))
            target = byte_at(b.lshr(first, constant(3)), b.lshr(column, constant(1)))
            v.store(either if size == 1 else b.trunc(either, pairs), target)

        v.repeat(whole, inputs, step=count, first=first_input)
        with b.if_then(b.icmp_signed("<", whole, last_input)):
            indices = ir.VectorType(INT16, count)
            limit = v.splat(b.trunc(b.sub(last_input, whole), INT16), indices)
            order = ir.Constant(indices, list(range(count)))
            inputs(whole, b.icmp_unsigned("<", order, limit))

    v.repeat(rows, eight_rows, step=8)
    some = ir.VectorType(INT8, VECTOR_BYTES // 2)
    # If the number of rows is not a multiple of 8, the last row was read again: clear those bits.
    is_row = b.lshr(constant(-1), b.sub(constant(MASK_ROWS), rows))
    are_rows = v.splat(is_row, ir.VectorType(INT64, some.count))

    def join(pair: Any) -> None:
        parts = [v.load(byte_at(constant(i), pair), some) for i in range(MASK_ROWS // 8)]
        while len(parts) > 1:  # join neighbours: to 16, 32, 64 bits
            width = parts[0].type.element.width
            joined = ir.VectorType(ir.IntType(2 * width), some.count)
            shift = ir.Constant(joined, [width] * some.count)
            parts = [
                b.or_(b.zext(low, joined), b.shl(b.zext(high, joined), shift))
                for low, high in zip(parts[::2], parts[1::2], strict=True)
            ]
        v.store(b.and_(parts[0], are_rows), b.add(masks, b.mul(pair, constant(8))))

    first_pair, last_pair = b.lshr(first_input, constant(1)), b.add(last_input, constant(1))
    v.repeat(b.lshr(last_pair, constant(1)), join, step=some.count, first=first_pair)


@vector_op
def next_batch(v: Lanes, work: Any) -> Integer:
    """Address of the indices of the next batch's rows.

    If no whole batch follows, it is that of this batch: fetching its rows again costs little.
    """
    b = v.builder
    order = b.add(work.order, b.mul(work.first_row, constant(8)))
    end = b.add(work.first_row, b.mul(work.n_rows, constant(2)))
    follows = b.icmp_signed("<=", end, work.n_ordered)
    return b.select(follows, b.add(order, b.mul(work.n_rows, constant(8))), order)


@kernel
def locate(work, layer, dtype):
    """Write the addresses of this batch's rows in X, and of the next one's, to their tables."""
    work = work_at(work)
    locate_rows(
        work.x, work.row_bytes, work.order + work.first_row * 8, work.n_rows, work.row_table
    )
    locate_rows(work.x, work.row_bytes, next_batch(work), work.n_rows, work.next_table)


@kernel
def find_nonzeros(work, layer, dtype, elements):
    """Write the masks of the batch's rows, of the inputs that a thread sums up."""
    work, layer = work_at(work), layer_at(layer)
    first, last = 0, work.n_features
    if layer.sharing == at.BY_INPUTS:  # of whole cache lines, so that masks are whole vectors
        first = first_input(work, layer) // LINE * LINE
        last = min(last, (last_input(work, layer) + LINE - 1) // LINE * LINE)
    for start in range(0, work.n_rows, MASK_ROWS):
        masks = work.masks + start // MASK_ROWS * work.masks_row * 8
        _find(work.row_table + start * 8, min(work.n_rows - start, MASK_ROWS), first, last,
              work.found, work.found_part, masks, elements, dtype)  # fmt: skip
