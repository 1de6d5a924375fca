"""The compiled engine: what `fastmlp.reference` computes, at the speed of the hardware.

From the innermost out: `simd` writes vector instructions, `memory` names what lies in memory, and
`cache` and `kernel` compile once a machine what is made of them; `tile`, `nonzeros` and `transpose`
are the building blocks. A step's stages are `gather`, `products`, `skip`, `activate`, `outputs`,
`penalty` and `update`, in which the entries of `activations`, `losses` and `optimizers` are
compiled. `plan` says where everything lies, `program` which stages run in which order, `step` runs
them; `threads` and `pace` choose how many threads work on it; `trainer` and `inference` are what
Python calls. `functions` has some kernels alone, under the names of their references; `limits` has
some that measure the machine.

Words that all files use
------------------------
unit, column
    A layer's outputs are its units; each has a column of the weights, (n_in, n_out).
vector, lane
    A vector register's contents, such as 16 float32 numbers; a lane is the place of one of them.
panel
    Weights are not kept row by row. A panel is the part of two vectors of columns, all its rows
    one after the other, so that a product reads it from start to end.
strip
    Some vectors of columns that a loop works on together.
tile
    A few rows and two vectors of a product's result, held in registers while it is summed up.
group
    Neighbouring inputs that are skipped, or not, together.
mask
    64 bits, one for each row of the batch: which rows have an input that is not zero.
part
    128 rows of a batch whose gradient is summed up on its own; parts are then added up.
before, slope
    What goes into an activation (z, or the logits), and the activation's derivative there.
entry
    An activation, a loss or an optimiser, compiled into the stages that need it.
vector op
    A Python function that writes instructions, to be called from jitted code (`ops`).
record
    A row of integers with names, mostly addresses, that tells a kernel where everything lies.
stage, step, stretch
    A kernel on a layer; the stages of one mini-batch; some milliseconds of steps, after which
    Python looks for a Ctrl-C, and chooses the number of threads anew.
turn
    0 or 1 alternately, step by step: which of two blocks a layer's outputs go to, so that a thread
    may be a step ahead of one that still reads the other block.
to pack
    To copy ordinary arrays into panels; Python does so before training, and unpacks afterwards.
"""

from fastmlp.kernels.activations import ACTIVATIONS, Activation
from fastmlp.kernels.functions import (
    backward_update,
    cross_entropy,
    matmul_bias,
    relu,
    softmax,
)
from fastmlp.kernels.inference import FewRows, forward, predict_proba, prepare
from fastmlp.kernels.losses import LOSSES, Loss
from fastmlp.kernels.optimizers import OPTIMIZERS, Optimizer
from fastmlp.kernels.trainer import Trainer

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "OPTIMIZERS",
    "Activation",
    "FewRows",
    "Loss",
    "Optimizer",
    "Trainer",
    "backward_update",
    "cross_entropy",
    "forward",
    "matmul_bias",
    "predict_proba",
    "prepare",
    "relu",
    "softmax",
]
