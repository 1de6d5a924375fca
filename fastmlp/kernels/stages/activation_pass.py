"""Applies dropout, and activations that are not part of a product's tiles.

Each is a pass over rows that have just been written, and are still in the cache. It is fast because
dropout's bits are hashes, computed a vector at a time from the indices of row and unit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir

from fastmlp.kernels.codegen.cache import key_on
from fastmlp.kernels.codegen.kernel import kernel
from fastmlp.kernels.codegen.numba_types import View
from fastmlp.kernels.codegen.simd import INT32, Lanes, constant
from fastmlp.kernels.codegen.vector_op import itemsize, lanes, vector_op
from fastmlp.kernels.layout.partition import (
    first_row,
    first_row_back,
    first_vector,
    last_row,
    last_row_back,
    last_vector,
)
from fastmlp.kernels.layout.records import layer_at, step_at, work_at
from fastmlp.reference.dropout import LAST_SHIFT, LAYER, ROUNDS, ROW, UNIT

key_on(dropout_hash=(LAYER, ROW, UNIT, ROUNDS, LAST_SHIFT))


def _mix(builder: Any, x: Any) -> Any:
    """:func:`fastmlp.reference.dropout.mix`, of one 32-bit integer or a vector of them."""

    def constant_of(value: int) -> Any:
        count = getattr(x.type, "count", None)
        return ir.Constant(x.type, [value] * count if count else value)

    for shift, factor in ROUNDS:
        shifted = builder.lshr(x, constant_of(shift))
        x = builder.mul(builder.xor(x, shifted), constant_of(factor))
    return builder.xor(x, builder.lshr(x, constant_of(LAST_SHIFT)))


class _Dropout:
    """Emits masks of the units that a step keeps; `key` is the step's hash."""

    def __init__(self, v: Lanes, work: Any, layer: Any, key: Any) -> None:
        b = v.builder
        self.v, self.scale = v, v.broadcast(work.dropout_scale)
        self.integers = ir.VectorType(INT32, v.count)
        of_layer = b.mul(b.trunc(layer.depth, INT32), ir.Constant(INT32, LAYER))
        self.of_layer = _mix(b, b.xor(b.trunc(key, INT32), of_layer))
        self.threshold = v.splat(b.trunc(work.dropout_threshold, INT32), self.integers)

    def row(self, row: Any) -> Any:
        b = self.v.builder
        offset = b.mul(b.trunc(row, INT32), ir.Constant(INT32, ROW))
        return self.v.splat(_mix(b, b.add(self.of_layer, offset)), self.integers)

    def keeps(self, of_row: Any, first_unit: Any) -> Any:
        """A mask of the vector of units from `first_unit` on."""
        b = self.v.builder
        units = ir.Constant(self.integers, list(range(self.v.count)))
        units = b.add(units, self.v.splat(b.trunc(first_unit, INT32), self.integers))
        factor = ir.Constant(self.integers, [UNIT] * self.v.count)
        of_unit = _mix(b, b.xor(of_row, b.mul(units, factor)))
        return b.icmp_unsigned(">=", of_unit, self.threshold)


class Patch(NamedTuple):
    """Some rows and some units; `first_row` counts from the batch's first row, not the part's."""

    first_row: Any
    n_rows: Any
    first_unit: Any
    n_units: Any


def _each_vector(
    v: Lanes, work: Any, layer: Any, key: Any, of: Patch, views: tuple[View, View],
    visit: Callable[[Any, Any, Callable[[Any], Any] | None], None],
) -> None:  # fmt: skip
    """Emit ``visit(address, other address, drop)`` for each vector of a patch in two matrices.

    ``drop(x)`` emits dropout of a vector x of these units. It is None for steps without dropout:
    loops for both cases are emitted, and one is chosen at run time.
    """
    b = v.builder

    def emit(dropout: _Dropout | None) -> None:
        def row(r: Any) -> None:
            places = [v.at(view.address, b.mul(r, view.row)) for view in views]
            of_row = dropout.row(b.add(of.first_row, r)) if dropout else None

            def vector(i: Any) -> None:
                drop = None
                if dropout:
                    kept = dropout.keeps(of_row, b.add(of.first_unit, i))

                    def drop(x: Any) -> Any:
                        return b.select(kept, b.fmul(x, dropout.scale), v.full(0.0))

                visit(v.at(places[0], i), v.at(places[1], i), drop)

            v.repeat(of.n_units, vector, step=v.count)

        v.repeat(of.n_rows, row)

    drops = b.icmp_signed("!=", work.dropout_threshold, constant(0))
    with b.if_else(drops) as (if_dropout, if_none):
        with if_dropout:
            emit(_Dropout(v, work, layer, key))
        with if_none:
            emit(None)


@vector_op
def _function_rows(
    v: Lanes, work: Any, layer: Any, key: Any, of: Patch, z: View, out: View,
    activation: Any, dtype: Any,
) -> None:  # fmt: skip
    """``out = dropout(f(z))`` of a patch; ``z = f(z)`` too if the slope is computed from that."""

    def visit(z_at: Any, out_at: Any, drop: Callable[[Any], Any] | None) -> None:
        a = activation.function(v, v.load(z_at))
        if drop:
            if activation.of_output:
                v.store(a, z_at)
            a = drop(a)
        v.store(a, out_at)

    _each_vector(v, work, layer, key, of, (z, out), visit)


@vector_op
def _slope_rows(
    v: Lanes, work: Any, layer: Any, key: Any, of: Patch, slopes: View, gradient: View,
    activation: Any, dtype: Any,
) -> None:  # fmt: skip
    """Multiply a patch of the gradient by dropout's factors and activation's slope, in place."""

    def visit(a_at: Any, g_at: Any, drop: Callable[[Any], Any] | None) -> None:
        g = v.load(g_at)
        g = drop(g) if drop else g
        v.store(v.builder.fmul(g, activation.slope(v, v.load(a_at))), g_at)

    _each_vector(v, work, layer, key, of, (slopes, gradient), visit)


@kernel
def activate(work, layer, dtype, activation):
    """Compute a thread's own part of a layer's outputs, after dropout, from its pre-activations.

    Computes an entry of :data:`fastmlp.reference.ACTIVATIONS` and
    :func:`fastmlp.reference.keep_mask`.
    """
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(dtype), lanes(dtype)
    first, start = first_vector(work, layer) * width, first_row(work, layer)
    n_units = last_vector(work, layer) * width - first
    of_batch = work.part * work.part_rows + start
    patch = Patch(of_batch, last_row(work, layer) - start, first, n_units)
    skipped = (work.turn * layer.outputs_block + start * layer.unit_row + first) * size
    z, out = layer.slopes + skipped, layer.outputs + skipped
    key = step_at(work.steps + work.step * work.steps_row).dropout_key
    _function_rows(work, layer, key, patch, View(z, layer.unit_row, 1),
                   View(out, layer.unit_row, 1), activation, dtype)  # fmt: skip


@kernel
def slope(work, layer, dtype, activation):
    """Turn a thread's part of the gradient to outputs into that to pre-activations."""
    work, layer = work_at(work), layer_at(layer)
    size, width = itemsize(dtype), lanes(dtype)
    first, start = first_vector(work, layer) * width, first_row_back(work, layer)
    n_units = last_vector(work, layer) * width - first
    of_batch = work.part * work.part_rows + start
    patch = Patch(of_batch, last_row_back(work, layer) - start, first, n_units)
    skipped = start * layer.unit_row + first
    slopes = layer.slopes + (work.turn * layer.outputs_block + skipped) * size
    gradient = layer.gradient + skipped * size
    key = step_at(work.steps + work.step * work.steps_row).dropout_key
    _slope_rows(work, layer, key, patch, View(slopes, layer.unit_row, 1),
                View(gradient, layer.unit_row, 1), activation, dtype)  # fmt: skip
