"""Texts that the docstrings of both classes share."""

from __future__ import annotations

from fastmlp import docstrings
from fastmlp.estimators.docstrings import ATTRIBUTES, MORE, PARAMETERS
from fastmlp.estimators.hyperparameters import LOSSES_OF_NUMBERS, STOCHASTIC_SOLVERS
from fastmlp.reference import LOSSES

ABOUT = """\
Each partition of the rows stays on a worker, as a shard. In a round, each shard takes its steps
from one network, and the mean of what they come to, weighted by rows, is what the next round
begins with. The result depends on the partitions and on `random_state`, never on the workers, nor
on which of them are lost on the way. With one partition, it is the local class's, bit for bit.
`docs/many-machines.md` says when it pays."""

OF_DASK = """\
client : dask.distributed.Client, default=None
    By default the one made last. Copies share it, pickles are without.
n_shards : int, default=None
    Groups of consecutive partitions; by default each is one of its own.
rounds_per_epoch : int, default=1
    How often in an epoch the networks are averaged: more for shards that differ.
lr_scaling : float or 'auto', default='auto'
    What the learning rate is multiplied by, since a mean of S networks moves as far as one of them.
    'auto' is the number of shards, at most 8; for sgd at most 4."""

documented = docstrings.documented(
    ABOUT=ABOUT,
    PARAMETERS=PARAMETERS,
    MORE=MORE,
    OF_DASK=OF_DASK,
    ATTRIBUTES=ATTRIBUTES,
    SOLVERS=", ".join(map(repr, STOCHASTIC_SOLVERS)),
    LOSSES_OF_NUMBERS=docstrings.described(LOSSES_OF_NUMBERS, LOSSES),
)
"""Fills the placeholders in a class's docstring with the texts above."""
