"""The first layer, where most inputs are zero: products that skip the zeros.

Bit masks (:mod:`fastmlp.kernels.nonzeros`) say in which rows of the batch an input is not zero.
:func:`forward_skipping` and :func:`update_skipping` take a few neighbouring inputs at a time, whose
rows of the weights stay in registers while the rows of the batch that the masks name go by:

    forward    z[b, :] += x[b, k] * w[k, :]     for each input k of the group, in order
    update     w[k, :] += x[b, k] * dz[b, :]    for each row b of the batch, in order

Neighbouring pixels are nonzero together, so little work is wasted, and one load of ``z[b]`` or
``dz[b]`` serves the whole group. An input that is zero adds an exact zero: the sums have the bits
of the dense tiles, which add in the same order.

Rows of weights are read once a 64 rows of the batch, from start to end, which the hardware
prefetches; ``z`` and ``dz`` of 64 rows stay in the first-level cache. Pixels are read as bytes and
looked up in a table of the 256 quotients by the scale, which costs less than a batch of floats does
on its way through the caches. The next batch's rows lie anywhere in memory: they are fetched
during the products, evenly, since the core keeps track of a few dozen requests at once: pixels
forward, and floats, which are more, one line of two forward and the others in the update.
"""

from __future__ import annotations

from typing import Any

from fastmlp.kernels.cache import compiled
from fastmlp.kernels.nonzeros import MASK_ROWS
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

# Inputs taken together, by the number of vectors of columns: enough for 8 multiply-adds that don't
# wait for each other, which is what the core has on the way. Forward, `z` is loaded and stored
# once a group, so a larger one pays there; but 16 registers have no room for it.
FORWARD_GROUP = {4: 4, 2: 4, 1: 8} if N_REGISTERS == 32 else {4: 2, 2: 4, 1: 4}
UPDATE_GROUP = {4: 2, 2: 4, 1: 8} if N_REGISTERS == 32 else {4: 2, 2: 4, 1: 4}


def _masked(vectors: int, is_update: bool) -> Any:
    """One pass over all inputs for up to 64 rows and `vectors` vectors of columns.

    `rows` is a table of the rows' addresses, `ahead` that of the next batch's. Pixels are looked up
    in `levels`; without levels, rows are of the network's dtype. Columns come in panels of 2
    vectors: `panel` is the distance between two panels, `w_row` that between two rows of a panel.
    """
    n_together = (UPDATE_GROUP if is_update else FORWARD_GROUP)[vectors]
    group, columns = range(n_together), range(vectors)

    def masked(
        v: Lanes,
        masks: Any, first_input: Any, last_input: Any,
        rows: Any, ahead: Any, levels: Any,
        w: Any, w_row: Any, panel: Any, scale: Any,
        z: Any, z_row: Any,
    ) -> None:  # fmt: skip
        b = v.builder
        scales = v.splat(scale)
        # A column of 4 vectors is two panels.
        starts = [v.at(w, (c % 2) * v.count, *([panel] if c >= 2 else [])) for c in columns]

        def mask_of(k: Any) -> Any:
            """The rows in which any input of the group is not zero."""
            at = b.add(masks, b.mul(k, constant(4)))
            mask = v.load(at, INT64)
            for pair in range(1, n_together // 2):
                mask = b.or_(mask, v.load(b.add(at, constant(8 * pair)), INT64))
            return mask

        def fetch_ahead(k: Any, x_size: int) -> None:
            """For each input of the group, a row's lines of 64 inputs: nearly all in the end."""
            entry = b.add(ahead, b.mul(b.and_(k, constant(MASK_ROWS - 1)), constant(8)))
            skipped = b.mul(b.and_(k, constant(-MASK_ROWS)), constant(x_size))
            for g in group:
                line = b.add(v.load(b.add(entry, constant(8 * g)), INT64), skipped)
                for i in range(0, MASK_ROWS * x_size, LINE)[int(is_update) :: 2]:
                    v.prefetch(b.add(line, constant(i)), level=2)

        def products(of_pixels: bool) -> None:
            x_size = 1 if of_pixels else v.size

            def value_of(at: Any) -> Any:
                """The input at an address, in each lane."""
                if of_pixels:
                    at = v.at(levels, b.zext(v.load(at, INT8), INT64))
                return v.broadcast(at)

            def of_group(k: Any, mask: Any) -> list[Any]:
                fetch_ahead(k, x_size)
                at = [
                    [v.at(start, b.mul(b.add(k, constant(g)), w_row)) for start in starts]
                    for g in group
                ]
                weights = [v.load(a) for row in at for a in row]
                if is_update:
                    weights = [b.fmul(scales, row) for row in weights]
                skipped = b.mul(k, constant(x_size))

                def of_row(mask: Any, *weights: Any) -> list[Any]:
                    lowest = v.call("llvm.cttz.i64", INT64, [mask, BOOL(1)])
                    z_at = v.at(z, b.mul(lowest, z_row))
                    x_at = b.add(v.load(b.add(rows, b.mul(lowest, constant(8))), INT64), skipped)
                    zs = [v.load(v.at(z_at, c * v.count)) for c in columns]
                    new = list(weights)
                    for g in group:
                        value = value_of(b.add(x_at, constant(g * x_size)))
                        for c in columns:
                            i = g * vectors + c
                            if is_update:
                                new[i] = v.fma(value, zs[c], weights[i])
                            else:
                                zs[c] = v.fma(value, weights[i], zs[c])
                    if not is_update:
                        for c in columns:
                            v.store(zs[c], v.at(z_at, c * v.count))
                    return [b.and_(mask, b.sub(mask, constant(1))), *new]

                # The end of the loop is mispredicted; the next mask is then at hand already.
                following = b.add(k, constant(n_together))
                next_mask = mask_of(following)
                _, *weights = v.loop(
                    [mask, *weights],
                    lambda mask, *_: b.icmp_unsigned("!=", mask, constant(0)),
                    of_row,
                )
                if is_update:
                    for a, value in zip((a for row in at for a in row), weights, strict=True):
                        v.store(value, a)
                return [following, next_mask]

            v.loop(
                [first_input, mask_of(first_input)],
                lambda k, _: b.icmp_signed("<", k, last_input),
                of_group,
            )

        with b.if_else(b.icmp_signed("!=", levels, constant(0))) as (if_pixels, if_floats):
            with if_pixels:
                products(of_pixels=True)
            with if_floats:
                products(of_pixels=False)

    return vector_op(masked)


_forward_4, _forward_2, _forward_1 = (_masked(n, is_update=False) for n in (4, 2, 1))
_update_4, _update_2, _update_1 = (_masked(n, is_update=True) for n in (4, 2, 1))


@vector_op
def _fill_rows(v: Lanes, z: Any, z_row: Any, rows: Any, n: Any, start: Any, one: Any) -> None:
    """``z[r, :n] = start[:n]``, `n` a multiple of the vector's length."""

    def row(r: Any) -> None:
        at = v.at(z, v.builder.mul(r, z_row))
        v.repeat(n, lambda i: v.store(v.load(v.at(start, i)), v.at(at, i)), step=v.count)

    v.repeat(rows, row)


@vector_op
def relu_rows(v: Lanes, z: Any, z_row: Any, rows: Any, n: Any, one: Any) -> None:
    """``z[r, :n] = relu(z[r, :n])`` in place, `n` a multiple of the vector's length."""

    def row(r: Any) -> None:
        at = v.at(z, v.builder.mul(r, z_row))
        v.repeat(n, lambda i: v.store(v.relu(v.load(v.at(at, i))), v.at(at, i)), step=v.count)

    v.repeat(rows, row)


@compiled
def forward_skipping(
    masks, masks_row, first_row, last_row, n_inputs, row_table, next_table, levels,
    weights, panel, bias, z, z_row, first, last, is_last, one,
):  # fmt: skip
    """Bias, product and ReLU of a layer: some rows, and vectors `first` to `last` of its columns.

    Computes :func:`fastmlp.reference.relu` of :func:`fastmlp.reference.matmul_bias` and writes
    that part of `z`: logits, without ReLU, if `is_last`. Addresses, and strides in elements;
    `masks_row` is the number of masks from 64 rows to the next ones. `n_inputs` is a multiple of 8,
    `first_row` one of 64. The tables hold the rows' addresses, and those of the next batch's; see
    :func:`_masked`.
    """
    size = itemsize(one)
    width = lanes(one)
    for start in range(first_row, last_row, MASK_ROWS):
        count = min(last_row - start, MASK_ROWS)
        masks_at = masks + start // MASK_ROWS * masks_row * 8
        rows_at, next_at = row_table + start * 8, next_table + start * 8
        c = first
        while c < last:
            z_at = z + (start * z_row + c * width) * size
            w_at = weights + ((c // 2) * panel + (c % 2) * width) * size
            # Whole panels together, if the first one is whole.
            n = 4 if c % 2 == 0 and last - c >= 4 else (2 if c % 2 == 0 and last - c >= 2 else 1)
            _fill_rows(z_at, z_row, count, n * width, bias + c * width * size, one)
            if n == 4:
                _forward_4(masks_at, 0, n_inputs, rows_at, next_at, levels,
                           w_at, 2 * width, panel, one, z_at, z_row)  # fmt: skip
            elif n == 2:
                _forward_2(masks_at, 0, n_inputs, rows_at, next_at, levels,
                           w_at, 2 * width, panel, one, z_at, z_row)  # fmt: skip
            else:
                _forward_1(masks_at, 0, n_inputs, rows_at, next_at, levels,
                           w_at, 2 * width, panel, one, z_at, z_row)  # fmt: skip
            if not is_last:
                relu_rows(z_at, z_row, count, n * width, one)
            c += n


@compiled
def update_skipping(
    masks, masks_row, rows, first_input, last_input, row_table, next_table, levels,
    weights, panel, decay, one, dz, dz_row, first, last,
):  # fmt: skip
    """``w = decay * w + x.T @ dz`` in place: some inputs, and vectors `first` to `last` of columns.

    Computes the weights of :func:`fastmlp.reference.update`; `dz` holds the gradient times
    ``-learning_rate``, so no gradient of the weights is ever stored. The tables and
    `levels` are those of :func:`forward_skipping`.
    """
    size = itemsize(one)
    width = lanes(one)
    for start in range(0, rows, MASK_ROWS):
        masks_at = masks + start // MASK_ROWS * masks_row * 8
        rows_at, next_at = row_table + start * 8, next_table + start * 8
        scale = decay if start == 0 else one
        c = first
        while c < last:
            dz_at = dz + (start * dz_row + c * width) * size
            w_at = weights + ((c // 2) * panel + (c % 2) * width) * size
            n = 4 if c % 2 == 0 and last - c >= 4 else (2 if c % 2 == 0 and last - c >= 2 else 1)
            if n == 4:
                _update_4(masks_at, first_input, last_input, rows_at, next_at, levels,
                          w_at, 2 * width, panel, scale, dz_at, dz_row)  # fmt: skip
            elif n == 2:
                _update_2(masks_at, first_input, last_input, rows_at, next_at, levels,
                          w_at, 2 * width, panel, scale, dz_at, dz_row)  # fmt: skip
            else:
                _update_1(masks_at, first_input, last_input, rows_at, next_at, levels,
                          w_at, 2 * width, panel, scale, dz_at, dz_row)  # fmt: skip
            c += n
