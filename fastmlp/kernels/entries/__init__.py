"""What users choose by name and can add to: `activations`, `losses` and `optimizers`, for a vector.

Each has the name of the entry of `fastmlp.reference` whose formula it emits. `elementary` has the
functions that they are built from.
"""
