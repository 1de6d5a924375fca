"""A step as a list of stages: which kernels run, in which order, and where threads meet.

Threads share a step like this. A thread owns a range of columns (units) of each layer that has
enough of them, forward and in the update, so that its weights never leave its core's caches. Layers
that are too small it has for itself, and it gathers each batch for itself: work done twice takes
less time than rows that travel from one core to another. Per step,

1. hidden layers forward, one after the other, each thread its own columns -- all threads meet
2. each thread: the last layer, its predictions, and the gradient of the loss by the logits
3. the way back through the layers, each thread its own columns -- all threads meet, unless
   the layer above is each thread's own and there is no layer below to wait for it
4. each thread updates its own columns

So the threads that train one hidden layer and some classes meet just once a step. No barrier stands
between a step and the next one: a thread that is ahead writes its activations to the other one of
two blocks. Only a first layer that is too narrow for its columns to be shared, in large batches, is
shared by rows: then all threads meet after the update too.

Large batches are taken in parts instead, unless the network is large too: a thread has whole parts
of the batch for itself, and all meet once, before each updates its own copy; see
`batch_parts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fastmlp.kernels.codegen.kernel import Stage
from fastmlp.kernels.codegen.numba_types import Entry
from fastmlp.kernels.entries.activations import ACTIVATIONS, Activation
from fastmlp.kernels.entries.losses import LOSSES, Loss
from fastmlp.kernels.entries.optimizers import OPTIMIZERS, Optimizer
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.memory_plan import Plan
from fastmlp.kernels.layout.packing import pack
from fastmlp.kernels.stages.activation_pass import activate, slope
from fastmlp.kernels.stages.batch_parts import add_part, update_by_parts
from fastmlp.kernels.stages.dense import backward, claim_outputs, forward
from fastmlp.kernels.stages.loss_head import add_losses, label, loss_gradient, predict
from fastmlp.kernels.stages.penalty import penalty
from fastmlp.kernels.stages.skip_zeros import forward_skipping
from fastmlp.kernels.stages.update import TILES, transpose, update
from fastmlp.problem import Problem

WAIT = "wait"


MEET = Stage(WAIT)


@dataclass(frozen=True)
class Network:
    """The entries of a problem, looked up.

    Attributes
    ----------
    activations : tuple of Activation
        One a layer; the last layer's is none.
    drops : bool
        Whether hidden units are left out in training.
    """

    activations: tuple[Activation, ...]
    loss: Loss
    optimizer: Optimizer
    drops: bool

    @classmethod
    def of(cls, problem: Problem, n_layers: int, has_labels: bool) -> Network:
        names = (*problem.activations(n_layers), "identity")
        loss = LOSSES[problem.loss]
        if has_labels:
            loss = loss.for_labels()
        activations = tuple(ACTIVATIONS[name] for name in names)
        return cls(activations, loss, OPTIMIZERS[problem.optimizer], problem.dropout > 0)

    @property
    def has_labels(self) -> bool:
        """Whether targets are labels."""
        return self.loss.of_labels

    def are_apart(self, is_training: bool) -> list[bool]:
        """For each layer, whether its outputs are kept apart from what slopes are computed from."""
        return [
            is_training and not is_last and (self.drops or not activation.of_output)
            for activation, is_last in self._layers()
        ]

    def _layers(self) -> Iterator[tuple[Activation, bool]]:
        last = len(self.activations) - 1
        return ((activation, i == last) for i, activation in enumerate(self.activations))


def prediction(
    network: Network, rows: Sequence[Stage], skipped: Entry | None, as_labels: bool
) -> list[Stage]:
    """The stages of predicting a batch whose `rows` have these stages.

    `skipped` says what rows are made of where zeros are skipped; `as_labels`, whether the numbers
    of the largest outputs are wanted instead of the outputs.
    """
    last = len(network.activations) - 1
    end = Stage("loss", label, last) if as_labels else Stage("loss", predict, last, (network.loss,))
    return [
        *(Stage("pack", pack, layer) for layer in range(last + 1)),
        *rows,
        *(stage for layer in range(last + 1) for stage in _forward(network, layer, skipped, False)),
        end,
    ]


def training(
    network: Network, plan: Plan, rows: Sequence[Stage], skipped: Entry | None, with_penalty: bool
) -> tuple[list[Stage], list[Stage]]:
    """The stages of a step whose batch's `rows` have these stages.

    Returns
    -------
    of_parts : list of Stage
        What each part of a batch goes through, where batches are taken in parts.
    of_batch : list of Stage
    """
    if plan.takes_parts:
        return _by_parts(network, plan, rows, with_penalty)
    n_layers = len(network.activations)
    sharing = plan.layers[0]["sharing"]
    stages = [Stage("gather", claim_outputs, 0)] if plan.n_copies > 1 else []
    stages += rows
    if with_penalty and sharing[0] == at.BY_ROWS:
        # Before the first meeting: nobody has changed a weight yet. `update` does it elsewhere.
        stages.append(Stage("loss", penalty, 0))
    for layer in range(n_layers):
        stages += _forward(network, layer, skipped, network.drops)
        if sharing[layer] != at.NOT_SHARED:
            stages.append(MEET)
    stages.append(Stage("loss", loss_gradient, n_layers - 1, (network.loss,)))
    for layer in range(n_layers - 1, 0, -1):
        stages += _backward(network, layer)
        # Until now others read this layer's weights, from now on the gradient that came out.
        is_read = sharing[layer] == at.BY_COLUMNS
        if is_read or (layer > 1 and sharing[layer - 1] == at.BY_COLUMNS):
            stages.append(MEET)
    for layer in range(n_layers):
        name = f"update {layer + 1}"
        of_layer = skipped if skipped is not None and layer == 0 else TILES
        stages.append(Stage(name, update, layer, (network.optimizer, of_layer)))
        if layer > 0:
            stages.append(Stage(name, transpose, layer))
    if sharing[0] == at.BY_ROWS:
        stages.append(MEET)
    return [], _met(plan, stages)


def _by_parts(
    network: Network, plan: Plan, rows: Sequence[Stage], with_penalty: bool
) -> tuple[list[Stage], list[Stage]]:
    """The stages of a step that takes its batch in parts; see `batch_parts`."""
    layers = range(len(network.activations))
    of_parts = [*rows]
    for layer in layers:
        of_parts += _forward(network, layer, None, network.drops)
    of_parts.append(Stage("loss", loss_gradient, layers[-1], (network.loss,)))
    for layer in layers[:0:-1]:
        of_parts += _backward(network, layer)
    of_parts += [Stage(f"update {layer + 1}", add_part, layer) for layer in layers]
    of_batch = [MEET, Stage("loss", add_losses, layers[-1], (network.loss,))]
    if with_penalty:
        of_batch += [Stage("loss", penalty, layer) for layer in layers]
    for layer in layers:
        name = f"update {layer + 1}"
        of_batch.append(Stage(name, update_by_parts, layer, (network.optimizer,)))
        if layer > 0:
            of_batch.append(Stage(name, transpose, layer))
    return of_parts, _met(plan, of_batch)


def _met(plan: Plan, stages: Sequence[Stage]) -> list[Stage]:
    """The stages; without those in which threads meet, where there is but one thread."""
    return [stage for stage in stages if plan.n_copies > 1 or stage is not MEET]


def _forward(network: Network, layer: int, skipped: Entry | None, drops: bool) -> Iterator[Stage]:
    name, activation = f"forward {layer + 1}", network.activations[layer]
    if skipped is not None and layer == 0:
        yield Stage(name, forward_skipping, layer, (activation, skipped))
    else:
        yield Stage(name, forward, layer, (activation,))
    is_last = layer == len(network.activations) - 1
    if not is_last and (drops or not activation.is_whole):
        yield Stage(name, activate, layer, (activation,))


def _backward(network: Network, layer: int) -> Iterator[Stage]:
    name, below = f"backward {layer + 1}", network.activations[layer - 1]
    is_whole = below.is_whole and not network.drops
    yield Stage(name, backward, layer, (below if is_whole else ACTIVATIONS["identity"],))
    if not is_whole:
        yield Stage(name, slope, layer - 1, (below,))


def names(stages: Sequence[Stage]) -> list[str]:
    """What the stages' time is counted as, in the order of the step, waiting last."""
    return [*dict.fromkeys(stage.name for stage in stages if stage.name != WAIT), WAIT]


def table(stages: Sequence[Stage], dtype: np.dtype) -> np.ndarray:
    """The stages as STAGE records, their kernels compiled."""
    clocks = names(stages)
    records = at.STAGE.rows(len(stages))
    for record, stage in zip(records, stages, strict=True):
        if stage.kernel is not None:
            record["kernel"] = stage.kernel.address(dtype, *stage.entries)
        record["layer"], record["clock"] = stage.layer, clocks.index(stage.name)
    return records
