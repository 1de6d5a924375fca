"""The compiled engine: what `fastmlp.reference` computes, at the speed of the hardware.

From the innermost folder out: `codegen` makes machine code, `entries` are the activations, losses
and optimisers, `layout` decides what lies where in memory, `stages` are the kernels that a step
consists of, and `runtime` runs them. Above these, `levels` and `inputs` read the rows of X, and
`program` puts the stages in order, once for each of the `ways` in which threads share them. Python
calls `trainer` and `inference`, `kept` for predictors that are kept from call to call, and
`functions` for single kernels.

Words that all files use
------------------------
What is computed:

unit, column
    The outputs of a layer are its units. Each unit has a column in the weights, (n_in, n_out).
before, slope
    The input of an activation (z; in the last layer, the logits), and the derivative of the
    activation at that input.
part
    A section of a long sum (up to 512 inputs of a product, 128 rows of a gradient). Each part is
    summed up on its own, then the parts are added: one long float32 sum would lose its last terms.
entry
    An activation, a loss or an optimiser, compiled into the stages that need it.
scalars
    What a step passes to the optimiser and the loss: the learning rate, the L2 strength and so on.

What it is computed with:

vector, lane
    The contents of a vector register, such as 16 float32 values; a lane holds one of them.
vector op
    A Python function that emits instructions, for jitted code to call (`codegen.vector_op`).
`dtype`, `one`
    Arguments that give the type of the values at addresses, which themselves are plain integers. A
    `dtype` has no value at run time; `one` is 1 in that type, and its value is not used.
tile
    A few rows and two vectors of a product's result, which stay in registers while it is summed up.

Where it lies:

panel
    A block of weights two vectors wide: the rows of these columns, one after the other, so that a
    product reads a panel sequentially.
strip
    A few vectors of columns that a loop processes together.
to pack
    To copy ordinary arrays into panels. Python packs before training, and unpacks afterwards.
block
    The rows of a batch, one after the other: inputs copied from X, or a layer's outputs. In an
    update, a rectangle of the weights, whose gradient sums are kept between parts of the batch.
turn
    0 or 1, alternating from step to step: which of two blocks a layer's outputs are written to, so
    that a thread may be one step ahead of another one that still reads the other block.
view
    An address, and the distances between rows and between columns (`codegen.numba_types`).
record
    A row of named integers, mostly addresses, that tells a kernel where everything lies.

Which inputs are skipped:

level, code
    If X has only 256 values, these are its levels, and a code is the index of one, a byte.
mask
    64 bits, one for each of 64 rows of the batch: set where an input is not zero.
group
    Neighbouring inputs that are skipped together.

Who works when:

stage, step, stretch
    A stage is a kernel applied to a layer; a step is the stages of one mini-batch; a stretch is
    some milliseconds of steps, after which Python checks for Ctrl-C and chooses the number of
    threads anew.
own
    A thread's own columns, rows or inputs are those that it computes, if threads divide a layer
    (`layout.partition`).
team, to meet
    The threads of one stretch. To meet is to wait at the barrier until all threads of the team have
    arrived (`runtime.barrier`).
to claim
    To fetch cache lines that another core holds before this core writes to them.
"""

from fastmlp.kernels.entries.activations import ACTIVATIONS, Activation
from fastmlp.kernels.entries.losses import LOSSES, Loss
from fastmlp.kernels.entries.optimizers import OPTIMIZERS, Optimizer
from fastmlp.kernels.functions import backward_update, cross_entropy, matmul_bias, relu, softmax
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
