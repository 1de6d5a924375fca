"""Running a program: steps, stage by stage, in one thread of a team."""

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
    """Copy what the first thread has for itself: it may have worked alone before."""
    first = work_at(work.first_work)
    for number in range(work.n_layers):
        own = layer_at(work.layers + number * LAYER_BYTES)
        source = layer_at(first.layers + number * LAYER_BYTES)
        if own.sharing == at.NOT_SHARED:
            # States lie behind the weights, and end where they end.
            copy_vectors(source.weights, own.weights_words, own.weights)
            copy_vectors(source.bias, own.bias_words, own.bias)
            copy_vectors(source.transposed, own.transposed_words, own.transposed)


@compiled
def run(work_address, program, n_stages, n_threads, first_step, last_step, is_training):
    """Steps `first_step` to `last_step` of an epoch, or batches of a prediction; one thread's part.

    Computes an epoch of :class:`fastmlp.reference.Trainer`, step by step. Each number is computed
    in a fixed order, whoever computes it: the number of threads can't change a bit of the result,
    as long as all numbers are finite. (Zero times infinity is not zero, and which zeros are skipped
    depends on how many columns a thread has.)

    Parameters
    ----------
    work_address : int
        Address of the thread's WORK record; parameters, losses or predictions are written in place.
    program, n_stages : int
        Address and number of STAGE records.
    n_threads : int
        They all call this function, at about the same time.
    first_step, last_step : int
    is_training : bool
        Whether denormal results become 0; see `denormals`.

    Returns
    -------
    int
        The number of threads that worked: 1 if helpers did not come, 0 for a helper too late.
    """
    work = work_at(work_address)
    watch = work.watch
    clock.start(watch)
    n_threads = enter(work.team, work.thread, n_threads)
    if n_threads == 0:
        return 0
    work.n_threads = n_threads
    if work.thread > 0:
        catch_up(work)
    meet(work.team, n_threads)
    mode = flush_denormals(is_training)
    work.turn = 1
    for number in range(first_step, last_step):
        step = step_at(work.steps + number * work.steps_row)
        if step.is_empty != 0:
            continue
        work.number, work.turn = number, 1 - work.turn
        first_row, n_rows = step.first_row, step.n_rows
        # First a thread's own parts of the batch, if there are any; then the batch as a whole.
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
