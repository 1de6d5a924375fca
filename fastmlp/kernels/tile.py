"""The dense micro-kernel: every matrix product of a training step is made of these tiles.

A tile of `out` is held in registers while one loop runs over the products' common dimension:

    out[r, :] = epilogue(scale * start[r, :] + sum over i of p[r, i] * q[i, :])

`p` is read an element at a time (any two strides), `q` and `out` by whole vectors. With the
operands below this one formula is the forward product, the product back through the weights, and
the gradient fused with the decayed update, which therefore never stores a gradient:

    ========  ===========  ==========  ===============  =======  ==========
    product   p[r, i]      q[i, :]     start            scale    epilogue
    ========  ===========  ==========  ===============  =======  ==========
    forward   a[b, k]      w[k, :]     bias (1 row)     1        ReLU
    backward  dz[b, j]     w.T[j, :]   zeros (1 row)    1        ReLU mask
    update    a[b, k]      dz[b, :]    w itself         decay    none
    ========  ===========  ==========  ===============  =======  ==========

Each sum starts at `start` and adds in the order of i by fused multiply-add, whatever the tile's
shape: so neither the vector width, nor the tiling, nor the threads can change a bit of the result.
The accumulators leave two registers for `q` and one for `p`: the loop then does 2 multiply-adds a
cycle, which is all that the core has.
"""

from __future__ import annotations

from typing import Any

from fastmlp.kernels.cache import compiled
from fastmlp.kernels.simd import N_REGISTERS, Lanes, constant, vector_op

# What happens to a finished tile.
STORE, RELU, RELU_MASK = 0, 1, 2

# 8 x 2 vectors need 16 accumulators: too many for the 16 registers of SSE and AVX2.
TILE_ROWS = 8 if N_REGISTERS == 32 else 6
TILE_VECTORS = 2


def _column_of_tiles(vectors: int) -> Any:
    """Vector op for any number of rows of `out`, `vectors` vectors wide; see :func:`tiles`."""

    def column(
        v: Lanes,
        rows: Any,
        p: Any, p_row: Any, p_step: Any,
        q: Any, q_step: Any,
        start: Any, start_row: Any, scale: Any,
        out: Any, out_row: Any,
        count: Any, epilogue: Any, mask: Any,
    ) -> None:  # fmt: skip
        b = v.builder

        def tile(height: int, first: Any) -> None:
            """The tile of `height` rows from row `first` on."""
            numbers = [b.add(first, constant(r)) for r in range(height)]
            p_rows = [v.at(constant(0), b.mul(p_row, r)) for r in numbers]
            out_rows = [v.at(constant(0), b.mul(out_row, r)) for r in numbers]
            starts = [v.at(start, b.mul(start_row, r)) for r in numbers]
            places = [(r, c) for r in range(height) for c in range(vectors)]
            scales = v.splat(scale)
            initial = [b.fmul(scales, v.load(v.at(starts[r], c * v.count))) for r, c in places]

            def step(i: Any, p_at: Any, q_at: Any, *sums: Any) -> list[Any]:
                qs = [v.load(v.at(q_at, c * v.count)) for c in range(vectors)]
                ps = [v.broadcast(b.add(p_at, row)) for row in p_rows]
                added = [v.fma(ps[r], qs[c], a) for (r, c), a in zip(places, sums, strict=True)]
                return [b.add(i, constant(1)), v.at(p_at, p_step), v.at(q_at, q_step), *added]

            _, _, _, *sums = v.loop(
                [constant(0), p, q, *initial], lambda i, *_: b.icmp_signed("<", i, count), step
            )
            for kind in (STORE, RELU, RELU_MASK):
                with b.if_then(b.icmp_signed("==", epilogue, constant(kind))):
                    for (r, c), value in zip(places, sums, strict=True):
                        offset = v.at(out_rows[r], c * v.count)
                        if kind == RELU:
                            value = v.relu(value)
                        elif kind == RELU_MASK:
                            active = b.fcmp_ordered(">", v.load(b.add(mask, offset)), v.full(0.0))
                            value = b.select(active, value, v.full(0.0))
                        v.store(value, b.add(out, offset))

        def tiles_of(height: int, first: Any) -> Any:
            """As many tiles of `height` rows as there is room for; returns the next row."""

            def once(r: Any) -> list[Any]:
                tile(height, r)
                return [b.add(r, constant(height))]

            def fits(r: Any) -> Any:
                return b.icmp_signed("<=", b.add(r, constant(height)), rows)

            return v.loop([first], fits, once)[0]

        row = constant(0)
        for height in (TILE_ROWS, 4, 1):  # another one would take a second to compile
            row = tiles_of(height, row)

    return vector_op(column)


_wide_column, _narrow_column = _column_of_tiles(TILE_VECTORS), _column_of_tiles(1)


@compiled
def tiles(
    vectors, rows, p, p_row, p_step, q, q_step,
    start, start_row, scale, out, out_row, count, epilogue, mask,
):  # fmt: skip
    """`rows` rows and `vectors` vectors (1 or 2) of `out`, which is written in place.

    Parameters
    ----------
    vectors, rows, count : int
        The shape of `out`'s part, and the length of each sum.
    p, q, start, out, mask : int
        Addresses. `mask` is read by RELU_MASK only, with the strides of `out`.
    p_row, p_step, q_step, start_row, out_row : int
        Strides in elements.
    scale : float
        Its dtype is that of all elements.
    epilogue : int
        STORE, RELU or RELU_MASK.
    """
    if vectors == TILE_VECTORS:
        _wide_column(rows, p, p_row, p_step, q, q_step, start, start_row, scale,
                     out, out_row, count, epilogue, mask)  # fmt: skip
    else:
        _narrow_column(rows, p, p_row, p_step, q, q_step, start, start_row, scale,
                       out, out_row, count, epilogue, mask)  # fmt: skip
