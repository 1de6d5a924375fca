"""Computes the products of the first layer if most inputs are zero, and skips the zeros.

Bit masks (`nonzero_masks`) say in which rows of the batch an input is not zero. The kernels here
process a group of a few neighbouring inputs at a time, whose weights (or gradient sums) stay in
registers during a loop over the rows that the masks select:

    forward    z[b, :] += x[b, k] * w[k, :]     for each input k of the group, in order
    update     g[k, :] += x[b, k] * dz[b, :]    for each row b of the batch, in order

A row is processed if any input of the group is not zero in it. Neighbouring pixels tend to be
nonzero together, so little work is wasted, and one load of ``z[b]`` or ``dz[b]`` serves the whole
group. An input that is zero adds an exact zero, so the sums have the same bits as those of the
dense tiles, which add in the same order and the same parts.

It is fast because of where data are meanwhile:

* The weights of 512 inputs are read sequentially, once for every 64 rows of the batch, so that the
  hardware prefetches them.
* ``z`` and ``dz`` of 64 rows stay in the first-level cache.
* Pixels are read as bytes and looked up in a table, `levels`, of the 256 values divided by the
  scale. Moving floats, four times as many bytes, through the caches would take longer.
* The next batch's rows lie anywhere in memory, so only these kernels can prefetch them. A core
  keeps track of a few dozen requests at once, so these are spread evenly over the products, forward
  and update. 64 pixels are one cache line, fetched in the forward product; 64 floats are several
  lines, every other one of which is fetched in each of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastmlp.kernels.codegen.kernel import kernel
from fastmlp.kernels.codegen.numba_types import Entry, View
from fastmlp.kernels.codegen.registers import N_REGISTERS
from fastmlp.kernels.codegen.simd import Lanes, constant
from fastmlp.kernels.codegen.vector_op import fill, itemsize, lanes, vector_op
from fastmlp.kernels.entries.activations import RELU, STORE
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.blocking import MASK_ROWS, STRIP_VECTORS
from fastmlp.kernels.layout.partition import (
    InputRange,
    by_width,
    first_input,
    first_row,
    first_vector,
    last_input,
    last_row,
    last_vector,
    vectors_from,
)
from fastmlp.kernels.layout.records import layer_at, work_at
from fastmlp.kernels.stages.skip_zeros_pass import Pass
from fastmlp.kernels.stages.tile import epilogue_of

# Inputs per group, by the number of vectors of columns: enough for 8 independent multiply-adds, as
# many as a core has in flight. The forward product loads and stores `z` once per group, so larger
# groups pay there; but 16 registers have no room for them.
FORWARD_GROUP = {4: 4, 2: 4, 1: 8} if N_REGISTERS == 32 else {4: 2, 2: 4, 1: 4}
UPDATE_GROUP = {4: 2, 2: 4, 1: 8} if N_REGISTERS == 32 else {4: 2, 2: 4, 1: 4}


class Elements(Entry):
    """The elements of rows whose zeros are skipped: bytes, or floats of the network's dtype.

    It emits the sums of such inputs' gradient, in place of `tile.Tiles`.
    """

    widths = (1, 2, STRIP_VECTORS)

    def __init__(self, are_pixels: bool) -> None:
        self.are_pixels = are_pixels

    def sum_up(
        self, v: Lanes, vectors: int, work: Any, layer: Any, part: Any, inputs: InputRange,
        dz: View, finish: Callable[[Sequence[Any], Callable[[View], list[Any]], list[int]], None],
    ) -> None:  # fmt: skip
        """Emit ``g[k, :] = sum of x[b, k] * dz[b, :]`` over a part of the batch, then `finish`."""
        b = v.builder
        group, lines_ahead = UPDATE_GROUP[vectors], slice(1, None, 2)
        this = Pass(v, vectors, group, lines_ahead, work, part.first_row, self.are_pixels)
        zeros = [v.full(0.0)] * (group * vectors)
        n_masks = b.add(b.lshr(b.sub(part.n_rows, constant(1)), constant(6)), constant(1))
        masks_bytes, rows_bytes = b.mul(work.masks_row, constant(8)), constant(MASK_ROWS * 8)

        def of_group(k: Any, mask: Any) -> None:
            def product(value_of: Any, z_at: Any, gradients: Sequence[Any]) -> list[Any]:
                dzs = [v.load(v.at(z_at, c * v.count)) for c in this.columns]
                new = list(gradients)
                for g in range(group):
                    value = value_of(g)
                    for c in this.columns:
                        i = g * vectors + c
                        new[i] = v.fma(value, dzs[c], gradients[i])
                return new

            def of_mask(i: Any, mask: Any, *gradients: Any) -> list[Any]:
                dz_at = v.at(dz.address, b.mul(b.mul(i, constant(MASK_ROWS)), dz.row))
                after = b.add(i, constant(1))
                # Load the mask of the next 64 rows, if there are any, before these are processed.
                other = b.select(b.icmp_signed("<", after, n_masks), after, i)
                other_mask = this.mask_at(b.add(this.masks, b.mul(other, masks_bytes)), k)
                rows = b.add(this.rows, b.mul(i, rows_bytes))
                new = this.each_row(mask, rows, k, View(dz_at, dz.row), gradients, product)
                return [other_mask, *new]

            _, *gradients = v.repeat(n_masks, of_mask, initial=[mask, *zeros])
            finish(gradients, lambda panels: this.places(panels, k), [*this.columns] * group)

        this.each_group(inputs, of_group)


@vector_op
def _forward(
    v: Lanes, n: Any, work: Any, first_row: Any, inputs: InputRange, weights: View, z: View,
    elements: Any, dtype: Any,
) -> None:  # fmt: skip
    """``z[b, :] += x[b, k] * w[k, :]`` for up to 64 rows, `n` vectors wide.

    `weights.row` is a panel's size.
    """

    def columns(vectors: int) -> None:
        group, lines_ahead = FORWARD_GROUP[vectors], slice(0, None, 2)
        this = Pass(v, vectors, group, lines_ahead, work, first_row, elements.are_pixels)

        def of_group(k: Any, mask: Any) -> None:
            ws = [v.load(place) for place in this.places(weights, k)]

            def product(value_of: Any, z_at: Any, _: Any) -> list[Any]:
                zs = [v.load(v.at(z_at, c * v.count)) for c in this.columns]
                for g in range(group):
                    value = value_of(g)
                    for c in this.columns:
                        zs[c] = v.fma(value, ws[g * vectors + c], zs[c])
                for c in this.columns:
                    v.store(zs[c], v.at(z_at, c * v.count))
                return []

            this.each_row(mask, this.rows, k, z, [], product)

        this.each_group(inputs, of_group)

    by_width(v, n, elements, columns)


@vector_op
def _add_part(
    v: Lanes, part: View, rows: Any, n: Any, start: View, out: View, epilogue: Any, dtype: Any
) -> None:
    """``out[r, :n] = epilogue(start[r, :n] + part[r, :n])``."""
    b = v.builder
    is_relu = b.icmp_signed("==", epilogue, constant(RELU))

    def row(r: Any) -> None:
        places = [v.at(view.address, b.mul(r, view.row)) for view in (part, start, out)]

        def vector(i: Any) -> None:
            summand, first, target = (v.at(place, i) for place in places)
            z = b.fadd(v.load(first), v.load(summand))
            v.store(b.select(is_relu, v.relu(z), z), target)

        v.repeat(n, vector, step=v.count)

    v.repeat(rows, row)


@kernel
def forward_skipping(work, layer, dtype, activation, elements):
    """Compute what `dense.forward` does, for inputs that are mostly zero.

    All rows are processed before the next part of the inputs, so that each weight comes from memory
    only once per step: the weights of thousands of inputs don't fit into a cache. If threads divide
    the inputs, the sums of a thread's own parts are what it leaves, for `exchange` to add up.
    """
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(dtype), lanes(dtype)
    z_block = layer.slopes + work.turn * layer.outputs_block * size
    part = View(work.sums, STRIP_VECTORS * width, 1)
    by_inputs = layer.sharing == at.BY_INPUTS
    first, end = first_row(work, layer), last_row(work, layer)
    first_k, last_k, last = 0, layer.n_in_padded, last_vector(work, layer)
    if by_inputs:
        first, end = 0, work.n_rows
        first_k, last_k = first_input(work, layer), last_input(work, layer)
    for k in range(first_k, last_k, layer.n_in_part):
        inputs = InputRange(k, min(k + layer.n_in_part, last_k))
        is_last = inputs.last == layer.n_in_padded
        epilogue = epilogue_of(activation) if is_last else STORE
        sums = layer.sums + k // layer.n_in_part * layer.sums_part * size
        for start in range(first, end, MASK_ROWS):
            n_rows = min(end - start, MASK_ROWS)
            c = first_vector(work, layer)
            while c < last:
                n = vectors_from(c, last, elements)
                z = View(z_block + (start * layer.unit_row + c * width) * size, layer.unit_row, 1)
                panel = c // 2 * layer.weights_panel + c % 2 * width
                weights = View(layer.weights + panel * size, layer.weights_panel, 1)
                if by_inputs:
                    skipped = start * layer.unit_row + c * width
                    part = View(sums + skipped * size, layer.unit_row, 1)
                fill(part, n_rows, n * width, dtype)
                _forward(n, work, start, inputs, weights, part, elements, dtype)
                if not by_inputs:
                    before = z if k > 0 else View(layer.bias + c * width * size, 0, 1)
                    _add_part(part, n_rows, n * width, before, z, epilogue, dtype)
                c += n
