"""The compiled engine: what `fastmlp.reference` computes, at the speed of the hardware.

From the innermost out: `simd` writes vector instructions, `memory` names what lies in memory, and
`cache` and `kernel` compile once a machine what is made of them; `tile`, `nonzeros` and `transpose`
are the building blocks. A step's stages are `gather`, `products`, `skip`, `activate`, `outputs`,
`penalty` and `update`, in which the entries of `activations`, `losses` and `optimizers` are
compiled. `plan` says where everything lies, `program` which stages run in which order, `step` runs
them; `threads` and `pace` choose how many threads work on it; `trainer` and `inference` are what
Python calls. `functions` has some kernels alone, under the names of their references; `limits` has
some that measure the machine.
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
