"""A step of mini-batch gradient descent, and how threads share it.

A thread owns a range of columns (units) of each layer that has enough of them, forward and in the
update, so that its weights never leave its core's caches. Layers that are too small it has for
itself, and it gathers each batch for itself: work done twice takes less time than rows that travel
from one core to another. Per step,

1. hidden layers forward, one after the other, each thread its own columns -- all threads meet
2. each thread: the last layer, softmax, and the gradient of the loss by the logits
3. the way back through the layers, each thread its own columns -- all threads meet, unless
   the layer above is each thread's own and there is no layer below to wait for it
4. each thread updates its own columns

So the threads that train one hidden layer and some classes meet just once a step. No barrier stands
between a step and the next one: a thread that is ahead writes its activations to the other one of
two blocks. Only a first layer that is too narrow for its columns to be shared, in large batches, is
shared by rows: then all threads meet after the update too.

Each number is computed in a fixed order, whoever computes it: the number of threads can't change a
bit of the result, as long as all numbers are finite. (Zero times infinity is not zero, and which
zeros are skipped depends on how many columns a thread has.)
"""

from __future__ import annotations

from fastmlp.kernels import clock
from fastmlp.kernels import plan as at
from fastmlp.kernels.cache import compiled
from fastmlp.kernels.layers import (
    backward,
    claim_activations,
    copy_of,
    forward,
    gather,
    layer_table,
    loss_gradient,
    update,
)
from fastmlp.kernels.simd import copy_rows, copy_vectors, itemsize, word
from fastmlp.kernels.softmax import softmax_rows
from fastmlp.kernels.team import enter, meet


@compiled
def watch_of(plan, thread):
    """Address of a thread's stopwatch, or 0."""
    return word(plan, at.WATCHES) + thread * word(plan, at.WATCHES_COPY) * 8


@compiled
def step(plan, thread, n_threads, number, decay, rate, one):
    """Step `number` of an epoch, one thread's part of it; see :func:`run_steps`.

    Computes :func:`fastmlp.reference.forward` and :func:`fastmlp.reference.backward_update`.
    """
    team = word(plan, at.TEAM)
    watch = watch_of(plan, thread)
    n_layers = word(plan, at.N_LAYERS)
    first = number * word(plan, at.BATCH_ROWS)
    rows = min(word(plan, at.BATCH_ROWS), word(plan, at.N_ROWS) - first)
    turn = number % 2
    if n_threads > 1:
        claim_activations(plan, 0, thread, n_threads, turn, rows, one)
    gather(plan, thread, first, rows, one)
    clock.lap(watch, clock.GATHER)
    for layer in range(n_layers):
        forward(plan, layer, thread, n_threads, turn, rows, one)
        clock.lap(watch, clock.FORWARD + layer * clock.LAYER_STAGES)
        if word(layer_table(plan, layer), at.SHARING) != at.NOT_SHARED:
            meet(team, n_threads)
            clock.lap(watch, clock.WAIT)
    loss_gradient(plan, thread, turn, first, rows, rate, one)
    clock.lap(watch, clock.LOSS)
    for layer in range(n_layers - 1, 0, -1):
        backward(plan, layer, thread, n_threads, turn, rows, one)
        clock.lap(watch, clock.BACKWARD + layer * clock.LAYER_STAGES)
        # Until now others read this layer's weights, from now on the gradient that came out.
        above, below = layer_table(plan, layer), layer_table(plan, layer - 1)
        is_read = word(above, at.SHARING) == at.BY_COLUMNS
        if is_read or (layer > 1 and word(below, at.SHARING) == at.BY_COLUMNS):
            meet(team, n_threads)
            clock.lap(watch, clock.WAIT)
    for layer in range(n_layers):
        update(plan, layer, thread, n_threads, turn, rows, decay, one)
        clock.lap(watch, clock.UPDATE + layer * clock.LAYER_STAGES)
    if word(layer_table(plan, 0), at.SHARING) == at.BY_ROWS:
        meet(team, n_threads)
        clock.lap(watch, clock.WAIT)


@compiled
def catch_up(plan, thread, one):
    """Copy what the first thread has for itself: it may have worked alone before."""
    for layer in range(word(plan, at.N_LAYERS)):
        table = layer_table(plan, layer)
        if word(table, at.SHARING) == at.NOT_SHARED:
            for field in (at.WEIGHTS, at.TRANSPOSED, at.BIAS):
                source = copy_of(table, field, 0, one)
                n = word(table, field + 1)
                copy_vectors(source, n, copy_of(table, field, thread, one), one)


@compiled
def run_steps(
    plan, thread, n_threads, first_step, last_step,
    decay, rate, last_rate, one,
):  # fmt: skip
    """Steps `first_step` to `last_step` of an epoch, one thread's part of them.

    Computes an epoch of :class:`fastmlp.reference.Trainer`, step by step.

    Parameters
    ----------
    plan : int
        Address of a plan's table; see :mod:`fastmlp.kernels.plan`. Its weights and biases are
        updated in place.
    thread, n_threads : int
        This thread's number and that of all. They all call this function, at about the same time.
    decay : float
        ``1 - learning_rate * lambda_reg``; its dtype is that of all elements.
    rate, last_rate : float
        Minus the learning rate, divided by a batch's rows: a whole one's, and the last one's.
    one : float
        1.

    Returns
    -------
    int
        The number of threads that worked: 1 if helpers did not come, 0 for a helper too late.
    """
    team = word(plan, at.TEAM)
    watch = watch_of(plan, thread)
    clock.start(watch)
    n_threads = enter(team, thread, n_threads)
    if n_threads == 0:
        return 0
    if thread > 0:
        catch_up(plan, thread, one)
    meet(team, n_threads)
    clock.lap(watch, clock.WAIT)
    batch_rows = word(plan, at.BATCH_ROWS)
    for number in range(first_step, last_step):
        is_whole = (number + 1) * batch_rows <= word(plan, at.N_ROWS)
        step_rate = rate if is_whole else last_rate
        step(plan, thread, n_threads, number, decay, step_rate, one)
    return n_threads


@compiled
def run_forward(plan, first, last, one):
    """Probabilities of rows `first` to `last` of the order, written to the same rows of OUT.

    Computes :func:`fastmlp.reference.forward`, a batch at a time, by one thread alone.
    """
    batch_rows = word(plan, at.BATCH_ROWS)
    n_layers = word(plan, at.N_LAYERS)
    table = layer_table(plan, n_layers - 1)
    n_classes = word(table, at.N_OUT)
    for start in range(first, last, batch_rows):
        rows = min(batch_rows, last - start)
        gather(plan, 0, start, rows, one)
        for layer in range(n_layers):
            forward(plan, layer, 0, 1, 0, rows, one)
        z, z_row = word(table, at.ACTIVATION), word(table, at.UNIT_ROW)
        softmax_rows(z, z_row, rows, n_classes, z, z_row, one)
        copy_rows(z, z_row, rows, n_classes,
                  word(plan, at.OUT) + start * n_classes * itemsize(one), one)  # fmt: skip
