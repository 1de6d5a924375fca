"""Where everything lies while a network is trained: the plan that Python lays out for kernels.

Kernels get one integer, the address of a table of integers: sizes, and addresses of buffers. One
compiled function so serves any number of layers of any sizes. Weights are *packed* while they are
trained (:meth:`Plan.pack`), and written back (:meth:`Plan.unpack`):

* In panels of 2 vectors of columns, each with its rows one after the other. A tile then reads the
  weights from start to end, whatever their number.
* Columns are padded with zeros to whole vectors, rows to whole squares of a vector's length. A
  padded unit's weights, activation and gradient are zero and stay zero.
* Rows of activations are an odd number of cache lines apart, since a power of two would have the
  rows of a batch contend for the same few places of the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastmlp.kernels.simd import LINE, VECTOR_BYTES
from fastmlp.kernels.skip import MASK_ROWS, WORD_ROWS

# Fields of a plan's table. For each layer, a table of its own follows; see LAYER.
(
    N_LAYERS,
    LAYERS,  # address of the first layer's table
    X,  # address of X; of its values, if it is CSR
    X_KIND,  # see fastmlp.kernels.gather
    X_INDICES,
    X_INDPTR,
    ORDER,  # int64 row numbers of X in the order of training
    N_ROWS,  # in ORDER
    LABELS,  # int64, in X's order
    BATCH_ROWS,
    IS_SKIPPING,
    INPUT,  # a block of BATCH_ROWS rows for each thread
    INPUT_ROW,  # elements
    INPUT_BLOCK,  # elements
    WORDS,  # a block of mask words for each thread, one word for 32 rows and an input
    WORDS_BLOCK,  # bytes
    NO_WORDS,  # mask words of no rows
    ZEROS,  # as many as the widest layer has units
    ONES,
    CHOSEN,  # predicted probability of each row's label
    TEAM,  # see fastmlp.kernels.team
    OUT,  # probabilities, for prediction
    PLAN_FIELDS,
) = range(23)

# Fields of a layer's table.
(
    N_IN,
    N_IN_PADDED,  # rows of a panel
    N_OUT,
    N_VECTORS,  # of columns
    WEIGHTS,
    WEIGHTS_PANEL,  # elements
    TRANSPOSED,  # the weights' transpose in panels, or 0: the first layer needs none
    TRANSPOSED_PANEL,
    TRANSPOSED_VECTORS,
    BIAS,
    ACTIVATION,  # two blocks, used in turn; logits, in the last layer
    ACTIVATION_BLOCK,  # elements
    GRADIENT,  # of the loss by the logits, times the step's rate
    UNIT_ROW,  # elements from one row to the next, in ACTIVATION and GRADIENT
    LAYER_FIELDS,
) = range(15)


def aligned(shape: int | tuple[int, ...], dtype: Any) -> np.ndarray:
    """Zeros that start at a cache line: vectors that straddle two lines cost twice."""
    dtype = np.dtype(dtype)
    n_bytes = int(np.prod(shape)) * dtype.itemsize
    raw = np.zeros(n_bytes + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + n_bytes].view(dtype).reshape(shape)


def row_stride(n: int, itemsize: int) -> int:
    """Elements from row to row: an odd number of cache lines with room for `n`."""
    return (-(-n * itemsize // LINE) | 1) * LINE // itemsize


class Plan:
    """The buffers of one network and one batch size, and the table that tells kernels of them.

    Parameters
    ----------
    weights, biases : sequence of ndarray
        Shapes (n_in, n_out) and (1, n_out), of one dtype, float32 or float64.
    batch_rows : int
        Rows of the largest batch.
    n_threads : int
        Threads that will train the network; 0 if it is to predict only.
    """

    def __init__(
        self,
        weights: Sequence[np.ndarray],
        biases: Sequence[np.ndarray],
        batch_rows: int,
        n_threads: int,
    ) -> None:
        self.dtype = weights[0].dtype
        self.n_lanes = VECTOR_BYTES // self.dtype.itemsize
        self._kept: dict[int, np.ndarray] = {}
        self._units: list[np.ndarray] = []
        self._gradients: list[np.ndarray] = []
        self.fields = np.zeros(PLAN_FIELDS, np.int64)
        self.layers = np.zeros((len(weights), LAYER_FIELDS), np.int64)
        self._weights: list[np.ndarray] = []
        self._transposed: list[np.ndarray | None] = []
        self._biases: list[np.ndarray] = []
        for layer, w in zip(self.layers, weights, strict=True):
            self._lay_out(layer, w, batch_rows, n_threads > 0)
        self.pack(weights, biases)
        self._lay_out_batch(weights[0].shape[0], batch_rows, max(1, n_threads))
        widest = max(max(w.shape) for w in weights)
        self.put(ZEROS, aligned(self.padded(widest), self.dtype))
        ones = aligned(self.n_lanes, self.dtype)
        ones[:] = 1
        self.put(ONES, ones)
        self[N_LAYERS] = len(weights)
        self.put(LAYERS, self.layers)

    def __setitem__(self, field: int, value: int) -> None:
        self.fields[field] = value

    @property
    def address(self) -> int:
        return self.fields.ctypes.data

    @property
    def chosen(self) -> np.ndarray:
        """Probabilities that were given to the labels of the last batch, one a row."""
        return self._kept[CHOSEN]

    def activation(self, layer: int) -> np.ndarray:
        """A layer's buffer of activations, (batch_rows, stride), after a prediction."""
        return self._units[layer][0]

    def put(self, field: int, array: np.ndarray) -> np.ndarray:
        """Write `array`'s address to a field, and keep it alive."""
        self._kept[field] = array
        self.fields[field] = array.ctypes.data
        return array

    def padded(self, n: int) -> int:
        return -(-n // self.n_lanes) * self.n_lanes

    def _panels(self, n_rows: int, n_columns: int) -> np.ndarray:
        n_panels = -(-n_columns // (2 * self.n_lanes))
        return aligned((n_panels, self.padded(n_rows), 2 * self.n_lanes), self.dtype)

    def _lay_out(
        self, layer: np.ndarray, w: np.ndarray, batch_rows: int, is_training: bool
    ) -> None:
        n_in, n_out = w.shape
        is_first = not self._weights
        packed = self._panels(n_in, n_out)
        # A square of the transposition may be one row of squares wider than the layer is.
        transposed = None if is_first or not is_training else self._panels(n_out, n_in)
        bias = aligned(self.padded(n_out) + 2 * self.n_lanes, self.dtype)
        stride = row_stride(n_out, self.dtype.itemsize)
        activation = aligned((2 if is_training else 1, batch_rows, stride), self.dtype)
        gradient = aligned((batch_rows if is_training else 0, stride), self.dtype)
        self._weights.append(packed)
        self._transposed.append(transposed)
        self._biases.append(bias)
        self._units.append(activation)
        self._gradients.append(gradient)
        layer[N_IN], layer[N_IN_PADDED] = n_in, self.padded(n_in)
        layer[N_OUT], layer[N_VECTORS] = n_out, self.padded(n_out) // self.n_lanes
        layer[WEIGHTS], layer[WEIGHTS_PANEL] = packed.ctypes.data, packed[0].size
        if transposed is not None:
            layer[TRANSPOSED] = transposed.ctypes.data
            layer[TRANSPOSED_PANEL] = transposed[0].size
            layer[TRANSPOSED_VECTORS] = self.padded(n_in) // self.n_lanes
        layer[BIAS] = bias.ctypes.data
        layer[ACTIVATION], layer[GRADIENT] = activation.ctypes.data, gradient.ctypes.data
        layer[ACTIVATION_BLOCK] = activation[0].size if is_training else 0
        layer[UNIT_ROW] = stride

    def _lay_out_batch(self, n_features: int, batch_rows: int, n_threads: int) -> None:
        stride = row_stride(n_features, self.dtype.itemsize)
        self.put(INPUT, aligned((n_threads, batch_rows, stride), self.dtype))
        self[INPUT_ROW], self[INPUT_BLOCK] = stride, batch_rows * stride
        n_words = -(-batch_rows // MASK_ROWS) * (MASK_ROWS // WORD_ROWS)
        words = aligned((n_threads, n_words, self.padded(n_features)), np.uint32)
        self.put(WORDS, words)
        self[WORDS_BLOCK] = words[0].nbytes
        self.put(NO_WORDS, aligned(self.padded(n_features), np.uint32))
        self.put(CHOSEN, aligned(batch_rows, self.dtype))
        self[BATCH_ROWS] = batch_rows

    def pack(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        """Copy weights and biases into the packed buffers."""
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            self._fill(self._weights[i], w)
            transposed = self._transposed[i]
            if transposed is not None:
                self._fill(transposed, w.T)
            self._biases[i][: b.size] = b.ravel()

    def unpack(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        """Copy the packed weights and biases into `weights` and `biases`, in place."""
        width = 2 * self.n_lanes
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            for p, panel in enumerate(self._weights[i]):
                columns = w[:, p * width : (p + 1) * width]
                columns[:] = panel[: w.shape[0], : columns.shape[1]]
            b[...] = self._biases[i][: b.size].reshape(b.shape)

    def _fill(self, panels: np.ndarray, w: np.ndarray) -> None:
        width = 2 * self.n_lanes
        for p, panel in enumerate(panels):
            columns = w[:, p * width : (p + 1) * width]
            panel[: w.shape[0], : columns.shape[1]] = columns
