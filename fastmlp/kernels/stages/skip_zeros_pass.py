"""One pass over groups of inputs, which visits the rows that their masks name; see `skip_zeros`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastmlp.kernels.codegen.buffers import LINE
from fastmlp.kernels.codegen.numba_types import View
from fastmlp.kernels.codegen.simd import INT8, INT64, Lanes, constant
from fastmlp.kernels.layout.blocking import MASK_ROWS


class Pass:
    """Emits one pass over groups of inputs, for some vectors of columns.

    Methods take `k`, the number of a group's first input; `rows`, a table of the addresses of 64
    rows of the batch; `ahead`, the same of the next batch; and `levels`, the table in which pixels
    are looked up, None where rows are of the network's dtype.

    Parameters
    ----------
    v : Lanes
    vectors : int
        Vectors of columns: 1 and 2 lie in one panel of the weights, 4 in two.
    group : int
        Inputs of a group.
    lines_ahead : slice
        Which of the cache lines that 64 inputs of a row take are fetched for the next batch.
    """

    def __init__(self, v: Lanes, vectors: int, group: int, lines_ahead: slice) -> None:
        self.v, self.vectors, self.group = v, vectors, group
        self.lines_ahead = lines_ahead
        self.columns = range(vectors)

    def mask_at(self, masks: Any, k: Any) -> Any:
        """The rows in which any of the group's inputs is not zero."""
        b = self.v.builder
        address = b.add(masks, b.mul(k, constant(4)))
        mask = self.v.load(address, INT64)
        for pair in range(1, self.group // 2):
            mask = b.or_(mask, self.v.load(b.add(address, constant(8 * pair)), INT64))
        return mask

    def fetch_ahead(self, ahead: Any, k: Any, x_size: int) -> None:
        """Fetch some cache lines of the next batch, while the group that begins at `k` is at work.

        They are dealt out evenly over the pass: at input k it is the turn of row k % 64, of which
        the 64 inputs from k - k % 64 on are fetched. After all inputs, nearly all of the 64 rows
        are on their way.
        """
        v, b = self.v, self.v.builder
        entry = b.add(ahead, b.mul(b.and_(k, constant(MASK_ROWS - 1)), constant(8)))
        skipped = b.mul(b.and_(k, constant(-MASK_ROWS)), constant(x_size))
        for g in range(self.group):
            line = b.add(v.load(b.add(entry, constant(8 * g)), INT64), skipped)
            for i in range(0, MASK_ROWS * x_size, LINE)[self.lines_ahead]:
                v.prefetch(b.add(line, constant(i)), level=2)

    def places(self, panels: View, k: Any) -> list[Any]:
        """Addresses of the group's vectors in weights, or in sums, that are kept as panels.

        `panels.row` is the distance from a panel to the next one.
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
        self, mask: Any, rows: Any, k: Any, levels: Any, z: View,
        values: Sequence[Any], product: Callable[..., Sequence[Any]],
    ) -> list[Any]:  # fmt: skip
        """Emit ``values = product(value_of, z's address, values)`` for each row that `mask` names.

        ``value_of(g)`` is the row's input g of the group. `z` is a matrix with those 64 rows.
        """
        v, b = self.v, self.v.builder
        x_size = v.size if levels is None else 1
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
