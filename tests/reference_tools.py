"""What the reference's tests share: small networks, rows, and targets of every kind."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.testing import assert_allclose

from fastmlp.reference import LOSSES


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
    rng, entry, shape = np.random.RandomState(seed), LOSSES[loss], (n_rows, n_outputs)
    if entry.targets == "labels":
        return rng.dirichlet(np.ones(n_outputs), n_rows).astype(dtype)
    if entry.targets == "flags":
        return rng.choice([0, 0.25, 1], shape).astype(dtype)
    if np.isfinite(entry.lowest):
        return (entry.lowest + rng.poisson(1.5, shape)).astype(dtype)
    return rng.randn(*shape).astype(dtype)


def assert_finite_differences(loss, parameters, gradients, factor=1, **tolerances):
    """Gradients against `factor` times the finite differences of ``loss()``."""
    step = 1e-6
    for parameter, gradient in zip(parameters, gradients, strict=True):
        assert gradient.shape == parameter.shape
        assert gradient.dtype == parameter.dtype
        for index in np.ndindex(parameter.shape):
            middle = parameter[index]
            parameter[index] = middle + step
            above = loss()
            parameter[index] = middle - step
            below = loss()
            parameter[index] = middle
            expected = factor * (above - below) / (2 * step)
            assert_allclose(gradient[index], expected, **tolerances)
