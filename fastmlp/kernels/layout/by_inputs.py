"""Shares a first layer that skips zeros by its inputs: the records of threads that divide it so.

By columns, each thread walks through all inputs that are not zero, for its own units: what is done
once for each input is done by every thread, and few columns make short loops. By inputs, a thread
owns some parts of the first layer's sums, and the weights of their inputs; but then threads have to
hand each other their sums. Which of the two is faster depends on the processor and on the layer, so
it is measured (`autotune`). The bits are the same, as the parts of a sum are.

So there are two tables of layers, and each stretch of steps uses one of them. In the second one,
all threads have the first thread's weights of the first layer, and its outputs and gradients of all
layers, of which each thread computes its own rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastmlp.kernels.codegen.buffers import aligned, rounded_up, row_stride
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.blocking import TILE_HEIGHTS, part_length
from fastmlp.kernels.layout.memory_plan import Plan

Array = np.ndarray
MOST_SUMS = 1 << 19  # elements in the sums of all parts: more don't stay in the caches


def most_threads(weights: Sequence[Array], batch_rows: int) -> int:
    """The largest number of threads for which the first layer's inputs have parts; 1 if none."""
    n_in, n_out = weights[0].shape
    n_parts = -(-n_in // part_length(n_in))
    is_small = n_parts * batch_rows * row_stride(n_out, weights[0].itemsize) <= MOST_SUMS
    return n_parts if is_small else 1


class ByInputs:
    """The second table of a plan, and the memory through which threads exchange their sums.

    Parameters
    ----------
    plan : Plan
        Of a training that skips zeros.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._layers = at.LAYER.rows(*plan.layers.shape)
        first = plan.layers[0, 0]
        n_parts = -(-first["n_in"] // first["n_in_part"])
        self._sums = aligned((n_parts, *plan.kept(("slopes", 0)).shape[2:]), plan.dtype)
        n_columns = rounded_up(int(first["n_vectors"]), 2) * plan.n_lanes  # whole panels
        self._squares = aligned((2 * n_parts, n_columns), plan.dtype)
        self._is_used = False

    def use(self, by_inputs: bool) -> None:
        """Have the next steps use the second table, or the first one."""
        if not (by_inputs or self._is_used):
            return
        self._is_used = by_inputs
        plan = self._plan
        losses = plan.kept("row_losses")
        plan.works["row_losses"] = losses.ctypes.data if by_inputs else plan.addresses(losses)
        plan.works["layers"] = plan.addresses(self._table() if by_inputs else plan.layers)

    def _table(self) -> Array:
        layers = self._layers
        layers[:] = self._plan.layers
        layers["has_own_rows"], layers["row_unit"] = 1, TILE_HEIGHTS[1]
        for field in ("slopes", "outputs", "gradient"):
            layers[field] = layers[0][field]
        layers[:, 1:]["inputs"] = layers[0, 1:]["inputs"]
        layers[:, 1:]["below"] = self._below()
        first: Any = layers[:, 0]
        first["sharing"] = at.BY_INPUTS
        for field in ("weights", "bias"):
            first[field] = first[field][0]
        first["sums"], first["sums_part"] = self._sums.ctypes.data, self._sums[0].size
        first["part_squares"] = self._squares.ctypes.data
        first["part_squares_row"] = self._squares.shape[1]
        return layers

    def _below(self) -> Array:
        """Addresses of the layers below each one but the first."""
        n_threads, n_layers = self._layers.shape
        records = np.arange(n_threads * n_layers).reshape(n_threads, n_layers)[:, :-1]
        return self._layers.ctypes.data + records * at.LAYER.size
