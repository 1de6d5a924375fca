"""The records that kernels read: the fields of a thread, a layer, a step and a stage.

Every thread has one WORK record, and one LAYER record for each layer. A buffer that threads share
has the same address in all of their records; of a buffer that each thread has for itself, each
record holds the address of that thread's copy. Strides and distances count elements; addresses
count bytes.
"""

from __future__ import annotations

from typing import Any

from fastmlp.kernels.codegen.numba_types import Record
from fastmlp.kernels.codegen.simd import Lanes
from fastmlp.kernels.codegen.vector_op import Integer, vector_op

# -- one for each thread -------------------------------------------------------------------------
WORK = Record(
    "Work",
    # index of this thread, how many there are; the first thread's WORK; LAYER records, how many
    "thread n_threads first_work layers n_layers "
    # the current step: its index in the table, its rows in `order`, its turn (0 or 1); if batches
    # are processed in parts: the current part, whose rows replace the batch's, the length of a
    # part, and how many of the stages run once per part
    "step first_row n_rows turn part part_rows part_stages "
    # row indices into X, in the order of training, of one epoch or several
    "order n_ordered "
    # X: its values; if it is CSR, also 32-bit column indices and 64-bit row pointers
    "x x_indices x_indptr n_features n_features_padded scale "
    # the batch's inputs: a copied block, or addresses of rows in X; the same of the next batch; a
    # table of the floats that bytes stand for
    "input input_row row_bytes row_table next_table levels "
    # masks of nonzero inputs, and scratch memory for finding them
    "masks masks_row found found_part "
    # indices of the CSR rows that are in the block, how many, and of which inputs; whether the next
    # batch's take the place of a block of zeros
    "held n_held held_first held_last clears_block "
    # targets: 64-bit labels, or rows of floats; row weights; losses of rows, and of steps; the
    # lower bound of probabilities before the log
    "targets target_row row_weights row_losses row_losses_turn losses floor "
    # a STEP record for each step; its scalars, in the network's dtype
    "steps steps_row scalars scalars_row dropout_threshold dropout_scale "
    # scratch: zeros, partial sums over rows or inputs, sums of squares of some weights
    "zeros sums squares "
    # a vector of lane-wise sums of the inputs that were read in place
    "total "
    # predictions; nonzero if a packed parameter was not finite
    "out not_finite "
    # the barrier's state; a stopwatch, or 0
    "team watch",
)
work_at = WORK.reader()

# -- one for each layer of a thread ---------------------------------------------------------------
LAYER = Record(
    "Layer",
    # position, from 1; sizes, also in whole vectors; how threads divide it; the layer below
    "depth n_in n_in_padded n_in_updated n_out n_vectors n_vectors_below sharing row_unit below "
    # the lengths of partial sums over inputs, and over outputs; whether threads divide the rows of
    # its outputs and of their gradient, whatever they do with its weights
    "n_in_part n_out_part has_own_rows "
    # inputs: two blocks used in turn, or one block, or rows of X
    "inputs inputs_row inputs_block "
    # parameters; `..._state` is the distance from them to the first state, and between states
    "weights weights_panel weights_state transposed transposed_panel bias bias_state "
    # unpacked arrays that are to be packed before the next step, or 0
    "given given_bias "
    # 64-bit words of each, states included, for a thread that copies them
    "weights_words transposed_words bias_words "
    # outputs, two blocks used in turn; what the slope is computed from: outputs or pre-activations
    "outputs slopes outputs_block unit_row "
    # gradient of the loss with respect to the pre-activations
    "gradient "
    # gradient sums of the parts of a batch, or sums of the parts of the inputs; distance between
    # parts, and between turns
    "sums sums_part sums_turn "
    # sums of squares of the weights by columns, one row per epoch; 0 if they are not wanted, or
    # another thread computes them; the partial sums that threads compute if they divide the inputs
    "squares part_squares part_squares_row",
)
layer_at = LAYER.reader()

NOT_SHARED, BY_COLUMNS, BY_ROWS, BY_INPUTS = 0, 1, 2, 3

# -- one for each step of an epoch, or of several --------------------------------------------------
# Whether the step is skipped; the rows of its batch in `order`; the key of its dropout masks; its
# epoch among those that run in one go.
STEP = Record("Step", "is_empty first_row n_rows dropout_key epoch")
step_at = STEP.reader()

# The scalars of a step: the factor of the gradient with respect to the logits; the factor of the
# sum of squared weights; the optimiser's scalars for weights, and those for biases.
N_OPTIMIZER_SCALARS = 7  # at most
SHARE, PENALTY, FOR_WEIGHTS, FOR_BIASES = 0, 1, 2, 2 + N_OPTIMIZER_SCALARS
N_SCALARS = FOR_BIASES + N_OPTIMIZER_SCALARS


def scalars_of(v: Lanes, work: Any, first: Any, dtype: Any = None) -> Integer:
    """The address of the current step's scalars, from index `first` on; emits instructions."""
    return v.at(work.scalars, v.builder.mul(work.step, work.scalars_row), first)


scalars_at = vector_op(scalars_of)  # for jitted code

# -- one for each stage of a step ------------------------------------------------------------------
STAGE = Record("Stage", "kernel layer clock")  # kernel 0: all threads meet
stage_at = STAGE.reader()
