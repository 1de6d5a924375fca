"""Networks as C, compiled by gcc, against Python."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from c_tools import c_predictor, compiled, needs_gcc
from estimator_tools import load, quiet
from sklearn.datasets import load_digits

from fastmlp import MLP, MLPClassifier, MLPRegressor
from fastmlp.estimators.hyperparameters import LOSSES_OF_NUMBERS
from fastmlp.reference import ACTIVATIONS, LOSSES

pytestmark = needs_gcc


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", ["wine", "cancer", "multilabel"])
def test_classifiers(name, activation, tmp_path):
    x, y = load(name)
    model = MLPClassifier(hidden_layer_sizes=(9, 7), activation=activation, max_iter=5)
    quiet(model, x, y).to_c(tmp_path / "model.c")
    expected = model.predict_proba(x)
    found = c_predictor(tmp_path / "model.c", expected.shape[1])(x)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("loss", LOSSES_OF_NUMBERS)
@pytest.mark.parametrize("hidden", [(), (8,)])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_regressors(n_outputs, hidden, loss, tmp_path):
    rng = np.random.RandomState(0)
    x, y = rng.randn(90, 5), rng.poisson(2.0, (90, n_outputs)).astype(float)
    model = MLPRegressor(loss=loss, max_iter=5, hidden_layer_sizes=hidden)
    quiet(model, x, y.squeeze()).to_c(tmp_path / "model.c")
    found = c_predictor(tmp_path / "model.c", n_outputs)(x)
    np.testing.assert_allclose(found.squeeze(), model.predict(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", LOSSES)
def test_networks_of_pixels(loss, dtype, tmp_path):
    x = np.random.RandomState(0).randint(0, 256, (50, 30), np.uint8)
    network = MLP(30, (20, 8), 4, loss=loss, dtype=dtype, input_scale=255, random_state=0)
    network.to_c(tmp_path / "model.c")
    found = c_predictor(tmp_path / "model.c", 4)(x)
    np.testing.assert_allclose(found, network.forward(x)[-1], rtol=1e-5, atol=1e-5)


def test_bytes_keep_the_accuracy_on_mnist(real_digits, tmp_path):
    x, y = real_digits
    if len(x) < 42_000:
        pytest.skip("MNIST is not at hand")
    network = MLP(784, 64, 10, 0.001, optimizer="adam", input_scale=255, random_state=0)
    network.train(x[8400:], y[8400:], epochs=3, verbose=False)
    x, y = x[:8400], y[:8400]
    for dtype, tolerance in (("float32", 0), ("int8", 0.003)):
        network.to_c(tmp_path / f"{dtype}.c", dtype=dtype)
        found = c_predictor(tmp_path / f"{dtype}.c", 10)(x)
        if dtype == "float32":
            np.testing.assert_allclose(found, network.predict_proba(x), atol=1e-5)
        score = np.mean(found.argmax(axis=1) == y)
        assert abs(score - network.score(x, y)) <= tolerance + 1e-12


def test_bytes_keep_the_accuracy_on_digits(tmp_path):
    x, y = load_digits(return_X_y=True)
    model = MLPClassifier(hidden_layer_sizes=32, max_iter=30, random_state=0)
    quiet(model, x[400:] / 16, y[400:]).to_c(tmp_path / "model.c", dtype="int8")
    x, y = x[:400] / 16, y[:400]
    found = c_predictor(tmp_path / "model.c", 10)(x).argmax(axis=1)
    assert abs(np.sum(found == y) - np.sum(model.predict(x) == y)) <= 1
    text = (tmp_path / "model.c").read_text()
    assert "static const signed char w1[64 * 32]" in text
    assert "static const float w" not in text


def test_units_without_weights(tmp_path):
    """Their column's scale is 0."""
    network = MLP(4, 3, 2, random_state=0)
    network.w1[:, 1] = 0
    network.b1[:] = 0.5
    network.to_c(tmp_path / "model.c", dtype="int8")
    x = np.random.RandomState(0).rand(9, 4)
    found = c_predictor(tmp_path / "model.c", 2)(x)
    np.testing.assert_allclose(found, network.predict_proba(x), atol=1e-3)


def test_nothing_but_one_function_and_constants(tmp_path):
    MLP(20, (9, 9), 3, activation=("gelu", "tanh"), random_state=0).to_c(tmp_path / "model.c")
    symbols = subprocess.run(
        ["nm", "--defined-only", "--extern-only", compiled(tmp_path / "model.c", "-c")],
        capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    assert [line.split()[1:] for line in symbols if line] == [["T", "predict"]]
    symbols = subprocess.run(
        ["nm", tmp_path / "model.so"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    kinds = {line.split()[-2]: line.split()[-1] for line in symbols}
    assert not kinds.keys() & set("BbDdCG")  # memory that calls would share
    used = {line.split()[-1] for line in symbols if line.split()[-2] == "U"}
    assert used - {"_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"} <= {
        "expf", "erfcf", "tanhf", "memset", "memcpy",
    }  # fmt: skip


def test_threads_share_it(tmp_path):
    network = MLP(60, (50, 40), 5, random_state=0)
    network.to_c(tmp_path / "model.c")
    predict = c_predictor(tmp_path / "model.c", 5)
    x = np.random.RandomState(0).randn(4, 300, 60)
    with ThreadPoolExecutor(4) as pool:
        for rows, found in zip(x, pool.map(predict, x), strict=True):
            np.testing.assert_allclose(found, network.predict_proba(rows), atol=1e-5)


def test_what_is_refused(tmp_path, monkeypatch):
    model = quiet(MLPClassifier(max_iter=2), *load("wine"))
    with pytest.raises(ValueError, match="dtype is 'int4'"):
        model.to_c(tmp_path / "model.c", dtype="int4")
    monkeypatch.setitem(ACTIVATIONS, "cube", ACTIVATIONS["relu"]._replace(c=None))
    with pytest.raises(ValueError, match="activation 'cube' has no form in C"):
        model.set_params(activation="cube").to_c(tmp_path / "model.c")
    model.set_params(activation="relu")
    for bad in (np.nan, np.inf, 1e300):
        model.coefs_[1][0, 0] = bad
        for dtype in ("float32", "int8"):
            with pytest.raises(ValueError, match="a weight is not finite in float32"):
                model.to_c(tmp_path / "model.c", dtype=dtype)
    assert not list(tmp_path.iterdir())
