"""Activation, loss, optimiser, dropout and the first weights, as both classes take them."""

from __future__ import annotations

import copy
import inspect
import itertools
from typing import Any

import numpy as np
import pytest
from network_tools import TARGETS, X8, X, Y, assert_same_parameters, make_network
from numpy.testing import assert_allclose, assert_array_equal

import fastmlp
from fastmlp import kernels, reference
from fastmlp.problem import Problem

SETTINGS: list[dict[str, Any]] = [
    {"optimizer": "adam", "learning_rate": 0.01},
    {"optimizer": "adamw", "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4, "learning_rate": 0.01},
    {"optimizer": "nesterov", "momentum": 0.5},
    {"optimizer": "momentum", "activation": ("tanh", "silu"), "hidden": (8, 5)},
    {"activation": "gelu", "hidden": (8, 5), "dropout": 0.4},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "-".join(map(str, s.values())))
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_both_classes_train_alike_and_by_what_was_asked_for(settings, loss):
    settings = {"loss": loss, "learning_rate": 0.05} | settings
    y = TARGETS[loss]
    compiled, slow = (make_network(c, **settings) for c in (fastmlp.MLP, reference.MLP))
    for network in (compiled, slow):
        network.train(X, y, 4, 32, lambda_reg=0.01, verbose=False, validation_data=(X, y))
    assert_same_parameters(compiled, slow, rtol=1e-7, atol=1e-9)
    for name in ("loss", "mean_loss", "val_loss"):
        assert_allclose(
            getattr(compiled.history_, name), getattr(slow.history_, name), rtol=1e-7, atol=1e-9
        )

    # And as the reference's Trainer does when it is told the same.
    start = make_network(reference.MLP, **settings)
    stream = np.random.RandomState(7)
    for shape in itertools.pairwise(start.layer_sizes):
        stream.randn(*shape)
    seed = stream.randint(2**32, dtype=np.uint32) if "dropout" in settings else 0
    names = {n: v for n, v in settings.items() if n not in ("hidden", "learning_rate")}
    trainer = reference.Trainer(
        start.weights, start.biases, X, y.astype(float) if y.ndim == 2 else y,
        problem=Problem(**names), batch_size=32, lambda_reg=0.01, seed=int(seed),
        learning_rate=settings["learning_rate"],
    )  # fmt: skip
    order = np.arange(len(X))
    for _ in range(4):
        order = order[stream.permutation(len(X))]
        trainer.epoch(order)
    trainer.export()
    assert_same_parameters(slow, start, rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"activation": "rely"}, ValueError, "activation is 'rely': .*'tanh', 'relu', 'leaky"),
        ({"activation": ("relu", "tanh")}, ValueError, "activation is .*, or one for each of 1"),
        ({"activation": ("relu", 3)}, TypeError, "activation is 3: give one of"),
        ({"activation": None}, TypeError, "activation is None: give one of"),
        ({"loss": "mse"}, ValueError, "loss is 'mse': give one of 'cross_entropy', "),
        ({"optimizer": "Adam"}, ValueError, "optimizer is 'Adam': give .*'nesterov', 'adam', 'ad"),
        ({"optimizer": "gradient"}, ValueError, "optimizer is 'gradient': give one of 'sgd'"),
        ({"momentum": 1}, ValueError, "momentum is 1: give a number from 0 on, below 1"),
        ({"beta_1": -0.1}, ValueError, "beta_1 is -0.1"),
        ({"beta_2": 1.5}, ValueError, "beta_2 is 1.5"),
        ({"epsilon": 0}, ValueError, "epsilon is 0"),
        ({"dropout": 1}, ValueError, "dropout is 1"),
        ({"dropout": "half"}, TypeError, "dropout is 'half'"),
        ({"init": "xavier"}, ValueError, "init is 'xavier': give one of 'tutorial', 'he'"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(mlp_class, settings, error, message):
    with pytest.raises(error, match=message):
        make_network(mlp_class, **settings)


@pytest.mark.parametrize("name", ["activation", "loss", "optimizer", "dropout", "epsilon"])
def test_settings_may_be_assigned_and_are_checked_where_they_are_used(mlp_class, name):
    network = make_network(mlp_class)
    setattr(network, name, -1)
    for call in (lambda: network.predict(X), lambda: network.train(X, Y, 1, verbose=False)):
        with pytest.raises((ValueError, TypeError), match=f"^{name} is -1: give"):
            call()
    network = make_network(mlp_class)
    network.optimizer, network.activation = "adam", "tanh"
    expected = make_network(mlp_class, optimizer="adam", activation="tanh")
    for trained in (network, expected):
        trained.train(X, Y, 2, verbose=False)
    assert_same_parameters(network, expected, rtol=0, atol=0)


def test_entries_from_outside_count(mlp_class, monkeypatch):
    monkeypatch.setitem(reference.ACTIVATIONS, "mine", reference.ACTIVATIONS["tanh"])
    network = make_network(mlp_class, activation="mine")
    if network.engine is kernels:  # until it is there as well
        with pytest.raises(ValueError, match="activation is 'mine': give one of"):
            network.predict(X)
        monkeypatch.setitem(kernels.ACTIVATIONS, "mine", kernels.ACTIVATIONS["tanh"])
    tanh = make_network(mlp_class, activation="tanh")
    assert_array_equal(network.predict_proba(X), tanh.predict_proba(X))


@pytest.mark.parametrize("loss", TARGETS)
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_a_loop_by_hand_equals_train_for_every_loss(mlp_class, loss, activation):
    y = TARGETS[loss]
    trained, by_hand = (
        make_network(mlp_class, hidden=(8, 5), activation=activation, loss=loss, learning_rate=0.1)
        for _ in range(2)
    )
    trained.train(X, y, 1, 40, lambda_reg=0.01, verbose=False)
    order = by_hand.random_state.permutation(len(X))
    for start in range(0, len(X), 40):
        rows = order[start : start + 40]
        activations = by_hand.forward(X[rows])
        loss_before = by_hand.compute_loss(y[rows], activations[-1])
        gradients = by_hand.backward(X[rows], y[rows], *activations)
        by_hand.update_weights(*gradients, lambda_reg=0.01)
    assert_same_parameters(trained, by_hand, rtol=1e-9)
    assert_allclose(trained.history_.loss[-1], loss_before, rtol=1e-9)


@pytest.mark.parametrize(("name", "value"), [("optimizer", "adam"), ("dropout", 0.5)])
def test_steps_by_hand_are_plain_gradient_descent(mlp_class, name, value):
    network = make_network(mlp_class, **{name: value})
    before = copy.deepcopy(network)
    gradients = network.backward(X, Y, *network.forward(X))
    with pytest.raises(ValueError, match=f"{name} is {value!r}, .*use train"):
        network.update_weights(*gradients)
    assert_same_parameters(network, before, rtol=0, atol=0)


def test_only_dropout_draws_a_seed(mlp_class):
    plain, dropping = make_network(mlp_class), make_network(mlp_class, dropout=0.5)
    for network in (plain, dropping):
        network.train(X, Y, 1, verbose=False)
    expected = np.random.RandomState(7)
    for shape in itertools.pairwise(plain.layer_sizes):
        expected.randn(*shape)
    other = copy.deepcopy(expected)
    expected.permutation(len(X))
    assert plain.random_state.randint(10**6) == expected.randint(10**6)
    other.randint(2**32, dtype=np.uint32)
    other.permutation(len(X))
    assert dropping.random_state.randint(10**6) == other.randint(10**6)
    again = make_network(mlp_class, dropout=0.5)
    again.train(X, Y, 1, verbose=False)
    assert_same_parameters(again, dropping, rtol=0, atol=0)


def test_deep_networks_learn_from_their_first_weights(mlp_class):
    """From N(0, 0.01), none of these epochs would show in the loss."""
    network = make_network(mlp_class, hidden=(16, 16), learning_rate=0.1, input_scale=255)
    history = network.train(X8, Y, 40, 16, verbose=False)
    starved = make_network(mlp_class, hidden=(16, 16), learning_rate=0.1, init="tutorial")
    assert history.mean_loss[-1] < 0.5
    assert starved.train(X, Y, 40, 16, verbose=False).mean_loss[-1] > 1


def test_what_prediction_needs_is_prepared_before_the_first_epoch(monkeypatch):
    calls: list[str] = []
    prepare, epoch = kernels.prepare, kernels.Trainer.epoch

    def prepared(*arguments):
        calls.append("prepare")
        return prepare(*arguments)

    def one_epoch(trainer, *arguments):
        calls.append("epoch")
        return epoch(trainer, *arguments)

    monkeypatch.setattr(kernels, "prepare", prepared)
    monkeypatch.setattr(kernels.Trainer, "epoch", one_epoch)
    network = make_network(fastmlp.MLP)
    network.train(X, Y, 2, verbose=False, validation_data=(X, Y))
    assert calls == ["prepare", "epoch", "epoch"]


def test_repr_is_the_call_that_makes_the_network(mlp_class):
    assert repr(mlp_class(4, 3, 2, random_state=0)) == "MLP(4, 3, 2)"
    network = mlp_class(
        4, (3, 5), 2, 0.5, activation=("tanh", "relu"), optimizer="adam", dropout=0.25,
        dtype="float32", n_threads=1, input_scale=255, random_state=0,
    )  # fmt: skip
    assert repr(network) == (
        "MLP(4, (3, 5), 2, learning_rate=0.5, activation=('tanh', 'relu'), optimizer='adam', "
        "dropout=0.25, dtype='float32', n_threads=1, input_scale=255.0)"
    )
    again = eval(repr(network), {"MLP": mlp_class})
    assert again.problem == network.problem
    assert repr(again) == repr(network)


def test_help_documents_every_parameter():
    assert fastmlp.MLP.__doc__ is not None
    documented = fastmlp.MLP.__doc__.partition("Attributes")[0]
    for name in inspect.signature(fastmlp.MLP).parameters:
        assert f"\n    {name} : " in documented or f"{name} :" in documented or (
            name in ("beta_1", "beta_2") and "beta_1, beta_2 :" in documented
        )  # fmt: skip
    for table in (reference.ACTIVATIONS, reference.LOSSES, reference.OPTIMIZERS):
        for name in table:
            assert f"'{name}'" in documented or name == "gradient"


def test_history_is_short_to_read_and_can_be_drawn(mlp_class):
    network = make_network(mlp_class)
    assert repr(network.history_) == "<History: 0 epochs>"
    history = network.train(X, Y, 50, verbose=False, validation_data=(X, Y))
    assert len(repr(history)) < 120
    assert repr(history).startswith("<History: 50 epochs, ")
    assert f"val_accuracy {history.val_accuracy[-1]:.4g}>" in repr(history)
    losses, accuracy = history.plot().axes
    assert [list(line.get_ydata()) for line in losses.lines] == [
        history.mean_loss,
        history.val_loss,
    ]
    assert len(accuracy.lines) == 1
