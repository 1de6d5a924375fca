"""What a user chooses by name, and adds to: `activations`, `losses` and `optimizers`, for a vector.

Each bears the name of the entry of `fastmlp.reference` whose formula it writes. `elementary` has
the functions that they are made of.
"""
