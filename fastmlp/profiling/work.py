"""The work of each stage of an epoch: arithmetic, and bytes that have to be read and written.

Which stages there are, the program of the training says. Operations are those of the formulas in
`fastmlp.reference`: two for each weight and row in each product, one for each pixel that is
divided, five for each logit (softmax and its gradient, where an exponential counts as one; other
losses count as much). Biases, activations, the decay and the optimiser's own formulas, some per
mille of them, are left out. What several threads each do for themselves counts once.

Bytes are the least that a stage can do with: every row, weight, state of an optimiser and
activation that it needs is read once a step, every result is written once.
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
    """What is trained.

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
        Bytes that hold a row of the inputs.
    stages : tuple of str
        Of the program that a step runs: "forward 1" and the like, in its order; and "wait".
    problem : Problem
    in_place : bool
        Whether the first layer reads the rows where they lie, instead of a scaled copy.
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
        """Bytes of a number."""
        return 4 if self.dtype == "float32" else 8

    @property
    def n_steps(self) -> int:
        """Steps of an epoch."""
        return -(-self.n_rows // self.batch_size)

    def shape(self, layer: int) -> tuple[int, int]:
        """A layer's inputs and units; layers count from 1."""
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
        Floating-point operations without regard to zeros.
    done : float
        Those that are carried out.
    n_bytes : float
    """

    dense: float = 0.0
    done: float = 0.0
    n_bytes: float = 0.0


def work_of(case: Case) -> dict[str, Work]:
    """Return the work by the stages' names, in the order of the step.

    A stage that is not known has none.
    """
    work = {}
    for stage in case.stages:
        kind, *number = stage.split()
        if kind != WAIT:
            work[stage] = WORKS.get(kind, lambda case, layer: Work())(
                case, *map(int, number or "0")
            )
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
    # The gradient goes from n_out to n_in units, whose slopes are taken from their activations.
    n_in, n_out = case.shape(layer)
    elements = case.n_rows * (n_out + 2 * n_in) + case.n_steps * n_in * n_out
    return _work(case, 2.0 * case.n_rows * n_in * n_out, elements)


def _update(case: Case, layer: int) -> Work:
    # Weights and their states are read and written; above the first layer, the weights' transpose
    # is written too.
    copies = 2 * (1 + OPTIMIZERS[case.problem.optimizer].n_states) + (layer > 1)
    return _product(case, layer, case.update_share, copies)


WORKS: dict[str, Callable[[Case, int], Work]] = {
    "gather": _gather,
    "forward": _forward,
    "loss": _loss,
    "backward": _backward,
    "update": _update,
}
"""The work of each kind of stage, of a layer where it has one."""


def _product(case: Case, layer: int, share: float, copies: int) -> Work:
    """Of the layer's inputs with numbers of its units a row; so many arrays of weights go by.

    In the first layer a `share` of the arithmetic is done.
    """
    (n_in, n_out), m, size = case.shape(layer), case.n_rows, case.size
    dense, weights = 2.0 * m * n_in * n_out, case.n_steps * copies * n_in * n_out
    if layer > 1:
        return _work(case, dense, m * (n_in + n_out) + weights)
    row_bytes = case.input_bytes if case.in_place else n_in * size
    return Work(dense, dense * share, m * (row_bytes * share + n_out * size) + weights * size)


def _work(case: Case, operations: float, elements: float) -> Work:
    return Work(operations, operations, elements * case.size)
