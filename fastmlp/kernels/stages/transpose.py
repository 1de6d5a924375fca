"""Transposes the weights, since the backward product reads them by columns.

Squares with as many rows as a vector has lanes are transposed in registers, which is fast: it takes
log2(lanes) rounds of shuffles, which swap the off-diagonal quarters of smaller and smaller squares.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from fastmlp.kernels.codegen.simd import INT32, Lanes, constant
from fastmlp.kernels.codegen.vector_op import vector_op


def _turned(v: Lanes, rows: list[Any]) -> list[Any]:
    """The transpose of a square of `v.count` vectors."""
    rows = list(rows)
    half = v.count // 2
    lanes = range(v.count)
    while half:
        first = [j if not j & half else v.count + j - half for j in lanes]
        second = [j + half if not j & half else v.count + j for j in lanes]
        for i in lanes:
            if not i & half:
                pair = rows[i], rows[i + half]
                for place, order in ((i, first), (i + half, second)):
                    mask = ir.Constant(ir.VectorType(INT32, v.count), order)
                    rows[place] = v.builder.shuffle_vector(*pair, mask)
        half //= 2
    return rows


@vector_op
def transpose_squares(
    v: Lanes, source: Any, row: Any, out: Any, out_panel: Any, n_squares: Any, dtype: Any
) -> None:
    """Transpose a column of squares of `source` to a row of squares of `out`.

    Square i starts ``i * lanes`` rows below `source`. In `out`, whose rows are `row` elements apart
    too, each panel holds two neighbouring squares, and panels are `out_panel` elements apart.
    """
    b = v.builder

    def square(i: Any) -> None:
        top = v.at(source, b.mul(b.mul(i, constant(v.count)), row))
        rows = [v.load(v.at(top, b.mul(row, constant(r)))) for r in range(v.count)]
        panel = b.mul(b.lshr(i, constant(1)), out_panel)
        side = b.mul(b.and_(i, constant(1)), constant(v.count))
        target = v.at(out, panel, side)
        for r, turned in enumerate(_turned(v, rows)):
            v.store(turned, v.at(target, b.mul(row, constant(r))))

    v.repeat(n_squares, square)
