"""The tutorial's API and its additions, for both classes."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest
from network_tools import (
    N_CLASSES,
    N_FEATURES,
    X8,
    X,
    Y,
    assert_same_parameters,
    make_network,
    parameters,
)
from numpy.testing import assert_allclose, assert_array_equal


class Tutorial:
    """The tutorial's own training loop, written down without any of fastmlp's code."""

    def __init__(self, input_size, hidden_size, output_size, learning_rate):
        self.w1 = np.random.randn(input_size, hidden_size) * 0.01
        self.b1 = np.zeros((1, hidden_size))
        self.w2 = np.random.randn(hidden_size, output_size) * 0.01
        self.b2 = np.zeros((1, output_size))
        self.learning_rate = learning_rate

    def train(self, x_train, y_train, epochs, batch_size):
        lines = []
        m = len(x_train)
        for epoch in range(1, epochs + 1):
            permutation = np.random.permutation(m)
            x_train, y_train = x_train[permutation], y_train[permutation]
            for start in range(0, m, batch_size):
                x, y = x_train[start : start + batch_size], y_train[start : start + batch_size]
                a1 = np.maximum(0, x @ self.w1 + self.b1)
                z2 = a1 @ self.w2 + self.b2
                exps = np.exp(z2 - z2.max(axis=1, keepdims=True))
                a2 = exps / exps.sum(axis=1, keepdims=True)
                loss = -np.log(a2[np.arange(len(y)), y]).mean()
                dz2 = (a2 - np.eye(a2.shape[1])[y]) / len(y)
                dz1 = (dz2 @ self.w2.T) * (a1 > 0)
                self.w1 -= self.learning_rate * (x.T @ dz1 + 0.001 * self.w1)
                self.b1 -= self.learning_rate * dz1.sum(axis=0, keepdims=True)
                self.w2 -= self.learning_rate * (a1.T @ dz2 + 0.001 * self.w2)
                self.b2 -= self.learning_rate * dz2.sum(axis=0, keepdims=True)
            lines.append((epoch, loss))
        return lines


def test_train_equals_the_tutorial(mlp_class, capsys):
    np.random.seed(42)
    tutorial = Tutorial(N_FEATURES, 8, N_CLASSES, 0.1)
    lines = tutorial.train(X, Y, epochs=4, batch_size=32)
    next_draw = np.random.rand()

    np.random.seed(42)
    network = mlp_class(N_FEATURES, 8, N_CLASSES, 0.1)
    network.train(X, Y, 4, 32)
    assert np.random.rand() == next_draw  # the stream is left where the tutorial leaves it
    for name in ("w1", "b1", "w2", "b2"):
        assert getattr(network, name).dtype == np.float64
        assert_allclose(getattr(network, name), getattr(tutorial, name), rtol=1e-9, atol=1e-12)

    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 4
    for line, (epoch, loss) in zip(printed, lines, strict=True):
        start, _, figure = line.partition(", Loss: ")
        assert start == f"Epoch {epoch}"
        assert_allclose(float(figure), loss, rtol=1e-9)


def test_loop_by_hand_equals_train(mlp_class):
    """The methods that a tutorial calls one by one add up to `train`."""
    trained, by_hand = (make_network(mlp_class, learning_rate=0.1) for _ in range(2))
    trained.train(X, Y, epochs=2, batch_size=40, lambda_reg=0.01, verbose=False)
    x, y = X, Y
    for _ in range(2):
        order = by_hand.random_state.permutation(len(x))
        x, y = x[order], y[order]
        for start in range(0, len(x), 40):
            rows = slice(start, start + 40)
            a1, a2 = by_hand.forward(x[rows])
            loss = by_hand.compute_loss(y[rows], a2)
            by_hand.update_weights(*by_hand.backward(x[rows], y[rows], a1, a2), lambda_reg=0.01)
    assert_same_parameters(trained, by_hand)
    assert_allclose(trained.history_.loss[-1], loss, rtol=1e-9)


def test_every_argument_of_the_tutorial_has_its_name_and_place(mlp_class):
    network = mlp_class(input_size=4, hidden_size=3, output_size=2, learning_rate=0.5)
    x, y = np.ones((2, 4)), np.array([0, 1])
    a1, a2 = network.forward(x=x)
    dw1, db1, dw2, db2 = network.backward(x=x, y_true=y, a1=a1, a2=a2)
    w1 = network.w1
    network.update_weights(dw1, db1, dw2, db2, 0.25)
    assert_allclose(network.w1, w1 - 0.5 * (dw1 + 0.25 * w1), rtol=1e-14)
    w1 = network.w1
    network.update_weights(dw1=dw1, db1=db1, dw2=dw2, db2=db2)
    assert_allclose(network.w1, w1 - 0.5 * (dw1 + 0.001 * w1), rtol=1e-14)
    network.train(x_train=x, y_train=y, epochs=1, batch_size=1)
    assert network.predict(x=x).shape == (2,)
    assert network.compute_loss(y_true=y, y_pred=[[1, 0], [0, 1]]) == 0
    assert_array_equal(network.relu(z=np.array([-1.0, 2.0])), [0, 2])
    assert_array_equal(network.relu_derivative(z=np.array([-1.0, 2.0])), [0, 1])
    assert_allclose(network.softmax(z=np.zeros((1, 2))), [[0.5, 0.5]])


@pytest.mark.parametrize(
    ("hidden", "init", "is_he"),
    [((6, 5), None, True), ((6, 5), "tutorial", False), ((6,), None, False), ((6,), "he", True)],
)
def test_weights_are_drawn_in_order_from_the_global_generator(mlp_class, hidden, init, is_he):
    shapes = list(itertools.pairwise((4, *hidden, 2)))
    np.random.seed(3)
    expected = [
        np.random.randn(*shape) * (np.sqrt(2 / shape[0]) if is_he else 0.01) for shape in shapes
    ]
    np.random.seed(3)
    network = mlp_class(4, hidden, 2, init=init)
    for w, drawn in zip(network.weights, expected, strict=True):
        assert_array_equal(w, drawn)
    assert [b.shape for b in network.biases] == [(1, n_out) for _, n_out in shapes]
    assert not any(b.any() for b in network.biases)
    assert network.w2 is network.weights[1]


def test_private_random_state_leaves_the_global_generator_alone(mlp_class):
    before = np.random.get_state()[1].copy()
    seeded = make_network(mlp_class, random_state=5)
    seeded.train(X, Y, 2, verbose=False)
    assert_array_equal(np.random.get_state()[1], before)

    np.random.seed(5)
    unseeded = make_network(mlp_class, random_state=None)
    unseeded.train(X, Y, 2, verbose=False)
    assert_same_parameters(seeded, unseeded, rtol=0, atol=0)
    given = make_network(mlp_class, random_state=np.random.RandomState(5))
    given.train(X, Y, 2, verbose=False)
    assert_same_parameters(seeded, given, rtol=0, atol=0)


def test_weights_can_be_assigned_between_calls(mlp_class):
    trained, other = make_network(mlp_class), make_network(mlp_class, random_state=8)
    trained.train(X, Y, 2, verbose=False)
    for name in ("w1", "b1", "w2", "b2"):
        setattr(other, name, np.asfortranarray(getattr(trained, name)))
    assert_array_equal(other.predict_proba(X), trained.predict_proba(X))
    other.w2 = other.w2.tolist()
    other.random_state = copy.deepcopy(trained.random_state)
    other.train(X, Y, 1, verbose=False)
    trained.train(X, Y, 1, verbose=False)
    assert_same_parameters(trained, other, rtol=0, atol=0)


def test_float32_weights_assigned_to_a_fresh_network_predict_in_float32(mlp_class):
    network = make_network(mlp_class)
    network.w1 = network.w1.astype(np.float32)
    assert network.predict_proba(X).dtype == np.float64
    for name in ("b1", "w2", "b2"):
        setattr(network, name, getattr(network, name).astype(np.float32))
    assert network.predict_proba(X).dtype == np.float32


@pytest.mark.parametrize("hidden", [(6, 5), [4], (5, 4, 3), np.array([4, 4])])
def test_deeper_networks(mlp_class, hidden):
    network = make_network(mlp_class, hidden=hidden, learning_rate=0.1)
    start = copy.deepcopy(network)
    network.train(X, Y, epochs=1, batch_size=len(X), verbose=False)
    activations = start.forward(X)
    assert len(activations) == len(hidden) + 1
    start.update_weights(*start.backward(X, Y, *activations), 0.001)
    assert_same_parameters(network, start)
    assert network.layer_sizes == (N_FEATURES, *hidden, N_CLASSES)


def test_network_learns(mlp_class):
    network = make_network(mlp_class, hidden=16, learning_rate=0.5)
    history = network.train(X, Y, 200, 16, lambda_reg=0, verbose=False, validation_data=(X, Y))
    assert history.val_accuracy[-1] == network.score(X, Y) > 0.95
    assert network.score(X, Y) == np.mean(network.predict(X) == Y)
    probabilities = network.predict_proba(X)
    assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    assert_array_equal(probabilities.argmax(axis=1), network.predict(X))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_copies_go_on_alike_and_apart(mlp_class, copied):
    network = make_network(mlp_class, input_scale=255, n_threads=1)
    network.train(X8, Y, 1, verbose=False)
    twin = copied(network)
    assert_array_equal(twin.predict_proba(X8), network.predict_proba(X8))
    before = [a.copy() for a in parameters(network)]
    twin.train(X8, Y, 1, verbose=False)
    for array, kept in zip(parameters(network), before, strict=True):
        assert_array_equal(array, kept)
    network.train(X8, Y, 1, verbose=False)
    assert_same_parameters(network, twin, rtol=0, atol=0)


def test_network_of_the_global_generator_can_be_pickled(mlp_class):
    network = make_network(mlp_class, random_state=None)
    twin = pickle.loads(pickle.dumps(network))
    assert_array_equal(twin.w1, network.w1)
