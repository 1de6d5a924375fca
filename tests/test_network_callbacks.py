"""What happens during a training: history, callbacks, interrupts."""

from __future__ import annotations

import copy
import itertools
import os
import signal
import threading

import numpy as np
import pytest
from network_tools import (
    N_CLASSES,
    N_FEATURES,
    X,
    Y,
    assert_same_parameters,
    make_network,
    parameters,
)
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import History, reference


def test_history_and_callbacks(mlp_class, capsys):
    seen = []

    def second_epoch(epoch, logs):
        seen.append((epoch, dict(logs)))
        return epoch == 2

    network = make_network(mlp_class)
    history = network.train(
        X, Y, 5, validation_data=(X, Y), callbacks=[second_epoch, lambda *_: seen.append("last")]
    )
    assert [entry if entry == "last" else entry[0] for entry in seen] == [1, "last", 2, "last"]
    assert history is network.history_
    assert isinstance(history, History)
    logs = seen[2][1]
    assert logs["rows_per_second"] == pytest.approx(len(X) / logs["seconds"])
    columns = ["loss", "mean_loss", "val_loss", "val_accuracy", "seconds"]
    assert list(logs) == [*columns[:2], "seconds", "rows_per_second", *columns[2:4]]
    for name in columns:
        assert getattr(history, name) == [seen[0][1][name], logs[name]]
    frame = history.to_frame()
    assert list(frame.columns) == columns
    assert list(frame.index) == [1, 2]
    assert frame.index.name == "epoch"
    line = capsys.readouterr().out.splitlines()[-1]
    assert line == (
        f"Epoch 2, Loss: {logs['loss']}, Validation Accuracy: {logs['val_accuracy'] * 100:.2f}%"
    )
    without = network.train(X, Y, 1, verbose=False).to_frame()
    assert list(without.columns) == ["loss", "mean_loss", "seconds"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("result", [1, "yes", 0.5, [True]])
def test_only_true_stops(mlp_class, result):
    history = make_network(mlp_class).train(X, Y, 2, verbose=False, callbacks=[lambda *_: result])
    assert len(history.loss) == 2


def test_callback_reads_and_assigns_weights_and_learning_rate(mlp_class):
    changed = make_network(mlp_class, learning_rate=0.1)
    expected = make_network(mlp_class, learning_rate=0.1)
    seen = []

    def change(epoch, logs):
        seen.append(changed.w1.copy())
        if epoch == 1:
            changed.learning_rate = 0.02
            changed.w1 = changed.w1 * 2
            changed.b2[:] = 1

    changed.train(X, Y, 2, verbose=False, callbacks=[change])
    expected.train(X, Y, 1, verbose=False)
    assert_allclose(seen[0], expected.w1, rtol=1e-12)
    expected.w1 = expected.w1 * 2
    expected.b2[:] = 1
    expected.learning_rate = 0.02
    # A second call to train starts from rows in their own order, the second epoch does not.
    first = np.random.RandomState(7)
    for shape in itertools.pairwise(expected.layer_sizes):
        first.randn(*shape)
    order = first.permutation(len(X))
    expected.train(X[order], Y[order], 1, verbose=False)
    assert_same_parameters(changed, expected)
    assert_array_equal(seen[1], changed.w1)


def test_callback_that_fails_leaves_whole_epochs(mlp_class):
    def fail(epoch, logs):
        if epoch == 2:
            raise RuntimeError("disk full")

    network, expected = make_network(mlp_class), make_network(mlp_class)
    with pytest.raises(RuntimeError, match="disk full"):
        network.train(X, Y, 5, verbose=False, callbacks=[fail])
    expected.train(X, Y, 2, verbose=False)
    assert_same_parameters(network, expected, rtol=0, atol=0)
    assert len(network.history_.loss) == 2


def test_interrupt_inside_a_step_of_the_reference(monkeypatch):
    """Ctrl-C between the gradients and the update of the third step leaves two steps."""
    network = make_network(reference.MLP)
    weights, biases = [w.copy() for w in network.weights], [b.copy() for b in network.biases]
    random_state = copy.deepcopy(network.random_state)
    update, calls = reference.trainer.optimizer_step, []

    def interrupted(*arguments):
        calls.append(update(*arguments))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return calls[-1]

    monkeypatch.setattr(reference.trainer, "optimizer_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        network.train(X, Y, 1, 32, verbose=False)
    monkeypatch.undo()
    assert network.history_.loss == []
    order = random_state.permutation(len(X))[:64]
    trainer = reference.Trainer(weights, biases, X, Y, batch_size=32)
    trainer.epoch(order)
    trainer.export()
    for got, expected in zip(parameters(network), [*weights, *biases], strict=True):
        assert_array_equal(got, expected)


def every_step(network, x, y, batch_size, epochs):
    """The reference's parameters at the start and after each step of `train`."""
    weights, biases = network.weights, network.biases
    order = np.arange(len(x))
    yield weights, biases
    for _ in range(epochs):
        order = order[network.random_state.permutation(len(x))]
        for at in range(0, len(x), batch_size):
            rows = order[at : at + batch_size]
            activations = reference.forward(weights, biases, x[rows])
            gradients = reference.backward(weights, x[rows], y[rows], activations)
            weights, biases = reference.update(weights, biases, *gradients, 0.01, 0.001)
            yield weights, biases


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
def test_ctrl_c_leaves_the_weights_of_a_whole_step(mlp_class):
    """A real SIGINT, some time after the first epoch, finds the weights between two steps."""
    n_rows, batch_size = 100_000, 50
    x = np.random.RandomState(1).rand(n_rows, N_FEATURES)
    y = np.argmax(x[:, :N_CLASSES], axis=1)
    network = make_network(mlp_class)
    start = copy.deepcopy(network)
    timer = threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT))

    def interrupt_soon(epoch, logs):
        if epoch == 1:
            timer.start()

    with pytest.raises(KeyboardInterrupt):
        network.train(x, y, 10_000, batch_size, verbose=False, callbacks=[interrupt_soon])
    timer.join()
    finished = len(network.history_.loss)
    assert finished >= 1
    for weights, biases in every_step(start, x, y, batch_size, finished + 1):
        if np.allclose(weights[1], network.w2, rtol=0, atol=1e-10):
            assert_allclose(network.w1, weights[0], rtol=1e-7)
            assert_allclose(network.b1, biases[0], rtol=1e-7)
            assert_allclose(network.b2, biases[1], rtol=1e-7)
            return
    raise AssertionError("the weights are those of no whole step")
