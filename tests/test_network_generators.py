"""Generators of random numbers that are of a class of the user's own."""

from __future__ import annotations

import numpy as np
import pytest
from network_tools import X, Y, assert_same_parameters, make_network


class Own(np.random.RandomState):
    """A generator with methods that do something else."""

    def __init__(self, **methods):
        super().__init__(0)
        vars(self).update(methods)


ORDERS = {
    "twice the same": lambda n: np.zeros(n, int),
    "too few": lambda n: np.arange(n - 1),
    "too many": lambda n: np.arange(n + 1),
    "negative": lambda n: np.arange(n) - 1,
    "beyond": lambda n: np.arange(n) + 1,
    "fractions": lambda n: np.arange(n) / 2,
    "booleans": lambda n: np.ones(n, bool),
    "one number": lambda n: 0,
    "nothing": lambda n: None,
}


@pytest.mark.parametrize("name", ORDERS)
def test_orders_that_are_none_are_refused(mlp_class, name):
    network = make_network(mlp_class)
    network.random_state = Own(permutation=ORDERS[name])
    before = network.w1.copy()
    with pytest.raises(ValueError, match=r"^random_state is a Own, whose permutation does not do"):
        network.train(X, Y, verbose=False)
    np.testing.assert_array_equal(network.w1, before)


@pytest.mark.parametrize("seed", [-5, 2**32, 0.5, None, "1"])
def test_seeds_that_are_none_are_refused(mlp_class, seed):
    network = make_network(mlp_class, dropout=0.5)
    network.random_state = Own(randint=lambda *_, **__: seed)
    with pytest.raises(ValueError, match=r"^random_state is a Own, whose randint does not do"):
        network.train(X, Y, verbose=False)


def test_a_generator_of_another_class_that_does_the_same(mlp_class):
    networks = [
        make_network(mlp_class, random_state=generator, dropout=0.1)
        for generator in (np.random.RandomState(0), Own())
    ]
    for network in networks:
        network.train(X, Y, 3, verbose=False)
    assert_same_parameters(*networks)
