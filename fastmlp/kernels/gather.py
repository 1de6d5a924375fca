"""The rows of a mini-batch, gathered from wherever and however the data lie.

A batch becomes a small dense block of the network's dtype, which stays in the second-level cache
for the whole step; X itself is neither converted nor shuffled as a whole. On the way, the masks of
the nonzero inputs are made that :mod:`fastmlp.kernels.skip` goes by. The rows of the *next* batch,
which lie anywhere in memory, are prefetched a whole step ahead, a line between two others: the core
keeps track of a dozen or two requests at once.

uint8 pixels are divided by a scale. Division is slow, so q = x * (1 / scale) is corrected once,
q + (x - q * scale) * (1 / scale) with fused multiply-adds, which gives the correctly rounded
quotient (P. Markstein, 1990): the bits of ``x / scale``.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from fastmlp.kernels.simd import INT8, INT32, INT64, Lanes, constant, vector_op

# Kinds of X.
UINT8, FLOAT32, FLOAT64, CSR = 0, 1, 2, 3


def _gather(source: Any) -> Any:
    """Gather up to 32 dense rows whose elements have the LLVM type `source`."""
    is_integer = isinstance(source, ir.IntType)
    source_size = {INT8: 1, ir.FloatType(): 4, ir.DoubleType(): 8}[source]

    def gather(
        v: Lanes,
        x: Any, n_features: Any, order: Any, rows: Any, next_order: Any,
        scale: Any, inverse: Any,
        out: Any, out_row: Any, word: Any,
    ) -> None:  # fmt: skip
        b = v.builder
        kind = ir.VectorType(source, v.count)
        bits = ir.VectorType(INT32, v.count)
        no_bits = ir.Constant(bits, [0] * v.count)
        scales, inverses = v.splat(scale), v.splat(inverse)

        def converted(raw: Any) -> Any:
            if is_integer:
                number = b.uitofp(raw, v.vector)
                quotient = b.fmul(number, inverses)
                rest = v.fma(b.fneg(quotient), scales, number)
                return v.fma(rest, inverses, quotient)
            if source_size < v.size:
                return b.fpext(raw, v.vector)
            return b.fptrunc(raw, v.vector) if source_size > v.size else raw

        def block(column: Any, inside: Any = None) -> None:
            """`v.count` inputs of all rows; `inside` masks those beyond the last one."""

            def address(places: Any, r: Any) -> Any:
                place = v.load(b.add(places, b.mul(r, constant(8))), INT64)
                element = b.add(b.mul(place, n_features), column)
                return b.add(x, b.mul(element, constant(source_size)))

            def row(r: Any, bit: Any, mask: Any) -> list[Any]:
                v.prefetch(address(next_order, r))
                at = address(order, r)
                raw = v.load(at, kind) if inside is None else v.load_masked(at, inside, kind)
                value = converted(raw)
                v.store(value, v.at(out, b.mul(r, out_row), column))
                is_nonzero = b.fcmp_unordered("!=", value, v.full(0.0))
                mask = b.or_(mask, b.select(is_nonzero, v.splat(bit, bits), no_bits))
                return [b.add(r, constant(1)), b.shl(bit, ir.Constant(INT32, 1)), mask]

            _, _, mask = v.loop(
                [constant(0), ir.Constant(INT32, 1), no_bits],
                lambda r, *_: b.icmp_signed("<", r, rows),
                row,
            )
            v.store(mask, b.add(word, b.mul(column, constant(4))))

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
    out: Any, out_row: Any, word: Any, one: Any,
) -> None:  # fmt: skip
    """Gather up to 32 rows of a CSR matrix (indptr int64, indices int32, values of T)."""
    b = v.builder
    zeros = ir.Constant(ir.VectorType(INT32, v.count), [0] * v.count)
    v.repeat(n_padded, lambda k: v.store(zeros, b.add(word, b.mul(k, constant(4)))), step=v.count)

    def row(r: Any) -> None:
        at = v.at(out, b.mul(r, out_row))
        v.repeat(n_padded, lambda k: v.store(v.full(0.0), v.at(at, k)), step=v.count)
        place = b.add(
            indptr, b.mul(v.load(b.add(order, b.mul(r, constant(8))), INT64), constant(8))
        )
        first, last = v.load(place, INT64), v.load(b.add(place, constant(8)), INT64)
        bit = b.shl(ir.Constant(INT32, 1), b.trunc(r, INT32))

        def entry(i: Any) -> list[Any]:
            k = b.sext(v.load(b.add(indices, b.mul(i, constant(4))), INT32), INT64)
            v.store(v.load(v.at(values, i), v.element), v.at(at, k))
            word_at = b.add(word, b.mul(k, constant(4)))
            v.store(b.or_(v.load(word_at, INT32), bit), word_at)
            return [b.add(i, constant(1))]

        v.loop([first], lambda i: b.icmp_signed("<", i, last), entry)

    v.repeat(rows, row)
