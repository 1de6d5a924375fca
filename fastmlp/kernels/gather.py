"""The rows of a mini-batch, gathered from wherever and however the data lie.

A batch becomes a small dense block of the network's dtype, which stays in the second-level cache
for the whole step; X itself is neither converted nor shuffled as a whole. On the way, the masks are
made that :mod:`fastmlp.kernels.skip` goes by, one for each two neighbouring inputs. The rows of the
*next* batch, which lie anywhere in memory, are prefetched a whole step ahead, each line between two
others: the core keeps track of a dozen or two requests at once.

uint8 pixels are divided by a scale. Division is slow, so they are multiplied by 1 / scale, as the
sum of the nearest floating-point number and a correction: x * inverse + x * correction, by a fused
multiply-add, has the bits of ``x / scale`` (N. Brisebarre and J.-M. Muller, Correctly rounded
multiplication by arbitrary precision constants, 2008).
"""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from fastmlp.kernels.simd import INT8, INT32, INT64, Lanes, constant, vector_op

# Rows of the batch that a mask covers: one bit each.
MASK_ROWS = 64

# Kinds of X.
UINT8, FLOAT32, FLOAT64, CSR = 0, 1, 2, 3


@functools.cache
def reciprocal(scale: float | None, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """1 / `scale` (rounded to `dtype` first) as a number of `dtype` and that one's correction.

    For a handful of scales in a thousand million, one of the 256 quotients lies so near the middle
    between two numbers that the correction's own rounding decides. A neighbour is right for all.
    """
    value, tiny = 1.0 if scale is None else float(scale), float(np.finfo(dtype).tiny)
    if not tiny <= value <= 1 / tiny:
        raise ValueError(
            f"input_scale is {scale!r}, out of the range of {dtype}: give it nearer to 1"
        )
    divisor = dtype.type(value)
    exact = 1 / Fraction(float(divisor))
    inverse = dtype.type(float(exact))
    correction = dtype.type(float(exact - Fraction(float(inverse))))
    neighbours = (correction + dtype.type(i) * np.spacing(correction) for i in (0, 1, -1, 2, -2))
    return inverse, next((c for c in neighbours if _divides(divisor, inverse, c)), correction)


def _divides(divisor: Any, inverse: Any, correction: Any) -> bool:
    """Whether x * inverse + x * correction is rounded to x / divisor for every pixel x."""
    pixels = np.arange(256).astype(divisor.dtype)
    quotients = pixels / divisor
    if not np.isfinite(quotients).all():
        return False
    bounds = [np.nextafter(quotients, divisor.dtype.type(sign * np.inf)) for sign in (-1, 1)]
    for x, q, low, high in zip(pixels, quotients, *bounds, strict=True):
        value = Fraction(float(x)) * Fraction(float(inverse)) + Fraction(float(x * correction))
        distance = abs(value - Fraction(float(q)))
        if any(distance >= abs(value - Fraction(float(other))) for other in (low, high)):
            return False
    return True


def _gather(source: Any) -> Any:
    """Gather up to 64 dense rows whose elements have the LLVM type `source`."""
    is_integer = isinstance(source, ir.IntType)
    # A batch of floats does not fit into the first level.
    level = 1 if is_integer else 2
    source_size = {INT8: 1, ir.FloatType(): 4, ir.DoubleType(): 8}[source]

    def gather(
        v: Lanes,
        x: Any, n_features: Any, order: Any, rows: Any, next_order: Any,
        inverse: Any, correction: Any,
        out: Any, out_row: Any, masks: Any,
    ) -> None:  # fmt: skip
        b = v.builder
        kind = ir.VectorType(source, v.count)
        bits = ir.VectorType(INT32, v.count)
        no_bits = ir.Constant(bits, [0] * v.count)
        first_bits = ir.Constant(bits, [1] * v.count)
        inverses, corrections = v.splat(inverse), v.splat(correction)
        # Addresses of this batch's rows, and of the next one's.
        places = ir.ArrayType(INT64, MASK_ROWS)
        here, there = (
            b.ptrtoint(cgutils.alloca_once(b, places), INT64) for _ in (order, next_order)
        )

        def locate(r: Any) -> None:
            offset = b.mul(r, constant(8))
            for table, numbers in ((here, order), (there, next_order)):
                row = b.mul(v.load(b.add(numbers, offset), INT64), n_features)
                v.store(b.add(x, b.mul(row, constant(source_size))), b.add(table, offset))

        v.repeat(rows, locate)

        def converted(raw: Any) -> Any:
            if is_integer:
                number = b.uitofp(raw, v.vector)
                return v.fma(number, inverses, b.fmul(number, corrections))
            if source_size < v.size:
                return b.fpext(raw, v.vector)
            return b.fptrunc(raw, v.vector) if source_size > v.size else raw

        def block(column: Any, inside: Any = None) -> None:
            """`v.count` inputs of all rows; `inside` masks those beyond the last one."""
            skipped = b.mul(column, constant(source_size))

            def row(r: Any, bit: Any, mask: Any) -> list[Any]:
                offset = b.mul(r, constant(8))
                v.prefetch(b.add(v.load(b.add(there, offset), INT64), skipped), level)
                at = b.add(v.load(b.add(here, offset), INT64), skipped)
                raw = v.load(at, kind) if inside is None else v.load_masked(at, inside, kind)
                value = converted(raw)
                v.store(value, v.at(out, b.mul(r, out_row), column))
                is_nonzero = b.fcmp_unordered("!=", value, v.full(0.0))
                mask = b.or_(mask, b.select(is_nonzero, bit, no_bits))
                return [b.add(r, constant(1)), b.add(bit, bit), mask]

            def half(first: int) -> Any:
                """Masks of 32 rows: vectors of 64-bit integers would take twice as many."""
                end = b.select(
                    b.icmp_signed("<", rows, constant(first + 32)), rows, constant(first + 32)
                )
                _, _, mask = v.loop(
                    [constant(first), first_bits, no_bits],
                    lambda r, *_: b.icmp_signed("<", r, end),
                    row,
                )
                return pairs(mask)

            def pairs(mask: Any) -> Any:
                """The masks of each two neighbouring inputs, combined."""
                halves = [
                    b.shuffle_vector(
                        mask, mask, ir.Constant(pair_lanes, list(range(i, v.count, 2)))
                    )
                    for i in (0, 1)
                ]
                return b.zext(b.or_(*halves), pair_masks)

            pair_lanes = ir.VectorType(INT32, v.count // 2)
            pair_masks = ir.VectorType(INT64, v.count // 2)
            shift = ir.Constant(pair_masks, [32] * (v.count // 2))
            mask = b.or_(half(0), b.shl(half(32), shift))
            v.store(mask, b.add(masks, b.mul(column, constant(4))))

        whole = b.and_(n_features, constant(-v.count))
        v.repeat(whole, block, step=v.count)
        with b.if_then(b.icmp_signed("<", whole, n_features)):
            block(whole, v.below(b.sub(n_features, whole)))

    return vector_op(gather)


gather_uint8 = _gather(INT8)
gather_float32 = _gather(ir.FloatType())
gather_float64 = _gather(ir.DoubleType())


@vector_op
def gather_csr(
    v: Lanes,
    indptr: Any, indices: Any, values: Any, n_padded: Any, order: Any, rows: Any,
    out: Any, out_row: Any, masks: Any, one: Any,
) -> None:  # fmt: skip
    """Gather up to 64 rows of a CSR matrix (indptr int64, indices int32, values of T)."""
    b = v.builder
    n_pairs = b.lshr(n_padded, constant(1))
    v.repeat(n_pairs, lambda i: v.store(constant(0), b.add(masks, b.mul(i, constant(8)))))

    def row(r: Any) -> None:
        at = v.at(out, b.mul(r, out_row))
        v.repeat(n_padded, lambda k: v.store(v.full(0.0), v.at(at, k)), step=v.count)
        offset = b.mul(v.load(b.add(order, b.mul(r, constant(8))), INT64), constant(8))
        first, last = (v.load(b.add(indptr, b.add(offset, constant(i))), INT64) for i in (0, 8))
        bit = b.shl(constant(1), r)

        def entry(i: Any) -> list[Any]:
            k = b.sext(v.load(b.add(indices, b.mul(i, constant(4))), INT32), INT64)
            v.store(v.load(v.at(values, i), v.element), v.at(at, k))
            pair = b.add(masks, b.mul(b.lshr(k, constant(1)), constant(8)))
            v.store(b.or_(v.load(pair, INT64), bit), pair)
            return [b.add(i, constant(1))]

        v.loop([first], lambda i: b.icmp_signed("<", i, last), entry)

    v.repeat(rows, row)
