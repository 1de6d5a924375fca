"""The compiled engine: what `fastmlp.reference` computes, at the speed of the hardware.

From the innermost out: `simd` writes vector instructions; `tile`, `skip`, `gather`, `softmax` and
`transpose` are the kernels; `plan` says where everything lies, `team` lets threads meet, and `step`
composes a training step of them; `trainer` and `inference` are what Python calls. `functions` has
each kernel alone, under the name of its reference.
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
