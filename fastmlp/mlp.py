"""The compiled network: the reference's formulas, run by the kernels."""

from __future__ import annotations

from typing import Any

from fastmlp import reference


class MLP(reference.MLP):
    """A multi-layer perceptron with the API of `fastmlp.reference.MLP`, trained by compiled code.

    See `fastmlp.network.Network` for the parameters. `train`, `forward`, `predict`,
    `predict_proba` and `score` run kernels. What a tutorial-style loop calls by hand (`relu`,
    `softmax`, `compute_loss`, `backward`, `update_weights`) is inherited: such a loop holds every
    gradient in an array, which is just what the kernels avoid, and lives at NumPy's speed anyway.
    """

    @property
    def engine(self) -> Any:
        """The module whose Trainer, forward and predict_proba do the work: `fastmlp.kernels`."""
        from fastmlp import kernels  # importing numba takes a quarter of a second: only when used

        return kernels
