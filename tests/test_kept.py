"""Predictors that are kept beside networks: laid out once, and never wrong after a change."""

from __future__ import annotations

import copy
import gc
import os
import threading
import weakref

import numpy as np
import pytest
from network_tools import X8, X, Y, make_network
from numpy.testing import assert_array_equal

import fastmlp
from fastmlp import kernels, reference
from fastmlp.kernels import inference, kept

METHODS = {
    "predict": lambda network, x: network.predict(x),
    "predict_proba": lambda network, x: network.predict_proba(x),
    "forward": lambda network, x: np.hstack(network.forward(x)),
    "score": lambda network, x: network.score(x, np.arange(len(x)) % 3),
}


@pytest.fixture
def laid_out(monkeypatch):
    """A list that grows with each plan that is laid out."""
    made = []
    lay_out = inference._Worker.__init__

    def counted(worker, *arguments):
        made.append(worker)
        lay_out(worker, *arguments)

    monkeypatch.setattr(inference._Worker, "__init__", counted)
    return made


def make_classifier():
    model = fastmlp.MLPClassifier((8,), max_iter=1000, tol=1, random_state=0)
    return model.fit(X, Y)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("make", [lambda: make_network(fastmlp.MLP), make_classifier])
def test_a_plan_is_laid_out_once(laid_out, make, method):
    network = make()
    if not hasattr(network, method):
        pytest.skip("an estimator has no such method")
    dense = X + 1  # in which zeros are never skipped
    for x in (dense[:1], dense[:100], np.tile(dense, (9, 1)), dense[5:6]):
        got = METHODS[method](network, x)
        assert_array_equal(got, METHODS[method](copy.deepcopy(network), x))
    assert len(laid_out) == 1 + 4  # by the network, and by its copies


def test_validation_lays_out_once(laid_out):
    make_network(fastmlp.MLP).train(X, Y, 5, verbose=False, validation_data=(X, Y))
    assert len(laid_out) == 2  # one of them to compile before the first epoch


CHANGES = {
    "in place": lambda network: network.w1.__setitem__((2, 3), 7.0),
    "a bias in place": lambda network: network.b2.__setitem__((0, 1), 7.0),
    "other weights": lambda network: setattr(network, "w2", network.w2 + 1),
    "another dtype": lambda network: setattr(network, "dtype", np.dtype("f4")),
    "one array's dtype": lambda network: setattr(network, "w1", network.w1.astype("f4")),
    "another order": lambda network: setattr(network, "w1", np.asfortranarray(network.w1)),
    "a list": lambda network: setattr(network, "w1", np.add(network.w1, 1).tolist()),
    "read-only": lambda network: network.w1.setflags(write=False),
    "activation": lambda network: setattr(network, "activation", "tanh"),
    "activation in a list": lambda network: setattr(network, "activation", ["gelu"]),
    "loss": lambda network: setattr(network, "loss", "binary_cross_entropy"),
    "threads": lambda network: setattr(network, "n_threads", 2),
    "scale": lambda network: setattr(network, "input_scale", 4),
    "sizes": lambda network: vars(network).update(vars(make_network(fastmlp.MLP, (4, 5)))),
    "a training": lambda network: network.train(X8, Y, 1, verbose=False),
    "a step by hand": lambda network: network.update_weights(
        *network.backward(X8, Y, *network.forward(X8))
    ),
}


@pytest.mark.parametrize("n_rows", [1, 150])
@pytest.mark.parametrize("change", CHANGES)
def test_what_is_changed_counts(change, n_rows):
    network = make_network(fastmlp.MLP)
    before = network.predict_proba(X8[:n_rows])
    for _ in range(2):
        CHANGES[change](network)
        got = network.predict_proba(X8[:n_rows])
        slow = make_network(reference.MLP)
        vars(slow).update(vars(network))
        np.testing.assert_allclose(got, slow.predict_proba(X8[:n_rows]), rtol=1e-5, atol=1e-7)
        assert_array_equal(got, copy.deepcopy(network).predict_proba(X8[:n_rows]))
        assert_array_equal(network.predict(X8[:n_rows]), slow.predict(X8[:n_rows]))
    if change not in ("another order", "read-only", "threads", "one array's dtype"):
        assert np.any(got != before)


def test_an_entry_that_is_replaced_counts(monkeypatch):
    network = make_network(fastmlp.MLP, activation="tanh")
    network.predict(X)
    for engine in (kernels, reference):
        monkeypatch.setitem(engine.ACTIVATIONS, "tanh", engine.ACTIVATIONS["gelu"])
    gelu = make_network(fastmlp.MLP, activation="gelu")
    assert_array_equal(network.predict_proba(X), gelu.predict_proba(X))


@pytest.mark.parametrize("sizes", [(5, 1, 3), (7, 33, 2), (3, 64, 17), (40, 16, 8)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_parameter_that_is_not_finite_is_found(sizes, dtype):
    network = fastmlp.MLP(*sizes, random_state=0, dtype=dtype)
    x = np.zeros((1, sizes[0]), dtype)
    network.predict(x)
    for name in ("w1", "b1", "w2", "b2"):
        array = getattr(network, name)
        for place in range(array.size):
            kind = (np.nan, np.inf, -np.inf)[place % 3]
            value, array.flat[place] = array.flat[place], kind
            for call in (network.predict, network.forward):
                with pytest.raises(ValueError, match=f"^{name} holds NaN or infinity"):
                    call(x)
            array.flat[place] = value
        array.flat[0] = np.finfo(dtype).max  # which is finite, and so is what comes of it
        network.predict(x)
        array.flat[0] = 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_threads", 0),
        ("n_threads", -1),
        ("n_threads", "2"),
        ("n_threads", 10**9),
        ("input_scale", 0),
        ("input_scale", "255"),
        ("input_scale", np.nan),
        ("dtype", "int32"),
        ("epsilon", True),
        ("momentum", 1.0),
        ("activation", ("tanh", [])),
        ("loss", []),
    ],
)
@pytest.mark.parametrize("method", ["predict", "forward", "train"])
def test_attributes_that_make_no_sense_are_refused(name, value, method):
    network = make_network(fastmlp.MLP, epsilon=1.0)
    arguments = (X, Y) if method == "train" else (X,)
    network.predict(X)
    setattr(network, name, value)
    with pytest.raises((TypeError, ValueError), match=f"^{name} "):
        getattr(network, method)(*arguments)


def test_threads_that_make_no_sense_are_refused_by_estimators():
    model = make_classifier()
    model.set_params(n_threads=0)
    with pytest.raises(ValueError, match=r"^n_threads is 0"):
        model.predict(X)


@pytest.mark.parametrize("method", METHODS)
def test_rows_and_outputs_are_let_go_of(method):
    network = make_network(fastmlp.MLP)
    for kind in (np.uint8, np.float64, np.float32):
        x = X8.astype(kind)
        held = [weakref.ref(x)]
        outputs = network.forward(x) if method == "forward" else METHODS[method](network, x)
        arrays = outputs if isinstance(outputs, tuple) else (outputs,)
        held += [weakref.ref(a) for a in arrays if isinstance(a, np.ndarray)]
        del x, outputs, arrays
        assert [ref() for ref in held] == [None] * len(held)


def test_what_is_kept_goes_with_the_network_and_has_an_end(monkeypatch):
    gc.collect()
    before = len(kept._kept)
    networks = [make_network(fastmlp.MLP) for _ in range(5)]
    for network in networks:
        network.predict(X)
        network.predict(X8)
    assert len(kept._kept) == before + 5
    monkeypatch.setattr(kept, "MOST_KEPT", 1000)
    networks[0].predict(X)
    assert len(kept._kept) == before + 4
    copies = copy.deepcopy(networks)
    del networks, network, copies
    gc.collect()
    assert len(kept._kept) == before


def test_one_network_predicts_in_many_threads_at_once():
    network = make_network(fastmlp.MLP, 64)
    network.predict(X)
    rows = [np.random.RandomState(i).rand(1 + 40 * i, X.shape[1]) for i in range(8)]
    expected = [copy.deepcopy(network).predict_proba(x) for x in rows]
    wrong = []

    def work(x, right):
        for _ in range(200):
            if not np.array_equal(network.predict_proba(x), right):
                wrong.append(x)

    pairs = zip(rows, expected, strict=True)
    threads = [threading.Thread(target=work, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_predictions_within_a_training_are_by_the_weights_of_then():
    network = make_network(fastmlp.MLP)

    def predict(epoch, logs):
        parameters = network.weights, network.biases
        assert_array_equal(network.predict_proba(X), kernels.predict_proba(*parameters, X))
        seen.append(network.predict_proba(X).sum(axis=0).tolist())

    seen = []
    network.train(X, Y, 4, verbose=False, validation_data=(X, Y), callbacks=[predict])
    assert len({tuple(sums) for sums in seen}) == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_predicts_as_its_parent():
    network = make_network(fastmlp.MLP)
    expected = network.predict_proba(X)
    pid = os.fork()
    if not pid:
        os._exit(0 if np.array_equal(network.predict_proba(X), expected) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert_array_equal(network.predict_proba(X), expected)
