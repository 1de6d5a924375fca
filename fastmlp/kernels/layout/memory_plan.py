"""The memory plan: allocates every buffer of a training, and writes the records that kernels read.

Parameters are packed while they are trained; see `packing`.

Threads divide a layer by columns. A layer with fewer vectors of columns than there are threads is
not divided: each thread keeps a copy of it and does all of its work, which takes less time than
passing results from core to core. The exception is the first layer in large batches: threads then
divide the rows of the batch in the forward pass, and the inputs, that is the rows of the weights,
in the update. `by_inputs` has a second way to divide a first layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from fastmlp.kernels.codegen.buffers import LINE, PAGE, address_of, aligned, rounded_up, row_stride
from fastmlp.kernels.codegen.numba_types import WORD
from fastmlp.kernels.codegen.registers import VECTOR_BYTES
from fastmlp.kernels.codegen.simd import SUM_LANES
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.blocking import (
    LONGEST_GROUP,
    MASK_ROWS,
    ROWS_PER_SUM,
    STRIP_VECTORS,
    SUMMED_VECTORS,
    SUMS_PANEL,
    TILE_ROWS,
    part_length,
)
from fastmlp.kernels.layout.packing import Packed, padded_rows

Array = np.ndarray

SHARED_ROWS = 64  # smallest batch in which a layer may be divided by rows
THREAD_ROWS = 32  # rows of such a batch that justify one more thread


def useful_threads(weights: Sequence[Array], batch_rows: int) -> int:
    """The largest number of threads that have work: columns of the widest layer, or rows."""
    n_lanes = VECTOR_BYTES // weights[0].dtype.itemsize
    widest = max(-(-w.shape[1] // n_lanes) for w in weights)
    return max(widest, batch_rows // THREAD_ROWS if batch_rows >= SHARED_ROWS else 1)


class Plan:
    """The buffers of one network and one batch size, and the records that hold their addresses.

    Parameters
    ----------
    weights, biases : sequence of ndarray
        Shapes (n_in, n_out) and (1, n_out), of one dtype, float32 or float64.
    batch_rows : int
        Rows of the largest batch.
    n_threads : int
        Threads that will train the network; 0 for a network that only predicts.
    n_states : int
        Arrays of state that the optimiser keeps for each parameter.
    are_apart : sequence of bool
        For each layer: whether what its slope is computed from needs a buffer of its own.
    takes_parts : bool
        Whether batches are processed in parts; see `batch_parts`.

    Attributes
    ----------
    n_features, n_outputs : int
    works : ndarray of shape (n_threads,)
        WORK records.
    layers : ndarray of shape (n_threads, n_layers)
        LAYER records.
    """

    def __init__(
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        batch_rows: int,
        n_threads: int,
        n_states: int = 0,
        are_apart: Sequence[bool] = (),
        takes_parts: bool = False,
    ) -> None:
        weights = [w.view() for w in weights]  # views, whose shape the caller can't change
        if any(w.shape[1] != above.shape[0] for w, above in pairwise(weights)):
            raise ValueError(f"weights of shapes {[w.shape for w in weights]} don't fit together")
        self.n_features, self.n_outputs = weights[0].shape[0], weights[-1].shape[1]
        self.dtype = weights[0].dtype
        self.n_lanes = VECTOR_BYTES // self.dtype.itemsize
        self.n_states = n_states
        self.n_copies = max(1, n_threads)
        self.takes_parts = takes_parts
        n_parts = -(-batch_rows // ROWS_PER_SUM) if takes_parts else 0
        part_rows = ROWS_PER_SUM if takes_parts else batch_rows
        self.works = at.WORK.rows(self.n_copies)
        self._first_work = address_of(self.works)
        self.layers = at.LAYER.rows(self.n_copies, len(weights))
        self._kept: dict[Any, Array] = {}
        self.packed = Packed(self.dtype, self.n_copies, n_states)
        for i, w in enumerate(weights):
            is_apart = bool(are_apart) and are_apart[i]
            self._lay_out(i, w, part_rows, n_threads > 0, is_apart)
            if takes_parts:
                self._lay_out_sums(i, n_parts)
        self.packed.write(weights, biases)
        self._lay_out_batch(weights[0].shape[0], part_rows)
        self._lay_out_losses(batch_rows)
        widest = rounded_up(max(max(w.shape) for w in weights), self.n_lanes)
        self.put("zeros", aligned(widest, self.dtype))
        self.works["thread"] = range(self.n_copies)
        self.works["part_rows"] = part_rows
        self.works["n_threads"] = 1
        self.works["first_work"] = self._first_work
        self.works["layers"] = self.addresses(self.layers)
        self.works["n_layers"] = len(weights)

    def put(self, field: str, array: Array) -> Array:
        """Write the address of `array` to all threads' records, and keep the array alive."""
        self._kept[field] = array
        self.works[field] = address_of(array)
        return array

    def take(self, field: str) -> None:
        """Drop an array given to `put`, and its address."""
        self._kept.pop(field, None)
        self.works[field] = 0

    def put_each(self, field: str, arrays: Array) -> Array:
        """Write the address of ``arrays[i]`` to thread i's record, and keep the arrays alive."""
        self._kept[field] = arrays
        self.works[field] = self.addresses(arrays)
        return arrays

    def kept(self, field: str | tuple[str, int]) -> Array:
        """Return the array given to `put` or `put_each`."""
        return self._kept[field]

    @property
    def n_bytes(self) -> int:
        """Bytes of all buffers."""
        return sum(array.nbytes for array in self._kept.values())

    def work(self, thread: int) -> int:
        """Address of a thread's record."""
        return self._first_work + thread * at.WORK.size

    def set_row_unit(self, skips: bool) -> None:
        """Have threads divide rows in whole tiles, or in whole masks if zeros are skipped."""
        self.layers["row_unit"] = TILE_ROWS
        if skips:
            self.layers[:, 0]["row_unit"] = MASK_ROWS

    def outputs(self, layer: int) -> Array:
        """A layer's buffer of outputs, (batch_rows, stride), after a prediction."""
        return self._kept["outputs", layer][0, 0]

    def clear_squares(self, n_epochs: int) -> None:
        """Set the layers' sums of squared weights to zero: one row for each epoch."""
        for i in range(self.layers.shape[1]):
            known = self._kept.get(("squares", i))
            if known is not None and len(known) == n_epochs:
                known[...] = 0
                continue
            layer = self.layers[:, i]
            n_columns = rounded_up(int(layer["n_vectors"][0]), 2) * self.n_lanes  # whole panels
            known = self._kept["squares", i] = aligned((n_epochs, n_columns), self.dtype)
            is_shared = layer["sharing"] == at.BY_COLUMNS
            layer["squares"] = np.where(is_shared, known.ctypes.data, 0)
            layer[0]["squares"] = known.ctypes.data

    def squares_by_columns(self) -> list[Array]:
        """Views of what the kernels have added up in a single epoch, an array for each layer."""
        n_columns = self.layers[0]["n_out"]
        return [self._kept["squares", i][0, :n] for i, n in enumerate(n_columns)]

    def squares(self) -> Array:
        """The sum of squares of all weights in each epoch, as accumulated by the kernels."""
        with np.errstate(over="ignore", invalid="ignore"):  # the loss shows that a run has diverged
            sums = [
                self._kept["squares", i].sum(axis=1, dtype=np.float64)
                for i in range(self.layers.shape[1])
            ]
            return np.sum(sums, axis=0)

    @staticmethod
    def addresses(arrays: Array) -> list[int]:
        """Addresses of ``arrays[i]``."""
        return [arrays.ctypes.data + i * arrays.strides[0] for i in range(len(arrays))]

    def _lay_out(
        self, i: int, w: Array, batch_rows: int, is_training: bool, is_apart: bool
    ) -> None:
        n_in, n_out = w.shape
        layer = self.layers[:, i]
        is_last = i == self.layers.shape[1] - 1
        n_vectors = rounded_up(n_out, self.n_lanes) // self.n_lanes
        layer["depth"] = i + 1
        layer["n_in"], layer["n_out"], layer["n_vectors"] = n_in, n_out, n_vectors
        layer["n_in_padded"], layer["n_in_updated"] = padded_rows(n_in, self.n_lanes), n_in
        layer["n_in_part"], layer["n_out_part"] = part_length(n_in), part_length(n_out)
        layer["n_vectors_below"] = rounded_up(n_in, self.n_lanes) // self.n_lanes
        sharing = at.NOT_SHARED
        if self.takes_parts:
            pass  # threads divide the batch into parts, not the layers
        elif n_vectors >= self.n_copies:
            sharing = at.BY_COLUMNS
        elif i == 0 and batch_rows >= SHARED_ROWS:
            sharing = at.BY_ROWS
        layer["sharing"] = sharing
        n_own = self.n_copies if sharing == at.NOT_SHARED else 1
        # Sums over the last layer's units run over 16 lanes at a time.
        stride = row_stride(rounded_up(n_out, SUM_LANES) if is_last else n_out, self.dtype.itemsize)
        n_turns = 2 if is_training else 1
        layer["unit_row"] = stride
        layer["outputs_block"] = batch_rows * stride if n_turns > 1 else 0

        parameters = self.packed.add(n_in, n_out, n_own > 1, is_training and i > 0)
        weights = parameters["weights"]
        layer["weights_panel"], layer["weights_state"] = weights[0, 0, 0].size, weights[0, 0].size
        layer["bias_state"] = parameters["bias"][0, 0].size
        if "transposed" in parameters:
            layer["transposed_panel"] = parameters["transposed"][0, 0, 0].size
        for name, buffer in parameters.items():
            layer[f"{name}_words"] = buffer[0].nbytes // WORD
        buffers = dict(parameters)
        buffers["slopes"] = aligned((n_own, n_turns, batch_rows, stride), self.dtype)
        buffers["outputs"] = buffers["slopes"]
        if is_apart:
            buffers["outputs"] = aligned(buffers["slopes"].shape, self.dtype)
        if is_training:
            # Every thread needs, and computes, the whole gradient with respect to the logits, and
            # likewise for the outputs of a layer that is not divided by columns.
            n_gradients = 1 if sharing == at.BY_COLUMNS and not is_last else self.n_copies
            buffers["gradient"] = aligned((n_gradients, batch_rows, stride), self.dtype)
        for name, buffer in buffers.items():
            self._kept[name, i] = buffer
            layer[name] = self.addresses(buffer) if len(buffer) > 1 else buffer.ctypes.data
        if i > 0:
            below = self.layers[:, i - 1]
            for field, source in (("inputs", "outputs"), ("inputs_row", "unit_row"),
                                  ("inputs_block", "outputs_block")):  # fmt: skip
                layer[field] = below[source]
            layer["below"] = self.addresses(below)

    def _lay_out_batch(self, n_features: int, batch_rows: int) -> None:
        stride = row_stride(n_features, self.dtype.itemsize)
        self.works["input_row"] = stride
        self.put_each("total", aligned((self.n_copies, LINE // self.dtype.itemsize), self.dtype))
        self.works["n_features"] = n_features
        # Blocks are some cache lines longer than whole pages: if they were a multiple of a page
        # apart, the second thread would take a tenth longer to read its own.
        page, line = (n // self.dtype.itemsize for n in (PAGE, LINE))
        block = rounded_up(batch_rows * stride, page) + 17 * line
        blocks = self.put_each("input", aligned((self.n_copies, block), self.dtype))
        first = self.layers[:, 0]
        first["inputs"], first["inputs_row"] = self.works["input"], stride
        # Masks are loaded one group ahead, hence the extra ones behind the last group. They are
        # written for a whole vector of pixels at a time.
        n_masks = (rounded_up(n_features, LINE) + LONGEST_GROUP) // 2
        n_masked = rounded_up(batch_rows, MASK_ROWS)
        self.put_each("masks", aligned((self.n_copies, n_masked // MASK_ROWS, n_masks), np.int64))
        self.works["masks_row"] = n_masks
        part = rounded_up(n_masks, LINE)
        self.put_each("found", aligned((self.n_copies, MASK_ROWS // 8 * part), np.uint8))
        self.works["found_part"] = part
        # If rows are copied to the blocks, the tables always point there.
        rows = np.minimum(np.arange(n_masked), batch_rows - 1) * stride * self.dtype.itemsize
        for field in ("row_table", "next_table"):
            self.put_each(field, np.add.outer(self.addresses(blocks), rows))
        self.put_each("held", aligned((self.n_copies, batch_rows), np.int64))
        sums = (SUMMED_VECTORS // 2 + 1) * SUMS_PANEL
        n_sums = max(sums, MASK_ROWS * STRIP_VECTORS) * self.n_lanes
        self.put_each("sums", aligned((self.n_copies, n_sums), self.dtype))
        self.put_each(
            "squares", aligned((self.n_copies, SUMMED_VECTORS * self.n_lanes), self.dtype)
        )

    def _lay_out_losses(self, batch_rows: int) -> None:
        """Losses of a batch's rows: one buffer per thread, or two shared ones used in turn."""
        n_losses = rounded_up(batch_rows, SUM_LANES)
        if self.takes_parts:
            self.works["row_losses_turn"] = n_losses
            self.put("row_losses", aligned((2, n_losses), self.dtype))
        else:
            self.put_each("row_losses", aligned((self.n_copies, n_losses), self.dtype))

    def _lay_out_sums(self, i: int, n_parts: int) -> None:
        """Buffers for the gradient sums of a batch's parts: two blocks used in turn."""
        layer = self.layers[:, i]
        size = int(layer["weights_state"][0] + layer["bias_state"][0])
        sums = self._kept["sums", i] = aligned((2, n_parts, size), self.dtype)
        layer["sums"], layer["sums_part"], layer["sums_turn"] = sums.ctypes.data, size, sums[0].size
