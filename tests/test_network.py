"""The tutorial's API and its additions, for both classes."""

from __future__ import annotations

import copy
import itertools
import os
import pickle
import signal
import threading

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import History, reference

N_FEATURES, N_CLASSES = 12, 3


def make_rows(n_rows=150, seed=0):
    """Whole numbers 0..255, half of them 0; the largest of the first three is the label."""
    rng = np.random.RandomState(seed)
    x = rng.randint(0, 256, (n_rows, N_FEATURES)) * (rng.rand(n_rows, N_FEATURES) < 0.5)
    return x.astype(np.uint8), np.argmax(x[:, :N_CLASSES], axis=1)


X8, Y = make_rows()
X = X8 / 255.0


def make_network(mlp_class, hidden=8, **keywords):
    keywords = {"random_state": 7, **keywords}
    return mlp_class(N_FEATURES, hidden, N_CLASSES, **keywords)


def parameters(network):
    return [*network.weights, *network.biases]


def assert_same_parameters(a, b, **tolerance):
    for left, right in zip(parameters(a), parameters(b), strict=True):
        assert left.dtype == right.dtype
        assert_allclose(left, right, **({"rtol": 1e-9, "atol": 1e-12} | tolerance))


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


def test_weights_are_drawn_in_order_from_the_global_generator(mlp_class):
    np.random.seed(3)
    expected = [np.random.randn(*shape) * 0.01 for shape in [(4, 6), (6, 5), (5, 2)]]
    np.random.seed(3)
    network = mlp_class(4, (6, 5), 2)
    for w, drawn in zip(network.weights, expected, strict=True):
        assert_array_equal(w, drawn)
    assert [b.shape for b in network.biases] == [(1, 6), (1, 5), (1, 2)]
    assert not any(b.any() for b in network.biases)
    assert network.w3 is network.weights[2]


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


@pytest.mark.parametrize(
    ("x", "dtype", "expected"),
    [
        (X8, None, "float32"),
        (X.astype("f4"), None, "float32"),
        (X.astype(">f4"), None, "float32"),
        (X, None, "float64"),
        (X8.astype("i8"), None, "float64"),
        (X8 > 0, None, "float64"),
        (X.astype("f2"), None, "float64"),
        (X8, "float64", "float64"),
        (X, np.float32, "float32"),
    ],
)
def test_dtype_of_training(mlp_class, x, dtype, expected):
    network = make_network(mlp_class, dtype=dtype)
    assert {a.dtype.name for a in parameters(network)} == {expected if dtype else "float64"}
    network.train(x, Y, 1, verbose=False)
    assert {a.dtype.name for a in parameters(network)} == {expected}
    assert network.predict_proba(x).dtype == expected
    assert {a.dtype.name for a in network.forward(x)} == {expected}


def layouts(x):
    strided = np.zeros((2 * len(x), x.shape[1] + 3), x.dtype)
    strided[::2, 3:] = x
    read_only = x.copy()
    read_only.setflags(write=False)
    return {
        "fortran": np.asfortranarray(x),
        "strided": strided[::2, 3:],
        "reversed": x[::-1].copy()[::-1],
        "read_only": read_only,
        "big_endian": x.astype(x.dtype.newbyteorder(">")),
        "list": x.tolist(),
        "frame": pd.DataFrame(x),
        "object": x.astype(object),
    }


@pytest.mark.parametrize("layout", layouts(X))
def test_layouts_give_the_same_results(mlp_class, layout):
    plain, other = make_network(mlp_class), make_network(mlp_class)
    plain.train(X, Y, 2, verbose=False, validation_data=(X, Y))
    given = layouts(X)[layout]
    other.train(given, Y, 2, verbose=False, validation_data=(given, Y))
    assert_same_parameters(plain, other, rtol=0, atol=0)
    assert plain.history_.val_accuracy == other.history_.val_accuracy
    assert_array_equal(plain.predict(X), other.predict(given))
    assert plain.score(X, Y) == other.score(given, Y)


def test_memory_mapped_rows_give_the_same_results(mlp_class, tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    plain, other = make_network(mlp_class), make_network(mlp_class)
    plain.train(X, Y, 2, verbose=False)
    other.train(mapped, Y, 2, verbose=False)
    assert_same_parameters(plain, other, rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["f2", "i8", ">i2", "u4", "object"])
def test_number_types_give_the_same_results(mlp_class, kind):
    """Whole numbers up to 255 are exact in all of these."""
    plain, other = (make_network(mlp_class, learning_rate=1e-5) for _ in range(2))
    plain.train(X8.astype(np.float64), Y, 2, verbose=False)
    other.train(X8.astype(kind), Y, 2, verbose=False)
    assert_same_parameters(plain, other, rtol=0, atol=0)


@pytest.mark.parametrize(
    "make",
    [list, tuple, pd.Series, lambda y: y.astype(np.uint8), lambda y: y.astype(">f4")],
)
def test_label_types_give_the_same_results(mlp_class, make):
    plain, other = make_network(mlp_class), make_network(mlp_class)
    plain.train(X, Y, 2, verbose=False)
    other.train(X, make(Y), 2, verbose=False)
    assert_same_parameters(plain, other, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_input_scale_has_the_bits_of_a_division(mlp_class, dtype):
    scaled = make_network(mlp_class, dtype=dtype, input_scale=255)
    scaled.train(X8, Y, 2, verbose=False)
    for x in (X8 / np.dtype(dtype).type(255), X8.astype(np.int64)):
        other = make_network(mlp_class, dtype=dtype, input_scale=255)
        other.train(x, Y, 2, verbose=False)
        assert_same_parameters(scaled, other, rtol=0, atol=0)
        assert_array_equal(scaled.predict_proba(X8), other.predict_proba(x))


def test_callers_arrays_are_never_changed(mlp_class):
    x8, x, y = X8.copy(), X.copy(), Y.copy()
    network = make_network(mlp_class, input_scale=255, learning_rate=0.1)
    w1, b2 = network.w1 + 1, network.b2 + 1
    network.w1, network.b2 = given = w1.copy(), b2.copy()
    network.train(x, y, 2, verbose=False)
    network.train(x8, y, 2, verbose=False, validation_data=(x8, y))
    a1, a2 = network.forward(x)
    kept = a1.copy(), a2.copy()
    network.update_weights(*network.backward(x, y, a1, a2))
    for array, original in zip((x8, x, y, *given, a1, a2), (X8, X, Y, w1, b2, *kept), strict=True):
        assert_array_equal(array, original)


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
    assert (history.loss[1], history.val_accuracy[1], history.seconds[1]) == (
        logs["loss"],
        logs["val_accuracy"],
        logs["seconds"],
    )
    frame = history.to_frame()
    assert list(frame.columns) == ["loss", "val_accuracy", "seconds"]
    assert list(frame.index) == [1, 2]
    assert frame.index.name == "epoch"
    line = capsys.readouterr().out.splitlines()[-1]
    assert line == (
        f"Epoch 2, Loss: {logs['loss']}, Validation Accuracy: {logs['val_accuracy'] * 100:.2f}%"
    )
    without = network.train(X, Y, 1, verbose=False).to_frame()
    assert list(without.columns) == ["loss", "seconds"]
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
    update, calls = reference.update, []

    def interrupted(*arguments):
        calls.append(update(*arguments))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return calls[-1]

    monkeypatch.setattr(reference, "update", interrupted)
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


def test_divergence_shows(mlp_class):
    network = make_network(mlp_class, learning_rate=1e200)
    history = network.train(X, Y, 3, lambda_reg=0, verbose=False)
    assert np.isnan(history.loss[-1])
    with np.errstate(invalid="ignore"):
        assert np.isnan(network.predict_proba(X)).any()


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


def test_a_last_short_batch_and_a_batch_larger_than_the_rows(mlp_class):
    for n_rows, batch_size in [(1, 64), (5, 4), (65, 64), (3, 1)]:
        network = make_network(mlp_class)
        expected = make_network(reference.MLP)
        network.train(X[:n_rows], Y[:n_rows], 2, batch_size, verbose=False)
        expected.train(X[:n_rows], Y[:n_rows], 2, batch_size, verbose=False)
        assert_same_parameters(network, expected)


@pytest.mark.parametrize("kind", ["csr_matrix", "csr_array", "csc_array", "coo_matrix"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int64])
def test_sparse_rows_give_the_same_results(mlp_class, kind, dtype):
    sparse = pytest.importorskip("scipy.sparse")
    rows = getattr(sparse, kind)(X8.astype(dtype))
    plain, other = (make_network(mlp_class, learning_rate=1e-5) for _ in range(2))
    plain.train(X8.astype(dtype), Y, 2, verbose=False)
    other.train(rows, Y, 2, verbose=False, validation_data=(rows, Y))
    assert_same_parameters(plain, other)
    assert_allclose(other.predict_proba(rows), plain.predict_proba(X8.astype(dtype)), rtol=1e-6)
