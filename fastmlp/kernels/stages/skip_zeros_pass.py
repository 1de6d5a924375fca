"""Emits one pass over groups of inputs, in the rows that their masks select; see `skip_zeros`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastmlp.kernels.codegen.buffers import LINE
from fastmlp.kernels.codegen.numba_types import View
from fastmlp.kernels.codegen.simd import INT8, INT64, Lanes, constant
from fastmlp.kernels.layout.blocking import MASK_ROWS
from fastmlp.kernels.layout.partition import InputRange


class Pass:
    """Emits one pass over groups of inputs, for some vectors of columns and some rows of the batch.

    Parameters
    ----------
    v : Lanes
    vectors : int
        Vectors of columns: 1 and 2 lie in one panel of the weights, 4 in two.
    group : int
        Inputs per group.
    lines_ahead : slice
        Which of the cache lines that 64 inputs of a row take are fetched for the next batch.
    work : Fields
        The thread's record.
    first_row : int64
        The first of these rows in the batch: a multiple of 64, so that masks begin with it.
    are_pixels : bool
        Whether inputs are bytes, whose values are looked up in the table of levels; else floats of
        the network's dtype.

    Attributes
    ----------
    columns : range
        Indices of the vectors.
    masks, rows : int64
        Addresses of the rows' masks, and of the table of the rows' addresses in X.
    """

    def __init__(
        self, v: Lanes, vectors: int, group: int, lines_ahead: slice, work: Any, first_row: Any,
        are_pixels: bool,
    ) -> None:  # fmt: skip
        b = v.builder
        self.v, self.vectors, self.group, self._lines_ahead = v, vectors, group, lines_ahead
        self.columns = range(vectors)
        some = b.lshr(first_row, constant(6))
        self.masks = b.add(work.masks, b.mul(b.mul(some, work.masks_row), constant(8)))
        skipped = b.mul(first_row, constant(8))
        self.rows = b.add(work.row_table, skipped)
        self._ahead = b.add(work.next_table, skipped)  # the rows of the next batch
        self._levels = work.levels if are_pixels else None
        self._x_size = 1 if are_pixels else v.size

    def each_group(self, inputs: InputRange, visit: Callable[[Any, Any], None]) -> None:
        """Emit ``visit(k, mask)`` for each group of `inputs`.

        `k` is the index of the group's first input; `mask` is that of the first 64 rows.
        """
        b = self.v.builder

        def once(k: Any, mask: Any) -> list[Any]:
            self._fetch_ahead(k)
            # The core can't predict how many rows a mask names: it mispredicts at the end of the
            # loop over them, and starts anew. The next mask is loaded before that, so that it does
            # not have to be waited for as well.
            next_mask = self.mask_at(self.masks, b.add(k, constant(self.group)))
            visit(k, mask)
            return [next_mask]

        first_mask = self.mask_at(self.masks, inputs.first)
        self.v.repeat(inputs.last, once, self.group, [first_mask], inputs.first)

    def mask_at(self, masks: Any, k: Any) -> Any:
        """The mask of a group: the rows in which any of its inputs is not zero."""
        b = self.v.builder
        address = b.add(masks, b.mul(k, constant(4)))
        mask = self.v.load(address, INT64)
        for pair in range(1, self.group // 2):
            mask = b.or_(mask, self.v.load(b.add(address, constant(8 * pair)), INT64))
        return mask

    def _fetch_ahead(self, k: Any) -> None:
        """Fetch some cache lines of the next batch while the group that begins at `k` is computed.

        They are spread evenly over the pass: input k fetches for row k % 64 of the next batch the
        64 inputs from k - k % 64 on. So nearly all of the 64 rows are fetched after all inputs.
        """
        v, b, x_size = self.v, self.v.builder, self._x_size
        entry = b.add(self._ahead, b.mul(b.and_(k, constant(MASK_ROWS - 1)), constant(8)))
        skipped = b.mul(b.and_(k, constant(-MASK_ROWS)), constant(x_size))
        for g in range(self.group):
            line = b.add(v.load(b.add(entry, constant(8 * g)), INT64), skipped)
            for i in range(0, MASK_ROWS * x_size, LINE)[self._lines_ahead]:
                v.prefetch(b.add(line, constant(i)), level=2)

    def places(self, panels: View, k: Any) -> list[Any]:
        """Addresses of the group's vectors of weights, or of sums, in panels.

        `panels.row` is the distance between panels.
        """
        v, b = self.v, self.v.builder
        starts = [
            v.at(panels.address, (c % 2) * v.count, *([panels.row] if c >= 2 else []))
            for c in self.columns
        ]
        return [
            v.at(start, b.mul(b.add(k, constant(g)), constant(2 * v.count)))
            for g in range(self.group)
            for start in starts
        ]

    def each_row(
        self, mask: Any, rows: Any, k: Any, z: View,
        values: Sequence[Any], product: Callable[..., Sequence[Any]],
    ) -> list[Any]:  # fmt: skip
        """Emit ``values = product(value_of, z's address, values)`` for each row in `mask`.

        ``value_of(g)`` is the row's input g of the group that begins at `k`. `rows` is the part of
        the table for these 64 rows, `z` a matrix with as many.
        """
        v, b, x_size, levels = self.v, self.v.builder, self._x_size, self._levels
        skipped = b.mul(k, constant(x_size))

        def once(mask: Any, *values: Any) -> list[Any]:
            lowest = v.lowest(mask)
            z_at = v.at(z.address, b.mul(lowest, z.row))
            x_at = b.add(v.load(b.add(rows, b.mul(lowest, constant(8))), INT64), skipped)

            def value_of(g: int) -> Any:
                """An input, in each lane."""
                place = b.add(x_at, constant(g * x_size))
                if levels is not None:
                    place = v.at(levels, b.zext(v.load(place, INT8), INT64))
                return v.broadcast(place)

            new = product(value_of, z_at, values)
            return [b.and_(mask, b.sub(mask, constant(1))), *new]  # without that bit

        _, *values = v.loop(
            [mask, *values], lambda mask, *_: b.icmp_unsigned("!=", mask, constant(0)), once
        )
        return values
