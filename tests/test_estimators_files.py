"""Estimators in files: safetensors and ONNX."""

from __future__ import annotations

import json
import sys
import tracemalloc

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from estimator_tools import load, quiet
from safetensors import safe_open
from scipy import sparse
from sklearn.exceptions import NotFittedError

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.estimators.class_names import decode_array, encode_array
from fastmlp.estimators.hyperparameters import LOSSES_OF_NUMBERS
from fastmlp.estimators.label_encoding import LabelEncoding
from fastmlp.reference import ACTIVATIONS

CLASSES = {
    "strings": np.array(["é", "b c", "a"]),
    "objects": np.array(["no", "yes, 'quoted'"], object),
    "numbers": np.array([-3, 5, 2**60]),
    "floats": np.array([1.0, 2.0, 5.0]),
    "bools": np.array([False, True]),
    "unsigned": np.array([1, 2**63 + 1], np.uint64),
    "wide floats": np.array([0.0, 16777217.0, 2.0**60]),
    "bytes": np.array([b"x", b"\xffy"]),
    "one": np.array(["only"]),
}


@pytest.mark.parametrize("name", CLASSES)
def test_classes_of_any_type(tmp_path, name):
    rng = np.random.RandomState(0)
    x, y = rng.randn(40, 4), CLASSES[name][rng.randint(0, len(CLASSES[name]), 40)]
    if name == "bytes":  # which scikit-learn refuses: the file's format takes them all the same
        decoded = decode_array(json.loads(json.dumps(encode_array(CLASSES[name]))))
        np.testing.assert_array_equal(decoded, CLASSES[name])
        return
    model = quiet(MLPClassifier(max_iter=3, class_weight={y[0]: 2.0}), x, y)
    model.save(tmp_path / "model.safetensors")
    loaded = MLPClassifier.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.classes_, model.classes_)
    assert loaded.classes_.dtype == model.classes_.dtype
    np.testing.assert_array_equal(loaded.predict_proba(x), model.predict_proba(x))
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    assert loaded.get_params() == model.get_params()


@pytest.mark.parametrize("estimator_class", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_comes_back(tmp_path, estimator_class, dtype):
    x, y = load("multilabel")
    table = pd.DataFrame(x, columns=[f"c{i}" for i in range(x.shape[1])]).astype(dtype)
    model = estimator_class(
        hidden_layer_sizes=(5, 4), activation=("tanh", "gelu"), max_iter=4, early_stopping=True,
        alpha=np.float64(0.5), callbacks=[print],
    )  # fmt: skip
    quiet(model, table, y)
    path = tmp_path / "model.safetensors"
    model.save(path)
    loaded = estimator_class.load(path)
    np.testing.assert_array_equal(loaded.predict(table), model.predict(table))
    assert loaded.coefs_[0].dtype == dtype
    for attribute in (
        "n_iter_", "t_", "loss_", "loss_curve_", "validation_scores_", "n_layers_", "n_outputs_",
        "best_validation_score_", "out_activation_",
    ):  # fmt: skip
        assert getattr(loaded, attribute) == getattr(model, attribute)
    assert list(loaded.feature_names_in_) == list(table.columns)
    assert loaded.callbacks is None
    assert loaded.get_params() == model.get_params() | {"callbacks": None}
    content = path.read_bytes()
    model.save(path)
    assert path.read_bytes() == content
    quiet(loaded.set_params(warm_start=True), table, y)
    loaded.set_params(early_stopping=False).partial_fit(table, y)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_several_labels_come_back_as_they_were(tmp_path, container):
    x, y = load("multilabel")
    model = quiet(MLPClassifier(max_iter=3), x, container(y))
    model.save(tmp_path / "model")
    expected, found = model.predict(x), MLPClassifier.load(tmp_path / "model").predict(x)
    assert type(found) is type(expected)
    assert abs(found - expected).sum() == 0


@pytest.mark.parametrize("is_sparse", [False, True])
def test_many_labels_come_back_in_little_memory(is_sparse):
    n = 20_000
    tracemalloc.start()
    labels = LabelEncoding.of(np.arange(n), is_multilabel=True, is_sparse=is_sparse)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6  # a square matrix: 3.2 GB
    assert (labels.is_multilabel, labels.is_sparse, labels.n_outputs) == (True, is_sparse, n)
    np.testing.assert_array_equal(labels.classes, np.arange(n))
    outputs = np.random.RandomState(0).rand(2, n)
    found = labels.decode(outputs)
    assert sparse.issparse(found) == is_sparse
    np.testing.assert_array_equal(found.toarray() if is_sparse else found, outputs > 0.5)
    np.testing.assert_array_equal(labels.encode(found), outputs > 0.5)


def test_assigned_weights_in_a_file(tmp_path):
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2), x, y)
    model.coefs_[0] = np.asfortranarray(np.ones(model.coefs_[0].shape, int))
    model.save(tmp_path / "model")
    loaded = MLPClassifier.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(x), model.predict_proba(x))
    before = (tmp_path / "model").read_bytes()
    model.coefs_[0] = np.full(model.coefs_[0].shape, np.nan)
    with pytest.raises(ValueError, match="hold NaN or infinity"):
        model.save(tmp_path / "model")
    model.coefs_[0] = np.zeros((3, 3))
    with pytest.raises(ValueError, match=r"coefs_\[0\] has shape \(3, 3\)"):
        model.save(tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == before


def test_what_a_file_cannot_hold(tmp_path):
    x, y = load("wine")
    model = MLPClassifier(max_iter=2, random_state=np.random.RandomState(0))
    with pytest.raises(NotFittedError):
        model.save(tmp_path / "model")
    quiet(model, x, y)
    with pytest.warns(UserWarning, match="random_state: no values that a file can hold"):
        model.save(tmp_path / "model")
    assert MLPClassifier.load(tmp_path / "model").random_state is None


def test_damaged_files(tmp_path):
    x, y = load("wine")
    path = tmp_path / "model.safetensors"
    quiet(MLPClassifier(max_iter=2), x, y).save(path)
    with pytest.raises(ValueError, match=r"holds a MLPClassifier: load it with fastmlp\.MLPClass"):
        MLPRegressor.load(path)
    content = path.read_bytes()
    path.write_bytes(content[:-10])
    with pytest.raises(ValueError, match="is cut short"):
        MLPClassifier.load(path)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        MLPClassifier.load(tmp_path / "none")
    for before, after in [
        (b"out_activation_", b"out_activatiom_"), (b'[100]', b'[101]'), (b'"w1"', b'"w3"'),
        (b"float64", b"float65"), (b"fastmlp-estimator", b"fastmlp-estimatus"),
        (b'"format_version":"1"', b'"format_version":"7"'),
    ]:  # fmt: skip
        if before in content:
            path.write_bytes(content.replace(before, after))
            with pytest.raises(
                ValueError, match=r"is damaged|is cut short|holds no estimator|format version 7"
            ):
                MLPClassifier.load(path)
    path.write_bytes(content)
    with safe_open(path, framework="numpy") as file:
        assert set(file.keys()) == {"w1", "w2", "b1", "b2"}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", ["wine", "cancer", "multilabel"])
def test_onnx_of_classifiers(tmp_path, name, activation):
    x, y = load(name)
    names = np.array(["a", "b", "c"])
    y = y if name == "multilabel" else names[y]
    model = MLPClassifier(hidden_layer_sizes=(9, 7), activation=activation, max_iter=5)
    path = tmp_path / "model.onnx"
    quiet(model, x, y).to_onnx(path)
    probabilities, label = run(path, x)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, model.predict_proba(x), atol=1e-5)
    sure = np.abs(np.diff(np.sort(probabilities)[:, -2:], axis=1)).ravel() > 1e-4
    sure &= np.abs(probabilities - 0.5).min(axis=1) > 1e-4
    np.testing.assert_array_equal(label[sure], model.predict(x)[sure])


@pytest.mark.parametrize("loss", LOSSES_OF_NUMBERS)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_onnx_of_regressors(tmp_path, loss, n_outputs):
    rng = np.random.RandomState(0)
    x, y = rng.randn(90, 5), rng.poisson(2.0, (90, n_outputs)).astype(float)
    model = quiet(MLPRegressor(loss=loss, max_iter=5, hidden_layer_sizes=()), x, y.squeeze())
    model.to_onnx(tmp_path / "model.onnx")
    (predictions,) = run(tmp_path / "model.onnx", x)
    assert predictions.shape == (90, n_outputs)
    np.testing.assert_allclose(predictions.squeeze(), model.predict(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["numbers", "floats", "bools", "one", "unsigned", "wide floats"])
def test_onnx_labels(tmp_path, name):
    rng = np.random.RandomState(0)
    x, y = rng.randn(40, 4), CLASSES[name][rng.randint(0, len(CLASSES[name]), 40)]
    model = quiet(MLPClassifier(max_iter=30, learning_rate_init=0.1), x, y)
    model.to_onnx(tmp_path / "model.onnx")
    assert set(model.predict(x)) == set(CLASSES[name])
    np.testing.assert_array_equal(run(tmp_path / "model.onnx", x)[1], model.predict(x))


def test_onnx_that_is_not_there(tmp_path, monkeypatch):
    model = quiet(MLPClassifier(max_iter=2), *load("wine"))
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'fastmlp\[onnx\]'"):
        model.to_onnx(tmp_path / "model.onnx")


def run(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": x.astype(np.float32)})
