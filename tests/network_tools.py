"""What the tests of both MLP classes share: digits of 12 pixels, and a network for them."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from fastmlp.reference import LOSSES

N_FEATURES, N_CLASSES = 12, 3


def make_rows(n_rows=150, seed=0):
    """Whole numbers 0..255, half of them 0; the largest of the first three is the label."""
    rng = np.random.RandomState(seed)
    x = rng.randint(0, 256, (n_rows, N_FEATURES)) * (rng.rand(n_rows, N_FEATURES) < 0.5)
    return x.astype(np.uint8), np.argmax(x[:, :N_CLASSES], axis=1)


X8, Y = make_rows()
X = X8 / 255.0
RNG = np.random.RandomState(5)
NUMBERS = X[:, :3] @ RNG.randn(3, N_CLASSES) + 0.5
COUNTS = RNG.poisson(2, (len(X), N_CLASSES))
OF_KIND = {"labels": Y, "flags": (X[:, :3] > 0.3).astype(int), "numbers": NUMBERS}
TARGETS = {
    name: COUNTS + entry.lowest if np.isfinite(entry.lowest) else OF_KIND[entry.targets]
    for name, entry in LOSSES.items()
}


def make_network(mlp_class, hidden=8, **keywords):
    keywords = {"random_state": 7, **keywords}
    return mlp_class(N_FEATURES, hidden, N_CLASSES, **keywords)


def parameters(network):
    return [*network.weights, *network.biases]


def assert_same_parameters(a, b, **tolerance):
    for left, right in zip(parameters(a), parameters(b), strict=True):
        assert left.dtype == right.dtype
        assert_allclose(left, right, **({"rtol": 1e-9, "atol": 1e-12} | tolerance))
