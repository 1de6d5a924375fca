"""The stages of a step: kernels that run one after the other on a mini-batch.

`gather` copies the rows of the batch. `dense` multiplies by weights, or `skip_zeros` if most inputs
are zero: `nonzero_masks` finds the others, and `skip_zeros_pass` is its loop. `activation_pass`
applies activations, `loss_head` computes predictions, losses and their gradient, `penalty` sums up
squares for L2, and `update` updates the weights. `exchange` adds up what threads that divide the
first layer's inputs have summed up. `batch_parts` has the stages of large batches.
They are built from `tile` and `transpose`.
"""
