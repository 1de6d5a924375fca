"""The compiled engine: what `fastmlp.reference` computes, at the speed of the hardware.

From the innermost out: `simd` writes vector instructions, and `cache` compiles what is made of them
once a machine; `tile`, `gather`, `nonzeros`, `skip`, `softmax` and `transpose` are the kernels;
`plan` says where everything lies, `team` lets threads meet, and `layers` and `step` compose a
training step; `threads` and `pace` choose how many work on it; `trainer` and `inference` are what
Python calls. `functions` has each kernel alone, under the name of its reference; `limits` has some
that measure the machine.
"""

from fastmlp.kernels.functions import (
    backward_update,
    cross_entropy,
    matmul_bias,
    relu,
    softmax,
)
from fastmlp.kernels.inference import forward, predict_proba
from fastmlp.kernels.trainer import Trainer

__all__ = [
    "Trainer",
    "backward_update",
    "cross_entropy",
    "forward",
    "matmul_bias",
    "predict_proba",
    "relu",
    "softmax",
]
