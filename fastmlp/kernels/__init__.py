"""The compiled engine: what `fastmlp.reference` computes, at the speed of the hardware.

Its rooms, from the innermost out: `codegen` makes machine code, `entries` are the activations,
losses and optimisers, `layout` says what lies where in memory, `stages` are what a step is made of,
and `runtime` runs them. On these stand `levels` and `inputs`, which read the rows of X, `program`,
which says which stages run in which order, and what Python calls: `trainer` and `inference`, with
`kept` for predictors that stay beside their networks, and `functions` for some kernels alone.

Words that all files use
------------------------
What is computed:

unit, column
    A layer's outputs are its units; each has a column of the weights, (n_in, n_out).
before, slope
    What goes into an activation (z; in the last layer, the logits), and the activation's
    derivative there.
part
    What a long sum is made of: so many terms (512 inputs of a product, 128 rows of a gradient) are
    summed up on their own, and then the parts are. One long float32 sum would lose its last terms.
entry
    An activation, a loss or an optimiser, compiled into the stages that need it.

What it is computed with:

vector, lane
    A vector register's contents, such as 16 float32 numbers; a lane is the place of one of them.
vector op
    A Python function that writes instructions, to be called from jitted code (`codegen.vector_op`).
`dtype`, `one`
    Arguments that say of which type the numbers are that lie behind addresses, which are plain
    integers. A `dtype` has no value at all; `one` is the number 1 of that type, and is not used.
tile
    A few rows and two vectors of a product's result, held in registers while it is summed up.

Where it lies:

panel
    Weights are not kept row by row. A panel is two vectors of columns, all their rows one after the
    other, so that a product reads it from start to end.
strip
    Some vectors of columns that a loop works on together.
to pack
    To copy ordinary arrays into panels; Python does so before training, and unpacks afterwards.
block
    The rows of a batch one after the other: its inputs, copied from X, or a layer's outputs. In an
    update, some inputs and columns of the weights, whose sums wait between two parts of the batch.
turn
    0 or 1 alternately, step by step: which of two blocks a layer's outputs go to, so that a thread
    may be a step ahead of one that still reads the other block.
view
    An address, and the distances from row to row and from column to column (`codegen.numba_types`).
record
    A row of integers with names, mostly addresses, that tells a kernel where everything lies.

Which inputs are skipped:

mask
    64 bits, one for each of 64 rows of the batch: in which of them an input is not zero.
group
    Neighbouring inputs that are skipped, or not, together.

Who works when:

stage, step, stretch
    A kernel on a layer; the stages of one mini-batch; some milliseconds of steps, after which
    Python looks for a Ctrl-C, and chooses the number of threads anew.
own
    A thread's own columns, rows or inputs are those that it computes, of a layer that threads share
    (`layout.partition`).
team, to meet
    The threads of one stretch. They meet where all wait until the last one has come
    (`runtime.barrier`).
to claim
    To have cache lines brought to a core before it writes there, since another core holds them.
"""

from fastmlp.kernels.entries.activations import ACTIVATIONS, Activation
from fastmlp.kernels.entries.losses import LOSSES, Loss
from fastmlp.kernels.entries.optimizers import OPTIMIZERS, Optimizer
from fastmlp.kernels.functions import (
    backward_update,
    cross_entropy,
    matmul_bias,
    relu,
    softmax,
)
from fastmlp.kernels.inference import Predictor, forward, predict_proba, prepare
from fastmlp.kernels.inputs import read, skips_zeros
from fastmlp.kernels.kept import predict, predict_layers
from fastmlp.kernels.trainer import Trainer

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "OPTIMIZERS",
    "Activation",
    "Loss",
    "Optimizer",
    "Predictor",
    "Trainer",
    "backward_update",
    "cross_entropy",
    "forward",
    "matmul_bias",
    "predict",
    "predict_layers",
    "predict_proba",
    "prepare",
    "read",
    "relu",
    "skips_zeros",
    "softmax",
]
