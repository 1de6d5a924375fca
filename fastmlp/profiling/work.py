"""The work of each stage of an epoch: arithmetic, and bytes that have to be read and written.

Operations are those of the formulas in `fastmlp.reference`: two for each weight and row in each
product, one for each pixel that is divided, five for each logit (softmax and its gradient; an
exponential counts as one). Biases and the decay, some per mille of them, are left out. What several
threads each do for themselves counts once.

Bytes are the least that a stage can do with: every row, weight and activation that it needs is
read once a step, every result is written once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

OPERATIONS_A_LOGIT = 5  # maximum, difference, exponential, sum, quotient


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
    in_place: bool = False
    forward_share: float = 1.0
    update_share: float = 1.0

    @property
    def n_layers(self) -> int:
        return len(self.layer_sizes) - 1

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
    """Return the work by the stages' names, in the order of the step."""
    size = 4 if case.dtype == "float32" else 8
    m, n_steps = case.n_rows, -(-case.n_rows // case.batch_size)
    row_bytes = case.input_bytes if case.in_place else case.layer_sizes[0] * size
    pairs = list(enumerate(pairwise(case.layer_sizes), start=1))
    n_features, n_classes = case.layer_sizes[0], case.layer_sizes[-1]

    def work(dense: float, elements: float) -> Work:
        return Work(dense, dense, elements * size)

    def product(layer: int, n_in: int, n_out: int, share: float, copies: int) -> Work:
        """Of the layer's inputs with `n_out` numbers a row; weights are read and written."""
        dense = 2.0 * m * n_in * n_out
        if layer > 1:
            return work(dense, m * (n_in + n_out) + n_steps * copies * n_in * n_out)
        n_bytes = m * (row_bytes * share + n_out * size) + n_steps * copies * n_in * n_out * size
        return Work(dense, dense * share, n_bytes)

    def forward(layer: int, n_in: int, n_out: int) -> Work:
        return product(layer, n_in, n_out, case.forward_share, copies=1)

    def backward(n_in: int, n_out: int) -> Work:
        # The gradient goes from n_out to n_in units, whose activations are its mask.
        return work(2.0 * m * n_in * n_out, m * (n_out + 2 * n_in) + n_steps * n_in * n_out)

    def update(layer: int, n_in: int, n_out: int) -> Work:
        # Weights are read and written; above the first layer, their transpose is written too.
        return product(layer, n_in, n_out, case.update_share, copies=2 if layer == 1 else 3)

    operations = float(m * n_features) if case.scaled and not case.in_place else 0.0
    written = 0 if case.in_place else n_features * size
    gather = Work(operations, operations, m * (case.input_bytes + written))
    logits = m * n_classes
    return {
        "gather": gather,
        **{f"forward {layer}": forward(layer, *shape) for layer, shape in pairs},
        "loss": work(OPERATIONS_A_LOGIT * logits, 2 * logits),
        **{f"backward {layer}": backward(*shape) for layer, shape in pairs[:0:-1]},
        **{f"update {layer}": update(layer, *shape) for layer, shape in pairs},
    }
