"""The rows of a mini-batch, gathered from wherever and however the data lie.

A batch becomes a small dense block of the network's dtype, which stays in the second-level cache
for the whole step; X itself is neither converted nor shuffled as a whole. The rows of the *next*
batch, which lie anywhere in memory, are prefetched a whole step ahead, each line between two
others: the core keeps track of a few dozen requests at once.

Where zeros are skipped, rows need not even be gathered; see :mod:`fastmlp.kernels.nonzeros`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from fastmlp.kernels.simd import INT8, INT32, INT64, Lanes, constant, vector_op

# Kinds of X.
UINT8, FLOAT32, FLOAT64, CSR = 0, 1, 2, 3


def _gather(source: Any) -> Any:
    """Gather dense rows whose elements have the LLVM type `source`; integers are divided."""
    is_integer = isinstance(source, ir.IntType)
    # A batch of floats does not fit into the first level.
    level = 1 if is_integer else 2
    source_size = {INT8: 1, ir.FloatType(): 4, ir.DoubleType(): 8}[source]

    def gather(
        v: Lanes,
        x: Any, n_features: Any, order: Any, rows: Any, next_order: Any, scale: Any,
        out: Any, out_row: Any, one: Any,
    ) -> None:  # fmt: skip
        b = v.builder
        kind = ir.VectorType(source, v.count)
        scales = v.broadcast(scale)
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
                b.add(
                    x,
                    b.mul(
                        v.load(b.add(numbers, offset), INT64),
                        b.mul(n_features, constant(source_size)),
                    ),
                )
                for numbers in (order, next_order)
            )
            target = v.at(out, b.mul(r, out_row))

            def vector(column: Any, inside: Any = None) -> None:
                """`v.count` inputs; `inside` masks those beyond the last one."""
                skipped = b.mul(column, constant(source_size))
                v.prefetch(b.add(there, skipped), level)
                at = b.add(here, skipped)
                raw = v.load(at, kind) if inside is None else v.load_masked(at, inside, kind)
                v.store(converted(raw), v.at(target, column))

            v.repeat(whole, vector, step=v.count)
            with b.if_then(b.icmp_signed("<", whole, n_features)):
                vector(whole, v.below(b.sub(n_features, whole)))

        v.repeat(rows, row)

    return vector_op(gather)


gather_uint8 = _gather(INT8)
gather_float32 = _gather(ir.FloatType())
gather_float64 = _gather(ir.DoubleType())


@vector_op
def gather_csr(
    v: Lanes,
    indptr: Any, indices: Any, values: Any, n_padded: Any, order: Any, rows: Any,
    out: Any, out_row: Any, one: Any,
) -> None:  # fmt: skip
    """Gather rows of a CSR matrix (indptr int64, indices int32, values of T)."""
    b = v.builder

    def row(r: Any) -> None:
        at = v.at(out, b.mul(r, out_row))
        v.repeat(n_padded, lambda k: v.store(v.full(0.0), v.at(at, k)), step=v.count)
        offset = b.mul(v.load(b.add(order, b.mul(r, constant(8))), INT64), constant(8))
        first, last = (v.load(b.add(indptr, b.add(offset, constant(i))), INT64) for i in (0, 8))

        def entry(i: Any) -> list[Any]:
            k = b.sext(v.load(b.add(indices, b.mul(i, constant(4))), INT32), INT64)
            v.store(v.load(v.at(values, i), v.element), v.at(at, k))
            return [b.add(i, constant(1))]

        v.loop([first], lambda i: b.icmp_signed("<", i, last), entry)

    v.repeat(rows, row)
