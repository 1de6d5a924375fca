"""Computes dense matrix products in tiles, which all products of a training step consist of.

A tile, a few rows and one or two vectors of columns of `out`, stays in registers during a loop over
the common dimension of the product:

    out[r, :] = finish(start[r, :] + sum over i of p[r, i] * q[i, :])

`p` is read an element at a time, with any strides, `q` and `out` by whole vectors. With the
operands below, this formula is the forward product, the product back through the weights, and the
gradient fused with the update, so that no gradient of all weights is ever stored:

    ========  ===========  ==========  ====================  =========================
    product   p[r, i]      q[i, :]     start                 finish
    ========  ===========  ==========  ====================  =========================
    forward   a[b, k]      w[k, :]     bias (1 row)          ReLU, or none
    backward  dz[b, j]     w.T[j, :]   zeros (1 row)         ReLU mask, or none
    update    a[b, k]      dz[b, :]    what came before      the optimiser's step
    ========  ===========  ==========  ====================  =========================

Each sum starts at zero and adds in the order of i by fused multiply-add; `start` is added last. So
neither the vector width, nor the tiling, nor the threads change a bit of the result. Long sums are
computed in parts of up to INPUTS_PER_SUM or ROWS_PER_SUM terms that are then added up: a single
float32 sum of thousands of terms would lose the bits of the last ones.

It is fast because a core starts two multiply-adds per cycle if their operands are ready. Each waits
some 4 cycles for the previous term of its sum, so a tile has many independent sums, as many as fit
into the registers next to two vectors of `q` and one element of `p`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from fastmlp.kernels.codegen.numba_types import Entry, View
from fastmlp.kernels.codegen.simd import Lanes, constant
from fastmlp.kernels.codegen.vector_op import Integer, vector_op
from fastmlp.kernels.entries.activations import RELU, RELU_MASK, STORE
from fastmlp.kernels.layout.blocking import TILE_HEIGHTS, TILE_VECTORS
from fastmlp.kernels.layout.partition import InputRange


class Tile:
    """The part of `out` that is in registers.

    Attributes
    ----------
    v : Lanes
    places : list of (int, int)
        Row and vector of each sum, within the tile.
    """

    def __init__(self, v: Lanes, height: int, vectors: int, first: Any) -> None:
        self.v, self._height, self._first = v, height, first
        self.places = [(r, c) for r in range(height) for c in range(vectors)]

    def rows(self, view: View) -> list[Any]:
        """Addresses of the tile's rows in a matrix."""
        # Each from the one before: multiplications would delay the start of the next tile.
        rows = [self.v.at(view.address, self.v.builder.mul(view.row, self._first))]
        while len(rows) < self._height:
            rows.append(self.v.at(rows[-1], view.row))
        return rows

    def addresses(self, view: View) -> list[Any]:
        """Addresses of the tile's vectors in a matrix."""
        rows = self.rows(view)
        return [self.v.at(rows[r], c * self.v.count) for r, c in self.places]


def column_of_tiles(
    v: Lanes,
    vectors: int,
    rows: Any,
    count: Any,
    p: View,
    q: View,
    finish: Callable[[Tile, Sequence[Any]], None],
) -> None:
    """Emit the product of `rows` rows of `p` and `vectors` vectors of `q`, tile by tile.

    `count` is the common dimension. ``finish(tile, sums)`` stores the sums of each tile.
    """

    def tile(height: int, first: Any) -> None:
        this = Tile(v, height, vectors, first)

        def step(_: Any, p_at: Any, q_at: Any, *sums: Any) -> list[Any]:
            qs = [v.load(v.at(q_at, c * v.count)) for c in range(vectors)]
            ps = [v.broadcast(row) for row in this.rows(View(p_at, p.row))]
            added = [v.fma(ps[r], qs[c], a) for (r, c), a in zip(this.places, sums, strict=True)]
            return [v.at(p_at, p.column), v.at(q_at, q.row), *added]

        zeros = [v.full(0.0)] * len(this.places)
        _, _, *sums = v.repeat(count, step, initial=[p.address, q.address, *zeros])
        finish(this, sums)

    row = constant(0)
    for height in TILE_HEIGHTS:
        row = v.repeat_whole(row, rows, height, partial(tile, height))


class Tiles(Entry):
    """Sums up the gradient of dense inputs' weights, in tiles.

    Where zeros are skipped, `skip_zeros.Elements` is used instead.

    Attributes
    ----------
    widths : tuple of int
        How many vectors of columns may be computed together.
    """

    widths = (1, TILE_VECTORS)

    def sum_up(
        self, v: Lanes, vectors: int, work: Any, layer: Any, part: Any, inputs: InputRange,
        dz: View, finish: Callable[[Sequence[Any], Callable[[View], list[Any]], list[int]], None],
    ) -> None:  # fmt: skip
        """Emit the gradient of some inputs' weights, `vectors` wide, over a part of the batch.

        Each tile of it is passed to ``finish(gradients, addresses, columns)``: vectors of sums, a
        function that returns their addresses in a matrix of panels, and the column of each.
        """
        b = v.builder
        skipped = b.mul(work.turn, layer.inputs_block), b.mul(part.first_row, layer.inputs_row)
        x = View(v.at(layer.inputs, *skipped, inputs.first), constant(1), layer.inputs_row)
        above = b.mul(inputs.first, constant(2 * v.count))

        def of_tile(tile: Tile, gradients: Sequence[Any]) -> None:
            def addresses(panel: View) -> list[Any]:
                return tile.addresses(View(v.at(panel.address, above), constant(2 * v.count)))

            finish(gradients, addresses, [c for _, c in tile.places])

        n_inputs = b.sub(inputs.last, inputs.first)
        column_of_tiles(v, vectors, n_inputs, part.n_rows, x, dz, of_tile)


TILES = Tiles()


@vector_op
def product(
    v: Lanes, is_wide: Any, rows: Any, count: Any, p: View, q: View,
    start: View, out: View, epilogue: Any, mask: Any, dtype: Any,
) -> None:  # fmt: skip
    """``out = epilogue(start + p @ q)``, a panel wide if `is_wide`, else one vector.

    `mask` is the address of a matrix with the strides of `out`, for RELU_MASK.
    """
    b = v.builder

    def finish(tile: Tile, sums: Sequence[Any]) -> None:
        starts, outs = tile.addresses(start), tile.addresses(out)
        masks = tile.addresses(View(mask, out.row))
        values = [b.fadd(v.load(at), a) for at, a in zip(starts, sums, strict=True)]
        for kind in (STORE, RELU, RELU_MASK):
            with b.if_then(b.icmp_signed("==", epilogue, constant(kind))):
                for value, at, mask_at in zip(values, outs, masks, strict=True):
                    if kind == RELU:
                        value = v.relu(value)
                    elif kind == RELU_MASK:
                        active = b.fcmp_ordered(">", v.load(mask_at), v.full(0.0))
                        value = b.select(active, value, v.full(0.0))
                    v.store(value, at)

    with b.if_else(b.icmp_signed("!=", is_wide, constant(0))) as (if_wide, if_narrow):
        for branch, vectors in ((if_wide, TILE_VECTORS), (if_narrow, 1)):
            with branch:
                column_of_tiles(v, vectors, rows, count, p, q, finish)


@vector_op
def epilogue_of(v: Lanes, activation: Any) -> Integer:
    """The epilogue of a forward product's tiles for an activation: RELU, or STORE."""
    return constant(activation.epilogue)


@vector_op
def mask_of(v: Lanes, activation: Any) -> Integer:
    """The epilogue of a backward product's tiles for an activation: RELU_MASK, or STORE."""
    return constant(activation.mask)
