"""The mathematics of fastmlp, once, in plain NumPy.

All formulas and conventions are defined here; the compiled kernels have the same names and are
tested against these functions. The network is fully connected: an activation follows each hidden
layer, and the last layer is followed by the function that belongs to the loss. An optimiser takes a
step for each mini-batch, along the gradient of the batch's mean loss. Activations, losses and
optimisers are entries of tables: ``ACTIVATIONS["mine"] = Activation(...)`` adds one. A
`fastmlp.problem.Problem` chooses among them; the default is ReLU, softmax with cross-entropy, and
gradient descent.

`activations`, `losses` and `optimizers` are the tables, `onnx_nodes` and `c_code` export their
entries to ONNX and to C, and `dropout` chooses the units that a step leaves out. `formulas` and
`updates` combine them, `trainer` takes epochs, and `inference` predicts.

Notation: a batch has n rows; layer l of L has weights ``w`` of shape (n_in, n_out) and biases ``b``
of shape (1, n_out); ``x`` is the input, ``z`` a layer's pre-activations, ``a`` its activations, and
``d...`` is the gradient of the batch's mean loss with respect to the variable of that name.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from fastmlp.reference.activations import ACTIVATIONS, Activation, relu, relu_derivative
from fastmlp.reference.dropout import drop, keep_mask
from fastmlp.reference.formulas import Array, backward, forward, matmul_bias, scale_inputs
from fastmlp.reference.inference import (
    ROWS_PER_BLOCK,
    predict,
    predict_layers,
    predict_proba,
    prepare,
    read,
)
from fastmlp.reference.losses import (
    LOSSES,
    Loss,
    cross_entropy,
    mean_loss,
    softmax,
    softmax_cross_entropy_gradient,
)
from fastmlp.reference.optimizers import OPTIMIZERS, Optimizer
from fastmlp.reference.trainer import Trainer
from fastmlp.reference.updates import backward_update, optimizer_step, update

if TYPE_CHECKING:
    MLP: Any

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "MLP",
    "OPTIMIZERS",
    "ROWS_PER_BLOCK",
    "Activation",
    "Array",
    "Loss",
    "Optimizer",
    "Trainer",
    "backward",
    "backward_update",
    "cross_entropy",
    "drop",
    "forward",
    "keep_mask",
    "matmul_bias",
    "mean_loss",
    "optimizer_step",
    "predict",
    "predict_layers",
    "predict_proba",
    "prepare",
    "read",
    "relu",
    "relu_derivative",
    "scale_inputs",
    "softmax",
    "softmax_cross_entropy_gradient",
    "update",
]


if not TYPE_CHECKING:  # type checkers would accept any name

    def __getattr__(name: str) -> Any:
        """Look up MLP when it is used: it imports this engine, which must not import it."""
        if name == "MLP":
            return sys.modules["fastmlp"]._reference_mlp()
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
