"""What a kernel finds behind its addresses: a thread's records, by name.

Every thread has a WORK record and a LAYER record for each layer. Buffers that threads share bear
the same address in the records of all of them; of what each has for itself, the address of its own
copy. Strides and distances count elements, addresses bytes.
"""

from __future__ import annotations

from fastmlp.kernels.codegen.numba_types import Record

# -- one for each thread -------------------------------------------------------------------------
WORK = Record(
    "Work",
    # this thread, of how many; the first one's record; layers' records, and how many
    "thread n_threads first_work layers n_layers "
    # the step at work: its number in the table, its rows of the order, its turn 0 or 1; where
    # batches are taken in parts, the part at work, its rows in place of the batch's, and how many
    # of the stages are for each part
    "number first_row n_rows turn part part_rows part_stages "
    # one epoch or several: numbers of rows of X in the order of training
    "order n_ordered "
    # X: its values, and where it is CSR, 32-bit columns and 64-bit starts of rows
    "x x_indices x_indptr n_features n_features_padded scale "
    # the batch's inputs: a copied block, or the places of rows in X; and the next batch's
    "input input_row row_bytes row_table next_table levels "
    # which of them are not zero
    "masks masks_row found found_part "
    # rows of a CSR matrix that are in the block: their numbers, and how many
    "held n_held "
    # targets: 64-bit labels, or rows of numbers; row weights; losses of rows, and of steps; and
    # what probabilities count at least
    "targets target_row row_weights row_losses row_losses_turn losses floor "
    # a STEP record for each step; its numbers, of the network's dtype, so many elements a step
    "steps steps_row numbers numbers_row dropout_threshold dropout_scale "
    # scratch: zeros, sums of part of the rows or inputs, sums of squares of some weights
    "zeros sums squares "
    # a vector of sums of the inputs that have been read in place, in the order of X
    "total "
    # predictions; whether parameters that were packed are not finite
    "out not_finite "
    # where threads meet; a stopwatch, or 0
    "team watch",
)
work_at = WORK.reader()

# -- one for each layer of a thread ---------------------------------------------------------------
LAYER = Record(
    "Layer",
    # its number from 1; sizes, also in whole vectors; the record of the layer below
    "number n_in n_in_padded n_in_updated n_out n_vectors n_vectors_below sharing row_unit below "
    # its inputs, two blocks used in turn, or one, or rows of X
    "inputs inputs_row inputs_block "
    # parameters; an optimiser's states lie so far behind them, one after the other
    "weights weights_panel weights_state transposed transposed_panel bias bias_state "
    # ordinary arrays from which they are to be packed, or 0
    "given given_bias "
    # 64-bit words of each, states included: what a thread copies that comes late
    "weights_words transposed_words bias_words "
    # outputs, two blocks used in turn; what their slope is computed from: they, or what was before
    "outputs slopes outputs_block unit_row "
    # gradient of the loss by what is before the activation
    "gradient "
    # sums of the gradient that parts of a batch leave; elements from part to part, and for a turn
    "sums sums_part sums_turn "
    # sums of squares of the weights, by columns, a row an epoch; 0 where nobody wants them, or
    # another thread adds them
    "squares",
)
layer_at = LAYER.reader()

NOT_SHARED, BY_COLUMNS, BY_ROWS = 0, 1, 2

# -- one for each step of an epoch, or of some epochs ----------------------------------------------
# Whether it is left out; the rows of its batch, in the order; and the epoch, of those that are run
# together.
STEP = Record("Step", "is_empty first_row n_rows dropout_key epoch")
step_at = STEP.reader()

# The numbers of a step: what the gradient by the logits is multiplied by; the factor of the squares
# of weights; an optimiser's numbers for weights, and those for biases.
MOST_NUMBERS = 7
SHARE, PENALTY, FOR_WEIGHTS, FOR_BIASES = 0, 1, 2, 2 + MOST_NUMBERS
NUMBERS = FOR_BIASES + MOST_NUMBERS

# -- one for each stage of a step ------------------------------------------------------------------
STAGE = Record("Stage", "kernel layer clock")  # no kernel: all threads meet
stage_at = STAGE.reader()
