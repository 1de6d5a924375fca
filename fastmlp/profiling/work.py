"""Counts the work of each stage of an epoch: operations, and bytes that must be read and written.

The program of the training determines which stages there are. Operations are those of the formulas
in `fastmlp.reference`: two for each weight and row in each product, one for each pixel that is
divided, five for each logit (softmax and its gradient, with an exponential counted as one; other
losses count the same). Biases, activations, weight decay and the optimiser's formula, some per
mille of the total, are left out. Work that every thread repeats counts once.

Bytes are the minimum for a stage: each row, weight, optimiser state and activation that it needs is
read once per step, and each result is written once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastmlp.problem import TUTORIAL, Problem
from fastmlp.reference import OPTIMIZERS

OPERATIONS_A_LOGIT = 5  # maximum, difference, exponential, sum, quotient
WAIT = "wait"


@dataclass(frozen=True)
class Case:
    """A training whose work is counted.

    Attributes
    ----------
    layer_sizes : tuple of int
        Input first, output last.
    n_rows, batch_size : int
        Rows in an epoch and in a step.
    dtype : str
        Of the arithmetic.
    scaled : bool
        Whether inputs are pixels, which are divided by a scale.
    input_bytes : float
        Bytes per row of the inputs.
    stages : tuple of str
        Names of the stages of a step in order, such as "forward 1"; then "wait".
    problem : Problem
    in_place : bool
        Whether the first layer reads the rows of X directly, instead of a scaled copy.
    forward_share, update_share : float
        Share of the first layer's arithmetic that is done: 1, or less where zeros are skipped.
    """

    layer_sizes: tuple[int, ...]
    n_rows: int
    batch_size: int
    dtype: str
    scaled: bool
    input_bytes: float
    stages: tuple[str, ...]
    problem: Problem = TUTORIAL
    in_place: bool = False
    forward_share: float = 1.0
    update_share: float = 1.0

    @property
    def size(self) -> int:
        """Bytes per element."""
        return 4 if self.dtype == "float32" else 8

    @property
    def n_steps(self) -> int:
        """Steps per epoch."""
        return -(-self.n_rows // self.batch_size)

    def shape(self, layer: int) -> tuple[int, int]:
        """Number of inputs and of units of a layer, counted from 1."""
        return self.layer_sizes[layer - 1], self.layer_sizes[layer]

    @property
    def skips_zeros(self) -> bool:
        return self.update_share < 1


@dataclass(frozen=True)
class Work:
    """One stage's work in an epoch.

    Attributes
    ----------
    dense : float
        Floating-point operations if no zeros were skipped.
    done : float
        Floating-point operations that are carried out.
    n_bytes : float
    """

    dense: float = 0.0
    done: float = 0.0
    n_bytes: float = 0.0


def work_of(case: Case) -> dict[str, Work]:
    """Return each stage's work by its name, in the order of the step.

    The work of an unknown stage is zero.
    """
    work = {}
    for stage in case.stages:
        kind, _, layer = stage.partition(" ")
        if kind != WAIT:
            count = WORKS.get(kind, lambda *_: Work())
            work[stage] = count(case, int(layer or 0))
    return work


def _gather(case: Case, _: int) -> Work:
    n_features = case.layer_sizes[0]
    operations = float(case.n_rows * n_features) if case.scaled and not case.in_place else 0.0
    written = 0 if case.in_place else n_features * case.size
    return Work(operations, operations, case.n_rows * (case.input_bytes + written))


def _loss(case: Case, _: int) -> Work:
    logits = case.n_rows * case.layer_sizes[-1]
    return _work(case, OPERATIONS_A_LOGIT * logits, 2 * logits)


def _forward(case: Case, layer: int) -> Work:
    return _product(case, layer, case.forward_share, copies=1)


def _backward(case: Case, layer: int) -> Work:
    # Reads the gradient of n_out units and the activations of n_in; writes the gradient of n_in.
    n_in, n_out = case.shape(layer)
    elements = case.n_rows * (n_out + 2 * n_in) + case.n_steps * n_in * n_out
    return _work(case, 2.0 * case.n_rows * n_in * n_out, elements)


def _update(case: Case, layer: int) -> Work:
    # Weights and states are read and written; above the first layer, the transposed weights are
    # written too.
    copies = 2 * (1 + OPTIMIZERS[case.problem.optimizer].n_states) + (layer > 1)
    return _product(case, layer, case.update_share, copies)


WORKS: dict[str, Callable[[Case, int], Work]] = {
    "gather": _gather,
    "forward": _forward,
    "loss": _loss,
    "backward": _backward,
    "update": _update,
}
"""The work of each kind of stage, as functions of the case and the layer (0 if it has none)."""


def _product(case: Case, layer: int, share: float, copies: int) -> Work:
    """The work of a product of a layer, during which `copies` arrays of its weights' size move.

    In the first layer, only a `share` of the operations is done.
    """
    (n_in, n_out), m, size = case.shape(layer), case.n_rows, case.size
    dense, weights = 2.0 * m * n_in * n_out, case.n_steps * copies * n_in * n_out
    if layer > 1:
        return _work(case, dense, m * (n_in + n_out) + weights)
    row_bytes = case.input_bytes if case.in_place else n_in * size
    return Work(dense, dense * share, m * (row_bytes * share + n_out * size) + weights * size)


def _work(case: Case, operations: float, elements: float) -> Work:
    return Work(operations, operations, elements * case.size)
