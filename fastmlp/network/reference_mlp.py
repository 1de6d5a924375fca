"""The slow, clear network: `MLP` on the reference's formulas."""

from __future__ import annotations

from fastmlp import reference
from fastmlp.engine import Engine
from fastmlp.network import mlp


class MLP(mlp.MLP):
    """A multi-layer perceptron trained by NumPy alone: slow, clear, and what `fastmlp.MLP` equals.

    Parameters of `fastmlp.MLP`, and its attributes; `n_threads` has no effect here.
    """

    @property
    def engine(self) -> Engine:
        """The module that trains and predicts: `fastmlp.reference`."""
        return reference
