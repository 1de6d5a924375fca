"""What a step is made of: the kernels that run one after the other on a mini-batch.

`gather` brings the rows of the batch, `dense` multiplies by weights, or `skip_zeros` where most
inputs are zero (`nonzero_masks` say where, `skip_zeros_pass` is its loop); `activation_pass`
applies an activation, `loss_head` makes predictions, losses and their gradient, `penalty` sums up
squares for L2, and `update` moves the weights. `batch_parts` serves large batches. `tile` and
`transpose` are what they are built from.
"""
