"""The compiled engine: what `fastmlp.reference` computes, at the speed of the hardware.

From the innermost out: `simd` writes vector instructions; `tile`, `skip`, `gather`, `softmax` and
`transpose` are the kernels; `plan` says where everything lies, `team` lets threads meet, and `step`
composes a training step of them; `trainer` and `inference` are what Python calls.
"""

from fastmlp.kernels.inference import forward, predict_proba
from fastmlp.kernels.trainer import Trainer

__all__ = ["Trainer", "forward", "predict_proba"]
