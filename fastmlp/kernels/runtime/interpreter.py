"""Runs a program: the stages of each step in order, in one thread of a team.

It is one compiled loop over tables of addresses, so that a step costs no call from Python.
"""

from __future__ import annotations

from fastmlp.kernels.codegen.cache import compiled
from fastmlp.kernels.codegen.denormals import flush_denormals, restore_mode
from fastmlp.kernels.codegen.kernel import call
from fastmlp.kernels.codegen.vector_op import copy_vectors
from fastmlp.kernels.layout import records as at
from fastmlp.kernels.layout.records import layer_at, stage_at, step_at, work_at
from fastmlp.kernels.runtime import clock
from fastmlp.kernels.runtime.barrier import enter, meet

LAYER_BYTES, STAGE_BYTES, WORD = at.LAYER.size, at.STAGE.size, 8


@compiled
def catch_up(work):
    """Copy the first thread's own parameters: it may have worked alone before."""
    first = work_at(work.first_work)
    for i in range(work.n_layers):
        own = layer_at(work.layers + i * LAYER_BYTES)
        source = layer_at(first.layers + i * LAYER_BYTES)
        if own.sharing == at.NOT_SHARED:
            # The words to copy include the optimiser's states.
            copy_vectors(source.weights, own.weights_words, own.weights)
            copy_vectors(source.bias, own.bias_words, own.bias)
            copy_vectors(source.transposed, own.transposed_words, own.transposed)


@compiled
def run(work_address, program, n_stages, n_threads, first_step, last_step, is_training):
    """Run one thread's part of some steps of an epoch, or of some batches of a prediction.

    Computes an epoch of :class:`fastmlp.reference.Trainer`, step by step. The order of operations
    behind each result is fixed, whichever thread computes it, so the number of threads changes no
    bit as long as all values are finite. (Zero times infinity is not zero, and which zeros are
    skipped depends on how many columns a thread has.)

    Parameters
    ----------
    work_address : int
        Address of the thread's WORK record. Parameters, losses or predictions are written in place.
    program, n_stages : int
        Address and number of STAGE records.
    n_threads : int
        Threads of the team, all of which call this function at about the same time.
    first_step, last_step : int
        Indices into the step table; `last_step` is excluded.
    is_training : bool
        Whether to flush denormal results to zero; see `denormals`.

    Returns
    -------
    int
        The number of threads that worked: 1 if helpers did not arrive in time, 0 in a helper that
        arrived after thread 0 had started alone.
    """
    work = work_at(work_address)
    watch = work.watch
    n_threads = enter(work.team, work.thread, n_threads)
    if n_threads == 0:
        return 0
    work.n_threads = n_threads
    if work.thread > 0:
        catch_up(work)
    meet(work.team, n_threads)
    clock.start(watch)  # a thread that starts late makes no stage of the others longer
    mode = flush_denormals(is_training)
    work.turn = 1
    for step_index in range(first_step, last_step):
        step = step_at(work.steps + step_index * work.steps_row)
        if step.is_empty != 0:
            continue
        work.step, work.turn = step_index, 1 - work.turn
        first_row, n_rows = step.first_row, step.n_rows
        # First the thread's own parts of the batch, if it is processed in parts; then all of it.
        n_parts = -(-n_rows // work.part_rows) if work.part_stages > 0 else 0
        part = n_parts * work.thread // n_threads
        last_part = n_parts * (work.thread + 1) // n_threads
        is_whole = False
        while not is_whole:
            is_whole = part == last_part
            work.part = 0 if is_whole else part
            skipped = work.part * work.part_rows
            work.first_row = first_row + skipped
            work.n_rows = n_rows if is_whole else min(work.part_rows, n_rows - skipped)
            part += 1
            first_stage = work.part_stages if is_whole else 0
            for i in range(first_stage, n_stages if is_whole else work.part_stages):
                stage = stage_at(program + i * STAGE_BYTES)
                if stage.kernel == 0:
                    meet(work.team, n_threads)
                else:
                    layer = work.layers + stage.layer * LAYER_BYTES
                    call(stage.kernel, work_address, layer)
                clock.lap(watch, stage.clock + clock.FIRST)
    restore_mode(mode)
    return n_threads
