"""Packs parameters into the layout that kernels read and write.

* Weights lie in panels. A panel holds 2 vectors of columns, row after row, so that a tile reads its
  weights sequentially however large the layer is. An optimiser's states have the same layout, at a
  constant distance behind the weights.
* Columns are padded with zeros to whole vectors, rows to a multiple of a vector's length. The
  weights and gradient of a padded unit are zero and stay zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from llvmlite import ir

from fastmlp.checks.own import copied
from fastmlp.kernels.codegen.brief import is_finite
from fastmlp.kernels.codegen.buffers import aligned, rounded_up
from fastmlp.kernels.codegen.kernel import kernel
from fastmlp.kernels.codegen.registers import VECTOR_BYTES
from fastmlp.kernels.codegen.simd import Lanes, constant
from fastmlp.kernels.codegen.vector_op import Integer, lanes, vector_op
from fastmlp.kernels.layout.blocking import LONGEST_GROUP
from fastmlp.kernels.layout.records import layer_at, work_at

Array = np.ndarray


def padded_rows(n: int, n_lanes: int) -> int:
    """How many rows `n` rows of weights take, padding included."""
    return rounded_up(n, max(n_lanes, LONGEST_GROUP))


class Packed:
    """The buffers of weights, biases and states of a network's layers.

    Parameters
    ----------
    dtype : dtype
    n_copies : int
        Threads, each of which may have its own copy of a layer; this class reads and writes the
        first copy.
    n_states : int
        Arrays of state that the optimiser keeps for each parameter.
    """

    def __init__(self, dtype: np.dtype, n_copies: int, n_states: int) -> None:
        self._dtype, self._n_copies, self._n_states = dtype, n_copies, n_states
        self._n_lanes = VECTOR_BYTES // dtype.itemsize
        self._layers: list[dict[str, Array]] = []

    def add(
        self, n_in: int, n_out: int, are_copied: bool, with_transposed: bool
    ) -> dict[str, Array]:
        """Make buffers for the next layer.

        Returns
        -------
        dict of ndarray
            `weights` of shape (copies, 1 + n_states, panels, rows, 2 vectors), `bias` of shape
            (copies, 1 + n_states, columns), and `transposed` like weights without states.
        """
        n_own = self._n_copies if are_copied else 1
        n_columns = rounded_up(n_out, self._n_lanes)
        buffers = {
            "weights": self._panels((n_own, 1 + self._n_states), n_in, n_out),
            "bias": aligned((n_own, 1 + self._n_states, n_columns), self._dtype),
        }
        if with_transposed:
            buffers["transposed"] = self._panels((n_own, 1), n_out, n_in)
        self._layers.append(buffers)
        return buffers

    def write(
        self, weights: Sequence[Array], biases: Sequence[Array], state: int | None = None
    ) -> None:
        """Copy weights and biases into the buffers.

        With `state`, write them as the optimiser's state of that index instead.
        """
        place = 0 if state is None else 1 + state
        for packed, w, b in zip(self._layers, weights, biases, strict=True):
            for panel, columns in self._by_panels(packed["weights"][0, place], w):
                panel[:] = columns
            if state is None and "transposed" in packed:
                for panel, columns in self._by_panels(packed["transposed"][0, 0], w.T):
                    panel[:] = columns
            packed["bias"][0, place, : b.size] = b.ravel()

    def is_finite(self) -> bool:
        """Return whether weights and biases are finite."""
        return all(
            is_finite(buffers[name][0, 0])
            for buffers in self._layers
            for name in ("weights", "bias")
        )

    def clear_states(self) -> None:
        """Set the states to 0."""
        for buffers in self._layers:
            for name in ("weights", "bias"):
                buffers[name][0, 1:] = 0

    def read(
        self, weights: Sequence[Array], biases: Sequence[Array], state: int | None = None
    ) -> None:
        """Copy weights and biases, or one of their states, out of the buffers, in place."""
        place = 0 if state is None else 1 + state
        for packed, w, b in zip(self._layers, weights, biases, strict=True):
            for panel, columns in self._by_panels(packed["weights"][0, place], w):
                columns[:] = panel
            b[...] = packed["bias"][0, place, : b.size].reshape(b.shape)

    def snapshot(self) -> list[Array]:
        """Copy all buffers, packed as they are."""
        return [copied(buffer) for buffers in self._layers for buffer in buffers.values()]

    def restore(self, snapshot: list[Array]) -> None:
        """Go back to a snapshot."""
        current = (buffer for buffers in self._layers for buffer in buffers.values())
        for buffer, values in zip(current, snapshot, strict=True):
            buffer[...] = values

    def _panels(self, before: tuple[int, int], n_rows: int, n_columns: int) -> Array:
        width = 2 * self._n_lanes
        n_panels = rounded_up(n_columns, width) // width
        shape = (*before, n_panels, padded_rows(n_rows, self._n_lanes), width)
        return aligned(shape, self._dtype)

    def _by_panels(self, panels: Array, w: Array) -> Iterator[tuple[Array, Array]]:
        """Pairs of views of the same shape: panels without padding, and their columns of `w`."""
        (n_rows, n_columns), width = w.shape, 2 * self._n_lanes
        n_whole = n_columns // width
        whole = w[:, : n_whole * width].reshape(n_rows, n_whole, width)  # a view of w
        yield panels[:n_whole, :n_rows], whole.transpose(1, 0, 2)
        if n_columns % width:
            yield panels[n_whole, :n_rows, : n_columns % width], w[:, n_whole * width :]


@vector_op
def _pack_rows(
    v: Lanes, source: Any, n_rows: Any, n_columns: Any, out: Any, panel: Any, dtype: Any
) -> Integer:
    """Copy `source` (n_rows, n_columns) to panels; return 0 if all of it is finite."""
    b = v.builder
    width = constant(2 * v.count)

    def copy(value: Any, to: Any, found: Any) -> Any:
        v.store(value, to)
        # x - x is 0, whose bits are all 0, if x is finite; else it is NaN.
        return b.or_(found, b.bitcast(b.fsub(value, value), v.integers))

    def row(r: Any, found: Any) -> list[Any]:
        start = v.at(source, b.mul(r, n_columns))

        def whole_panel(rest: Any, at: Any, to: Any, found: Any) -> list[Any]:
            for vector in range(2):
                offset = vector * v.count
                found = copy(v.load(v.at(at, offset)), v.at(to, offset), found)
            return [b.sub(rest, width), v.at(at, width), v.at(to, panel), found]

        def vector(rest: Any, at: Any, to: Any, found: Any) -> list[Any]:
            value = v.load_masked(at, v.below(rest), v.vector)
            found = copy(value, to, found)
            return [b.sub(rest, constant(v.count)), v.at(at, v.count), v.at(to, v.count), found]

        at_row = [n_columns, start, v.at(out, b.mul(r, width)), found]
        at_row = v.loop(at_row, lambda rest, *_: b.icmp_signed(">=", rest, width), whole_panel)
        at_row = v.loop(at_row, lambda rest, *_: b.icmp_signed(">", rest, constant(0)), vector)
        return [at_row[-1]]

    nothing = ir.Constant(v.integers, [0] * v.count)
    (found,) = v.repeat(n_rows, row, initial=[nothing])
    return v.bits(b.icmp_unsigned("!=", found, nothing))


@kernel
def pack(work, layer, dtype):
    """Pack a layer's parameters if new ones were given, and record whether any is not finite.

    Same result as `Packed.write`. It is fast because it reads the arrays in place and only once,
    which is most of the time that predicting a single row takes.
    """
    work, layer = work_at(work), layer_at(layer)
    if layer.given != 0:
        n_in, n_out = layer.n_in, layer.n_out
        found = _pack_rows(layer.given, n_in, n_out, layer.weights, layer.weights_panel, dtype)
        found |= _pack_rows(layer.given_bias, 1, n_out, layer.bias, 2 * lanes(dtype), dtype)
        work.not_finite |= found
        layer.given = 0
