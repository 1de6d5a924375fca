"""The first layer, where most inputs are zero: products that skip the zeros.

Bit masks (:mod:`fastmlp.kernels.nonzeros`) say in which rows of the batch an input is not zero.
The kernels here take a few neighbouring inputs at a time, whose rows of the weights stay in
registers while the rows of the batch that the masks name go by:

    forward    z[b, :] += x[b, k] * w[k, :]     for each input k of the group, in order
    update     g[k, :] += x[b, k] * dz[b, :]    for each row b of the batch, in order

Neighbouring pixels are nonzero together, so little work is wasted, and one load of ``z[b]`` or
``dz[b]`` serves the whole group. An input that is zero adds an exact zero: the sums have the bits
of the dense tiles, which add in the same order and the same parts.

Rows of weights are read once a 64 rows of the batch, from start to end, which the hardware
prefetches; ``z`` and ``dz`` of 64 rows stay in the first-level cache. Pixels are read as bytes and
looked up in a table of the 256 quotients by the scale, which costs less than a batch of floats does
on its way through the caches. The next batch's rows lie anywhere in memory: they are fetched
during the products, evenly, since the core keeps track of a few dozen requests at once: pixels
forward, and floats, which are more, one line of two forward and the others in the update.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastmlp.kernels import records as at
from fastmlp.kernels.kernel import kernel
from fastmlp.kernels.memory import View
from fastmlp.kernels.nonzeros import MASK_ROWS
from fastmlp.kernels.records import layer_at, work_at
from fastmlp.kernels.sharing import (
    first_input,
    first_row,
    first_vector,
    last_input,
    last_row,
    last_vector,
)
from fastmlp.kernels.simd import (
    BOOL,
    INT8,
    INT64,
    LINE,
    N_REGISTERS,
    Lanes,
    constant,
    itemsize,
    lanes,
    vector_op,
)
from fastmlp.kernels.tile import INPUTS_PER_SUM, RELU, ROWS_PER_SUM, STORE, epilogue_of
from fastmlp.kernels.update import SUMMED_INPUTS, SUMMED_VECTORS, SUMS_PANEL, finish_update

# Inputs taken together, by the number of vectors of columns: enough for 8 multiply-adds that don't
# wait for each other, which is what the core has on the way. Forward, `z` is loaded and stored
# once a group, so a larger one pays there; but 16 registers have no room for it.
FORWARD_GROUP = {4: 4, 2: 4, 1: 8} if N_REGISTERS == 32 else {4: 2, 2: 4, 1: 4}
UPDATE_GROUP = {4: 2, 2: 4, 1: 8} if N_REGISTERS == 32 else {4: 2, 2: 4, 1: 4}
STRIP_VECTORS = 4


class _Pass:
    """Emits one pass over groups of inputs, for some vectors of columns.

    `rows` is a table of the rows' addresses, `ahead` that of the next batch's. Pixels are looked up
    in `levels`; without levels, rows are of the network's dtype. A column of 4 vectors is two
    panels of the weights.
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
        """For each input of the group, a row's lines of 64 inputs: nearly all in the end."""
        v, b = self.v, self.v.builder
        entry = b.add(ahead, b.mul(b.and_(k, constant(MASK_ROWS - 1)), constant(8)))
        skipped = b.mul(b.and_(k, constant(-MASK_ROWS)), constant(x_size))
        for g in range(self.group):
            line = b.add(v.load(b.add(entry, constant(8 * g)), INT64), skipped)
            for i in range(0, MASK_ROWS * x_size, LINE)[self.lines_ahead]:
                v.prefetch(b.add(line, constant(i)), level=2)

    def places(self, panels: View, k: Any) -> list[Any]:
        """Addresses of the group's vectors in weights, or sums; `row` is from panel to panel."""
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
        """Emit ``values = product(inputs, z's address, values)`` for each row that `mask` names.

        `levels` is None where rows are of the network's dtype.
        """
        v, b = self.v, self.v.builder
        x_size = v.size if levels is None else 1
        skipped = b.mul(k, constant(x_size))

        def once(mask: Any, *values: Any) -> list[Any]:
            lowest = v.call("llvm.cttz.i64", INT64, [mask, BOOL(1)])
            z_at = v.at(z.address, b.mul(lowest, z.row))
            x_at = b.add(v.load(b.add(rows, b.mul(lowest, constant(8))), INT64), skipped)

            def value_of(g: int) -> Any:
                """An input, in each lane."""
                place = b.add(x_at, constant(g * x_size))
                if levels is not None:
                    place = v.at(levels, b.zext(v.load(place, INT8), INT64))
                return v.broadcast(place)

            new = product(value_of, z_at, values)
            return [b.and_(mask, b.sub(mask, constant(1))), *new]

        _, *values = v.loop(
            [mask, *values], lambda mask, *_: b.icmp_unsigned("!=", mask, constant(0)), once
        )
        return values


def _either(v: Lanes, levels: Any, emit: Callable[[Any], None]) -> None:
    """Emit code for pixels, and code for numbers of the network's dtype."""
    b = v.builder
    with b.if_else(b.icmp_signed("!=", levels, constant(0))) as (if_pixels, if_floats):
        with if_pixels:
            emit(levels)
        with if_floats:
            emit(None)


def _forward(vectors: int) -> Any:
    def forward_masked(
        v: Lanes,
        masks: Any, first_input: Any, last_input: Any, rows: Any, ahead: Any, levels: Any,
        weights: View, z: View, one: Any,
    ) -> None:  # fmt: skip
        """``z[b, :] += x[b, k] * w[k, :]`` for up to 64 rows; `weights.row` is a panel's size."""
        b = v.builder
        this = _Pass(v, vectors, FORWARD_GROUP[vectors], slice(0, None, 2))

        def emit(levels: Any) -> None:
            def of_group(k: Any, mask: Any) -> list[Any]:
                this.fetch_ahead(ahead, k, v.size if levels is None else 1)
                ws = [v.load(place) for place in this.places(weights, k)]
                # The end of the loop is mispredicted; the next mask is then at hand already.
                following = b.add(k, constant(this.group))
                next_mask = this.mask_at(masks, following)

                def product(value_of: Any, z_at: Any, _: Any) -> list[Any]:
                    zs = [v.load(v.at(z_at, c * v.count)) for c in this.columns]
                    for g in range(this.group):
                        value = value_of(g)
                        for c in this.columns:
                            zs[c] = v.fma(value, ws[g * vectors + c], zs[c])
                    for c in this.columns:
                        v.store(zs[c], v.at(z_at, c * v.count))
                    return []

                this.each_row(mask, rows, k, levels, z, [], product)
                return [following, next_mask]

            v.loop(
                [first_input, this.mask_at(masks, first_input)],
                lambda k, _: b.icmp_signed("<", k, last_input),
                of_group,
            )

        _either(v, levels, emit)

    return vector_op(forward_masked)


def _update(vectors: int) -> Any:
    def update_masked(
        v: Lanes,
        masks: Any, masks_row: Any, n_masks: Any, first_input: Any, last_input: Any,
        rows: Any, ahead: Any, levels: Any,
        sums: View, weights: View, state: Any, numbers: Any, dz: View,
        is_first: Any, is_last: Any, optimizer: Any, one: Any,
    ) -> None:  # fmt: skip
        """``g[k, :] = sum of x[b, k] * dz[b, :]`` over up to 128 rows, and what follows."""
        b = v.builder
        this = _Pass(v, vectors, UPDATE_GROUP[vectors], slice(1, None, 2))
        zeros = [v.full(0.0)] * (this.group * vectors)
        second = b.add(masks, b.mul(masks_row, constant(8)))
        second = b.select(b.icmp_signed(">", n_masks, constant(1)), second, masks)
        rows_bytes = constant(MASK_ROWS * 8)

        def emit(levels: Any) -> None:
            def of_group(k: Any, mask: Any) -> list[Any]:
                this.fetch_ahead(ahead, k, v.size if levels is None else 1)
                following = b.add(k, constant(this.group))
                next_mask, other_mask = this.mask_at(masks, following), this.mask_at(second, k)

                def product(value_of: Any, z_at: Any, gradients: Sequence[Any]) -> list[Any]:
                    dzs = [v.load(v.at(z_at, c * v.count)) for c in this.columns]
                    new = list(gradients)
                    for g in range(this.group):
                        value = value_of(g)
                        for c in this.columns:
                            i = g * vectors + c
                            new[i] = v.fma(value, dzs[c], gradients[i])
                    return new

                def of_mask(number: Any, mask: Any, *gradients: Any) -> list[Any]:
                    dz_at = v.at(dz.address, b.mul(b.mul(number, constant(MASK_ROWS)), dz.row))
                    new = this.each_row(mask, b.add(rows, b.mul(number, rows_bytes)), k, levels,
                                        View(dz_at, dz.row), gradients, product)  # fmt: skip
                    return [b.add(number, constant(1)), other_mask, *new]

                _, _, *gradients = v.loop(
                    [constant(0), mask, *zeros],
                    lambda number, *_: b.icmp_signed("<", number, n_masks),
                    of_mask,
                )
                finish_update(v, optimizer, gradients, this.places(sums, k),
                              this.places(weights, k), state, numbers, is_first, is_last)  # fmt: skip
                return [following, next_mask]

            v.loop(
                [first_input, this.mask_at(masks, first_input)],
                lambda k, _: b.icmp_signed("<", k, last_input),
                of_group,
            )

        _either(v, levels, emit)

    return vector_op(update_masked)


_forward_4, _forward_2, _forward_1 = map(_forward, (4, 2, 1))
_update_4, _update_2, _update_1 = map(_update, (4, 2, 1))


@vector_op
def _fill(v: Lanes, out: View, rows: Any, n: Any, one: Any) -> None:
    """``out[r, :n] = 0``."""
    b = v.builder

    def row(r: Any) -> None:
        start = v.at(out.address, b.mul(r, out.row))
        v.repeat(n, lambda i: v.store(v.full(0.0), v.at(start, i)), step=v.count)

    v.repeat(rows, row)


@vector_op
def _add_part(
    v: Lanes, part: View, rows: Any, n: Any, start: View, out: View, epilogue: Any, one: Any
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
def forward_skipping(work, layer, one, activation):
    """What :func:`fastmlp.kernels.forward.forward` computes, of inputs that are mostly zero."""
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(one), lanes(one)
    z_block = layer.slopes + work.turn * layer.outputs_block * size
    end, last = last_row(work, layer), last_vector(work, layer)
    part = View(work.sums, STRIP_VECTORS * width, 1)
    for start in range(first_row(work, layer), end, MASK_ROWS):
        n_rows = min(end - start, MASK_ROWS)
        masks = work.masks + start // MASK_ROWS * work.masks_row * 8
        rows, ahead = work.row_table + start * 8, work.next_table + start * 8
        c = first_vector(work, layer)
        while c < last:
            # Whole panels together, if the first one is whole.
            n = 4 if c % 2 == 0 and last - c >= 4 else (2 if c % 2 == 0 and last - c >= 2 else 1)
            z = View(z_block + (start * layer.unit_row + c * width) * size, layer.unit_row, 1)
            weights = View(layer.weights + (c // 2 * layer.weights_panel + c % 2 * width) * size,
                           layer.weights_panel, 1)  # fmt: skip
            before = View(layer.bias + c * width * size, 0, 1)
            for k in range(0, layer.n_in_padded, INPUTS_PER_SUM):
                k_end = min(k + INPUTS_PER_SUM, layer.n_in_padded)
                _fill(part, n_rows, n * width, one)
                if n == 4:
                    _forward_4(masks, k, k_end, rows, ahead, work.levels, weights, part, one)
                elif n == 2:
                    _forward_2(masks, k, k_end, rows, ahead, work.levels, weights, part, one)
                else:
                    _forward_1(masks, k, k_end, rows, ahead, work.levels, weights, part, one)
                epilogue = epilogue_of(activation) if k_end == layer.n_in_padded else STORE
                _add_part(part, n_rows, n * width, before, z, epilogue, one)
                before = z
            c += n


@kernel
def update_skipping(work, layer, one, optimizer):
    """What :func:`fastmlp.kernels.update.update` computes, of inputs that are mostly zero."""
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(one), lanes(one)
    start, end, last = first_input(work, layer), last_input(work, layer), last_vector(work, layer)
    numbers = work.numbers + (work.number * work.numbers_row + at.FOR_WEIGHTS) * size
    n_rows = work.n_rows
    in_parts = n_rows > ROWS_PER_SUM
    block_inputs = SUMMED_INPUTS if in_parts else max(1, end - start)
    for k in range(start, end, block_inputs):
        k_end = min(k + block_inputs, end)
        for strip in range(first_vector(work, layer), last, SUMMED_VECTORS):
            strip_end = min(strip + SUMMED_VECTORS, last)
            for part in range(0, n_rows, ROWS_PER_SUM):
                count = min(n_rows - part, ROWS_PER_SUM)
                masks = work.masks + part // MASK_ROWS * work.masks_row * 8
                n_masks = (count + MASK_ROWS - 1) // MASK_ROWS
                rows, ahead = work.row_table + part * 8, work.next_table + part * 8
                is_first, is_last = part == 0, part + count == n_rows
                c = strip
                while c < strip_end:
                    left = strip_end - c
                    n = 4 if c % 2 == 0 and left >= 4 else (2 if c % 2 == 0 and left >= 2 else 1)
                    weights = View(layer.weights + (c // 2 * layer.weights_panel + c % 2 * width) * size,
                                   layer.weights_panel, 1)  # fmt: skip
                    sums_at = (c // 2 - strip // 2) * SUMS_PANEL + c % 2 - k * 2
                    sums = View(work.sums + sums_at * width * size, SUMS_PANEL * width, 1)
                    dz = View(
                        layer.gradient + (part * layer.unit_row + c * width) * size,
                        layer.unit_row,
                        1,
                    )
                    if n == 4:
                        _update_4(masks, work.masks_row, n_masks, k, k_end, rows, ahead, work.levels,
                                  sums, weights, layer.weights_state, numbers, dz,
                                  is_first, is_last, optimizer, one)  # fmt: skip
                    elif n == 2:
                        _update_2(masks, work.masks_row, n_masks, k, k_end, rows, ahead, work.levels,
                                  sums, weights, layer.weights_state, numbers, dz,
                                  is_first, is_last, optimizer, one)  # fmt: skip
                    else:
                        _update_1(masks, work.masks_row, n_masks, k, k_end, rows, ahead, work.levels,
                                  sums, weights, layer.weights_state, numbers, dz,
                                  is_first, is_last, optimizer, one)  # fmt: skip
                    c += n
