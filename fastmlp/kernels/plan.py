"""Where everything lies while a network is trained: the plan that Python lays out for kernels.

Kernels get one integer, the address of a table of integers: sizes, and addresses of buffers. One
compiled function so serves any number of layers of any sizes. Weights are *packed* while they are
trained (:meth:`Plan.pack`), and written back (:meth:`Plan.unpack`):

* In panels of 2 vectors of columns, each with its rows one after the other. A tile then reads the
  weights from start to end, whatever their number.
* Columns are padded with zeros to whole vectors, rows to whole squares of a vector's length. A
  padded unit's weights, activation and gradient are zero and stay zero.
* Threads share a layer by its columns. One with fewer vectors of columns than threads is not
  shared: each thread has a copy of it and does all of its work, which takes less time than handing
  results from core to core. Unless it is the first layer and batches are large: then the threads
  share the rows of the batch forward, and the inputs, that is the rows of the weights, in the
  update.
* Rows of activations are an odd number of cache lines apart, since a power of two would have the
  rows of a batch contend for the same few places of the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fastmlp.kernels.nonzeros import MASK_ROWS
from fastmlp.kernels.simd import LINE, VECTOR_BYTES

PAGE = 4096  # bytes
LONGEST_GROUP = 8  # inputs that fastmlp.kernels.skip takes together

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
    SCALE,  # address of what uint8 inputs are divided by
    IS_SKIPPING,
    IS_IN_PLACE,  # whether rows are read from X itself
    LEVELS,  # 256 quotients of pixels that are read in place; else 0
    INPUT,  # a block of BATCH_ROWS rows for each thread
    INPUT_COPY,
    INPUT_ROW,  # elements
    ROWS,  # addresses of the batch's rows, in whole groups of 64; a table for each thread
    ROWS_COPY,  # addresses
    NEXT_ROWS,  # those of the next batch's, where rows are read in place
    MASKS,  # a block for each thread: one mask for 64 rows and two inputs
    MASKS_COPY,  # masks
    MASKS_ROW,  # masks from 64 rows to the next ones
    FOUND,  # bytes of which masks are made; a block for each thread
    FOUND_COPY,  # bytes
    ZEROS,  # as many as the widest layer has inputs or units
    ONES,
    CHOSEN,  # predicted probability of each row's label; a block for each thread
    CHOSEN_COPY,
    TEAM,  # see fastmlp.kernels.team
    OUT,  # probabilities, for prediction
    WATCHES,  # a stopwatch for each thread; 0 for none, and so is WATCHES_COPY
    WATCHES_COPY,  # 64-bit integers
    PLAN_FIELDS,
) = range(34)

# Fields of a layer's table. A thread's own copy of a buffer starts as many elements after the first
# thread's as the field *after* the buffer's says: none, where the threads share it.
(
    N_IN,
    N_IN_PADDED,  # rows of a panel
    N_OUT,
    N_VECTORS,  # of columns
    SHARING,  # NOT_SHARED, BY_COLUMNS or BY_ROWS
    WEIGHTS,
    WEIGHTS_COPY,
    WEIGHTS_PANEL,  # elements
    TRANSPOSED,  # the weights' transpose in panels; the first layer needs none
    TRANSPOSED_COPY,
    TRANSPOSED_PANEL,
    BIAS,
    BIAS_COPY,
    ACTIVATION,  # two blocks, used in turn; logits, in the last layer
    ACTIVATION_COPY,
    ACTIVATION_BLOCK,  # elements
    GRADIENT,  # of the loss by the logits, times the step's rate
    GRADIENT_COPY,
    UNIT_ROW,  # elements from one row to the next, in ACTIVATION and GRADIENT
    LAYER_FIELDS,
) = range(20)

NOT_SHARED, BY_COLUMNS, BY_ROWS = 0, 1, 2
SHARED_ROWS = 64  # in a batch, from which a layer may be shared by rows
THREAD_ROWS = 32  # of such a batch that are worth a thread


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


def useful_threads(weights: Sequence[np.ndarray], batch_rows: int) -> int:
    """The most threads that find work: in the columns of the widest layer, or in rows."""
    n_lanes = VECTOR_BYTES // weights[0].dtype.itemsize
    widest = max(-(-w.shape[1] // n_lanes) for w in weights)
    return max(widest, batch_rows // THREAD_ROWS if batch_rows >= SHARED_ROWS else 1)


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
        self._n_copies = max(1, n_threads)
        self._kept: dict[int, np.ndarray] = {}
        self.fields = np.zeros(PLAN_FIELDS, np.int64)
        self.layers = np.zeros((len(weights), LAYER_FIELDS), np.int64)
        self._buffers: list[dict[int, np.ndarray]] = []
        for layer, w in enumerate(weights):
            self._lay_out(layer, w, batch_rows, n_threads > 0)
        self.pack(weights, biases)
        self._lay_out_batch(weights[0].shape[0], batch_rows)
        widest = max(max(w.shape) for w in weights)
        self.put(ZEROS, aligned(self.padded(widest), self.dtype))
        self.put(ONES, aligned(self.n_lanes, self.dtype))[:] = 1
        self[N_LAYERS] = len(weights)
        self.put(LAYERS, self.layers)

    def __setitem__(self, field: int, value: int) -> None:
        self.fields[field] = value

    @property
    def address(self) -> int:
        return self.fields.ctypes.data

    def activation(self, layer: int) -> np.ndarray:
        """A layer's buffer of activations, (batch_rows, stride), after a prediction."""
        return self._buffers[layer][ACTIVATION][0, 0]

    @property
    def chosen(self) -> np.ndarray:
        """Probabilities that were given to the labels of the last batch, one a row."""
        return self._kept[CHOSEN][0]

    def put(self, field: int, array: np.ndarray) -> np.ndarray:
        """Write `array`'s address to a field, and keep it alive."""
        self._kept[field] = array
        self.fields[field] = array.ctypes.data
        return array

    def padded(self, n: int) -> int:
        return -(-n // self.n_lanes) * self.n_lanes

    def _padded_rows(self, n: int) -> int:
        return -(-n // max(self.n_lanes, LONGEST_GROUP)) * max(self.n_lanes, LONGEST_GROUP)

    def _panels(self, n_copies: int, n_rows: int, n_columns: int) -> np.ndarray:
        n_panels = -(-n_columns // (2 * self.n_lanes))
        shape = (n_copies, n_panels, self._padded_rows(n_rows), 2 * self.n_lanes)
        return aligned(shape, self.dtype)

    def _lay_out(self, number: int, w: np.ndarray, batch_rows: int, is_training: bool) -> None:
        n_in, n_out = w.shape
        layer = self.layers[number]
        layer[N_IN], layer[N_IN_PADDED] = n_in, self._padded_rows(n_in)
        layer[N_OUT], layer[N_VECTORS] = n_out, self.padded(n_out) // self.n_lanes
        if layer[N_VECTORS] >= self._n_copies:
            layer[SHARING] = BY_COLUMNS
        elif number == 0 and batch_rows >= SHARED_ROWS:
            layer[SHARING] = BY_ROWS
        n_copies = 1 if layer[SHARING] != NOT_SHARED else self._n_copies
        is_last = number == len(self.layers) - 1
        stride = row_stride(n_out, self.dtype.itemsize)
        n_turns = 2 if is_training else 1
        # Every thread needs the gradient by the logits as a whole, and computes it; and so it does
        # that by the outputs of a layer that is not shared by columns.
        n_gradients = 1 if layer[SHARING] == BY_COLUMNS and not is_last else self._n_copies
        gradients = (n_gradients, batch_rows, stride)
        buffers = {
            WEIGHTS: self._panels(n_copies, n_in, n_out),
            BIAS: aligned((n_copies, self.padded(n_out)), self.dtype),
            ACTIVATION: aligned((n_copies, n_turns, batch_rows, stride), self.dtype),
        }
        if is_training:
            buffers[GRADIENT] = aligned(gradients, self.dtype)
        if is_training and number > 0:
            buffers[TRANSPOSED] = self._panels(n_copies, n_out, n_in)
            layer[TRANSPOSED_PANEL] = buffers[TRANSPOSED][0, 0].size
        for field, buffer in buffers.items():
            layer[field] = buffer.ctypes.data
            layer[field + 1] = buffer[0].size if len(buffer) > 1 else 0
        layer[WEIGHTS_PANEL] = buffers[WEIGHTS][0, 0].size
        layer[ACTIVATION_BLOCK] = batch_rows * stride if n_turns > 1 else 0
        layer[UNIT_ROW] = stride
        self._buffers.append(buffers)

    def _lay_out_batch(self, n_features: int, batch_rows: int) -> None:
        stride = row_stride(n_features, self.dtype.itemsize)
        self[BATCH_ROWS], self[INPUT_ROW] = batch_rows, stride
        # Some lines beyond whole pages: with its block whole pages from the first thread's, the
        # second one takes a tenth longer to go through it.
        page, line = (n // self.dtype.itemsize for n in (PAGE, LINE))
        block = -(-batch_rows * stride // page) * page + 17 * line
        self[INPUT_COPY] = self.put(INPUT, aligned((self._n_copies, block), self.dtype))[0].size
        # A group's masks are read while the group before it is at work, and the last one's too.
        # They are made for a whole vector of pixels at a time.
        n_masks = (-(-n_features // LINE) * LINE + LONGEST_GROUP) // 2
        n_masked_rows = -(-batch_rows // MASK_ROWS) * MASK_ROWS
        masks = aligned((self._n_copies, n_masked_rows // MASK_ROWS, n_masks), np.int64)
        found = aligned((self._n_copies, MASK_ROWS // 8 * -(-n_masks // LINE) * LINE), np.uint8)
        self[FOUND_COPY] = self.put(FOUND, found)[0].size
        self[MASKS_COPY], self[MASKS_ROW] = self.put(MASKS, masks)[0].size, n_masks
        # Where rows are gathered, the tables point into the blocks for good.
        rows = np.minimum(np.arange(n_masked_rows), batch_rows - 1) * stride * self.dtype.itemsize
        blocks = [block.ctypes.data for block in self._kept[INPUT]]
        for field in (ROWS, NEXT_ROWS):
            self.put(field, np.add.outer(blocks, rows))
        self[ROWS_COPY] = n_masked_rows
        chosen = aligned((self._n_copies, row_stride(batch_rows, 4)), self.dtype)
        self[CHOSEN_COPY] = self.put(CHOSEN, chosen)[0].size

    def pack(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        """Copy weights and biases into the packed buffers: the first thread's, if each has one."""
        for buffers, w, b in zip(self._buffers, weights, biases, strict=True):
            for field, values in ((WEIGHTS, w), (TRANSPOSED, w.T)):
                if field in buffers:
                    for panel, columns in self._by_panels(buffers[field][0], values):
                        panel[:] = columns
            buffers[BIAS][0, : b.size] = b.ravel()

    def unpack(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        """Copy the packed weights and biases into `weights` and `biases`, in place."""
        for buffers, w, b in zip(self._buffers, weights, biases, strict=True):
            for panel, columns in self._by_panels(buffers[WEIGHTS][0], w):
                columns[:] = panel
            b[...] = buffers[BIAS][0, : b.size].reshape(b.shape)

    def _by_panels(
        self, panels: np.ndarray, w: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Pairs of views of the same shape: a panel without its padding, and its columns of `w`."""
        width = 2 * self.n_lanes
        for p, panel in enumerate(panels):
            columns = w[:, p * width : (p + 1) * width]
            yield panel[: columns.shape[0], : columns.shape[1]], columns
