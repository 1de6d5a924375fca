"""What the reference's tests share: small networks, rows, and targets of every kind."""

from __future__ import annotations

import itertools

import numpy as np


def random_net(sizes, dtype=np.float64, seed=0):
    rng = np.random.RandomState(seed)
    weights = [(rng.randn(*shape) * 0.5).astype(dtype) for shape in itertools.pairwise(sizes)]
    biases = [(rng.randn(1, n) * 0.1).astype(dtype) for n in sizes[1:]]
    return weights, biases


def random_batch(n_rows, n_features, n_classes, dtype=np.float64, seed=1):
    rng = np.random.RandomState(seed)
    return rng.randn(n_rows, n_features).astype(dtype), rng.randint(0, n_classes, n_rows)


def random_targets(loss, n_rows, n_outputs, dtype=np.float64, seed=2):
    """Dense targets that `loss` allows: probabilities, shares, counts with zeros, or any number."""
    rng = np.random.RandomState(seed)
    targets = {
        "cross_entropy": rng.dirichlet(np.ones(n_outputs), n_rows),
        "binary_cross_entropy": rng.choice([0, 0.25, 1], (n_rows, n_outputs)),
        "squared_error": rng.randn(n_rows, n_outputs),
        "poisson": rng.poisson(1.5, (n_rows, n_outputs)),
    }
    return targets[loss].astype(dtype)
