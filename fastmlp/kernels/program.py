"""Composes a step as a list of stages: which kernels run, in which order, and where threads meet.

This is how threads divide a step. In each layer that is wide enough, a thread owns a range of
columns (units), in the forward pass and in the update, so that its weights never leave its core's
caches. Each thread keeps its own copy of smaller layers, and gathers each batch for itself, since
doing work twice takes less time than moving rows between cores. In a step,

1. forward through the hidden layers: each thread computes its own columns; all threads meet
2. each thread computes the last layer, its predictions, and the gradient of the loss with respect
   to the logits
3. backward through the layers: each thread computes its own columns; all threads meet, unless each
   thread has its own copy of the layer above and there is no layer below to wait for it
4. each thread updates its own columns

So the threads that train one hidden layer and some classes meet just once per step. No barrier is
needed between steps: a thread that is ahead writes its activations to the other one of two blocks.
The exception is a first layer with too few columns to divide, in large batches: it is divided by
rows, and all threads meet after the update too.

If the first layer skips zeros, threads may divide its inputs instead, and the rows of the batch for
all that follows, back to its gradient (`by_inputs`). Then

1. each thread sums up its own inputs' products, for all rows; all threads meet
2. each thread adds up all threads' sums of its own rows, and takes these rows through the network
   and back; all threads meet
3. each thread updates its own inputs' weights of the first layer, and its own columns of the others

Large batches of small networks are processed in parts instead: each thread processes whole parts of
the batch, and all meet once, before each thread updates its own copy; see `batch_parts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fastmlp.kernels.codegen.kernel import Kernel, Stage
from fastmlp.kernels.codegen.numba_types import Entry
from fastmlp.kernels.entries.activations import ACTIVATIONS, Activation
from fastmlp.kernels.entries.losses import LOSSES, Loss
from fastmlp.kernels.entries.optimizers import OPTIMIZERS, Optimizer
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.memory_plan import Plan
from fastmlp.kernels.layout.packing import pack
from fastmlp.kernels.stages.activation_pass import activate, slope
from fastmlp.kernels.stages.batch_parts import add_part, takes_parts, update_by_parts
from fastmlp.kernels.stages.dense import backward, claim_outputs, forward
from fastmlp.kernels.stages.exchange import claim_rows, claim_sums, exchange, fetch_rows
from fastmlp.kernels.stages.loss_head import add_losses, label, loss_gradient, predict
from fastmlp.kernels.stages.penalty import add_penalty, own_penalty, penalty
from fastmlp.kernels.stages.skip_zeros import forward_skipping
from fastmlp.kernels.stages.tile import TILES
from fastmlp.kernels.stages.update import transpose, update
from fastmlp.problem import Problem

Array = np.ndarray
WAIT = "wait"
MEET = Stage(WAIT)


@dataclass(frozen=True)
class Entries:
    """The compiled entries that a problem names.

    Attributes
    ----------
    activations : tuple of Activation
        One per layer; the last layer's is the identity.
    drops : bool
        Whether training drops hidden units.
    """

    activations: tuple[Activation, ...]
    loss: Loss
    optimizer: Optimizer
    drops: bool

    @classmethod
    def of(cls, problem: Problem, n_layers: int, has_labels: bool) -> Entries:
        names = (*problem.activations(n_layers), "identity")
        loss = LOSSES[problem.loss]
        if has_labels:
            loss = loss.for_labels()
        activations = tuple(ACTIVATIONS[name] for name in names)
        return cls(activations, loss, OPTIMIZERS[problem.optimizer], problem.dropout > 0)

    def are_apart(self, is_training: bool) -> list[bool]:
        """For each layer, whether slopes are computed from another buffer than its outputs."""
        *hidden, _ = self.activations
        return [*(is_training and (self.drops or not a.of_output) for a in hidden), False]


def prediction(
    entries: Entries, rows: Sequence[Stage], skipped: Entry | None, as_labels: bool
) -> list[Stage]:
    """The stages that predict a batch, of which `rows` are the first.

    `skipped` is the kind of elements to read if zeros are skipped; `as_labels` requests the indices
    of the largest outputs instead of the outputs.
    """
    last = len(entries.activations) - 1
    end = Stage("loss", label, last) if as_labels else Stage("loss", predict, last, (entries.loss,))
    return [
        *(Stage("pack", pack, layer) for layer in range(last + 1)),
        *rows,
        *(stage for layer in range(last + 1) for stage in _forward(entries, layer, skipped, False)),
        end,
    ]


def training(
    entries: Entries, plan: Plan, rows: Sequence[Stage], skipped: Entry | None, with_penalty: bool
) -> tuple[list[Stage], list[Stage]]:
    """The stages of a training step, of which `rows` are the first.

    Returns
    -------
    of_parts : list of Stage
        Stages that run once for each part, if batches are processed in parts.
    of_batch : list of Stage
        Stages that run once for the whole batch.
    """
    if plan.takes_parts:
        of_parts, of_batch = _by_parts(entries, rows, with_penalty)
    else:
        of_parts, of_batch = [], _undivided(entries, plan, rows, skipped, with_penalty)
    return of_parts, [stage for stage in of_batch if plan.n_copies > 1 or stage is not MEET]


def training_plan(
    entries: Entries,
    weights: Sequence[Array],
    biases: Sequence[Array],
    batch_size: int,
    n_threads: int,
    skips: bool,
) -> Plan:
    """The memory plan of a training; batches are taken in parts only if no zeros are skipped."""
    n_weights = sum(w.size for w in weights)
    return Plan(
        weights, biases, batch_size, n_threads,
        entries.optimizer.n_states, entries.are_apart(is_training=True),
        not skips and takes_parts(n_weights, batch_size, n_threads),
    )  # fmt: skip


def _undivided(
    entries: Entries, plan: Plan, rows: Sequence[Stage], skipped: Entry | None, with_penalty: bool
) -> list[Stage]:
    """The stages of a step that processes its batch as a whole."""
    n_layers = len(entries.activations)
    sharing = plan.layers[0]["sharing"]
    stages = [Stage("gather", claim_outputs, 0)] if plan.n_copies > 1 else []
    stages += rows
    if with_penalty and sharing[0] == at.BY_ROWS:
        # Before the first barrier, no thread has changed a weight yet. Other layers' squares are
        # summed up by `update`.
        stages.append(Stage("loss", penalty, 0))
    for layer in range(n_layers):
        stages += _forward(entries, layer, skipped, entries.drops)
        if sharing[layer] != at.NOT_SHARED:
            stages.append(MEET)
    stages.append(Stage("loss", loss_gradient, n_layers - 1, (entries.loss,)))
    for layer in range(n_layers - 1, 0, -1):
        stages += _backward(entries, layer)
        # Before this barrier, other threads read this layer's weights; after it, its gradient.
        is_read = sharing[layer] == at.BY_COLUMNS
        if is_read or (layer > 1 and sharing[layer - 1] == at.BY_COLUMNS):
            stages.append(MEET)
    for layer in range(n_layers):
        inputs = skipped if skipped is not None and layer == 0 else TILES
        stages += _update(layer, update, entries.optimizer, inputs)
    if sharing[0] == at.BY_ROWS:
        stages.append(MEET)
    return stages


def by_inputs(
    entries: Entries, rows: Sequence[Stage], skipped: Entry, with_penalty: bool
) -> list[Stage]:
    """The stages of a training step whose first layer's inputs threads divide."""
    layers = range(len(entries.activations))
    first, *activation = _forward(entries, 0, skipped, entries.drops)
    stages = [Stage("gather", claim_sums), *rows]
    if with_penalty:
        stages.append(Stage("loss", own_penalty))
    stages += [first, Stage("exchange", claim_rows), MEET]
    if with_penalty:  # the squares are written before this barrier, and read before the next one
        stages.append(Stage("loss", add_penalty))
    stages += [Stage("exchange", exchange, 0, entries.activations[:1]), *activation]
    for layer in layers[1:]:
        stages += _forward(entries, layer, None, entries.drops)
    stages.append(Stage("loss", loss_gradient, layers[-1], (entries.loss,)))
    for layer in layers[:0:-1]:
        stages += _backward(entries, layer)
    stages += [MEET, Stage("exchange", fetch_rows)]
    for layer in layers:
        stages += _update(layer, update, entries.optimizer, TILES if layer else skipped)
    stages.append(Stage("loss", add_losses, layers[-1], (entries.loss,)))
    return stages


def _by_parts(
    entries: Entries, rows: Sequence[Stage], with_penalty: bool
) -> tuple[list[Stage], list[Stage]]:
    """The stages of a step that processes its batch in parts; see `batch_parts`."""
    layers = range(len(entries.activations))
    of_parts = [*rows]
    for layer in layers:
        of_parts += _forward(entries, layer, None, entries.drops)
    of_parts.append(Stage("loss", loss_gradient, layers[-1], (entries.loss,)))
    for layer in layers[:0:-1]:
        of_parts += _backward(entries, layer)
    of_parts += [Stage(f"update {layer + 1}", add_part, layer) for layer in layers]
    of_batch = [MEET, Stage("loss", add_losses, layers[-1], (entries.loss,))]
    if with_penalty:
        of_batch += [Stage("loss", penalty, layer) for layer in layers]
    for layer in layers:
        of_batch += _update(layer, update_by_parts, entries.optimizer)
    return of_parts, of_batch


def _forward(entries: Entries, layer: int, skipped: Entry | None, drops: bool) -> Iterator[Stage]:
    name, activation = f"forward {layer + 1}", entries.activations[layer]
    if skipped is not None and layer == 0:
        yield Stage(name, forward_skipping, layer, (activation, skipped))
    else:
        yield Stage(name, forward, layer, (activation,))
    is_last = layer == len(entries.activations) - 1
    if not is_last and (drops or not activation.is_whole):
        yield Stage(name, activate, layer, (activation,))


def _backward(entries: Entries, layer: int) -> Iterator[Stage]:
    name, below = f"backward {layer + 1}", entries.activations[layer - 1]
    is_whole = below.is_whole and not entries.drops
    yield Stage(name, backward, layer, (below if is_whole else ACTIVATIONS["identity"],))
    if not is_whole:
        yield Stage(name, slope, layer - 1, (below,))


def _update(layer: int, kernel: Kernel, *entries: Entry) -> Iterator[Stage]:
    name = f"update {layer + 1}"
    yield Stage(name, kernel, layer, entries)
    if layer > 0:
        yield Stage(name, transpose, layer)


def names(stages: Sequence[Stage]) -> list[str]:
    """The names under which time is counted, in the order of the step, waiting last."""
    return [*dict.fromkeys(stage.name for stage in stages if stage.name != WAIT), WAIT]


def table(
    stages: Sequence[Stage], dtype: np.dtype, clocks: Sequence[str] | None = None
) -> np.ndarray:
    """Compile the stages' kernels; returns the stages as STAGE records.

    `clocks` has the names under which time is counted, by default the stages' own.
    """
    clocks = clocks or names(stages)
    records = at.STAGE.rows(len(stages))
    for record, stage in zip(records, stages, strict=True):
        if stage.kernel is not None:
            record["kernel"] = stage.kernel.address(dtype, *stage.entries)
        record["layer"], record["clock"] = stage.layer, clocks.index(stage.name)
    return records
