"""Files of models that others have written, by accident or on purpose: refused, or all right."""

from __future__ import annotations

import json
import os
import tracemalloc
import warnings

import numpy as np
import pytest
from header_tools import changed, joined, split

from fastmlp import MLP, MLPClassifier, MLPRegressor
from fastmlp.estimators.class_names import decode_array, encode_array

X = np.random.RandomState(0).rand(24, 3)
Y = np.array(["a", "b", "c"] * 8)
MANY_DIGITS = "1" * 5000


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "m"
    MLPClassifier((3,), tol=1e9, n_iter_no_change=1, class_weight={"a": 2.0}).fit(X, Y).save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "m"
    network = MLP(3, (4, 2), 3, random_state=0, input_scale=255)
    network.class_names = ("a", "b", "c")
    network.save(path)
    return path.read_bytes()


@pytest.mark.parametrize(("key", "value", "message"), [
    ("parameters", "[" * 100_000, "nested deeper than 16"),
    ("parameters", MANY_DIGITS, "5000 digits"),
    ("parameters", '{"alpha": 0.1, "alpha": 0.2}', "a name stands twice"),
    ("parameters/activation", "foo", "'activation' parameter .* Got 'foo'"),
    ("parameters/activation", 5, "Got 5"),
    ("parameters/activation", ["relu", "relu"], "activation"),
    ("parameters/momentum", "x", "'momentum' parameter .* Got 'x'"),
    ("parameters/n_threads", -5, "'n_threads' parameter .* Got -5"),
    ("parameters/n_threads", "x", "Got 'x'"),
    ("parameters/alpha", 10**400, "alpha is 1000"),
    ("parameters/monitor", "x" * 10_000, "xxx.* is not a valid scoring"),
    ("parameters/monitor", "\x1b[31m", r"\\x1b\[31m"),
    ("parameters/hidden_layer_sizes", [[3]], "hidden_layer_sizes"),
    ("parameters/class_weight", {"of": {"type": "O", "values": [["a"]]}, "weights": [1]}, "labels"),
    ("parameters/class_weight", {"of": {"type": "O", "values": ["a"]}, "weights": "1"}, "numbers"),
    ("parameters/class_weight", {"of": {"type": "O", "values": ["a"]}, "weights": [-1]}, "holds"),
    ("parameters/colour", 1, "colour"),
    ("fitted/n_layers_", float("inf"), "n_layers_ is inf, not a count"),
    ("fitted/n_layers_", 10**9, "n_layers_|1000000000 layers"),
    ("fitted/n_features_in_", 2.0, "n_features_in_ is 2.0, not a count"),
    ("fitted/t_", 10**400, "t_ is 1000"),
    ("fitted/t_", True, "t_ is True, not a count"),
    ("fitted/out_activation_", "foo", "out_activation_ is 'foo'"),
    ("fitted/out_activation_", None, "out_activation_ is None, not a name"),
    ("fitted/loss_curve_", "abc", "loss_curve_ is 'abc', not a list"),
    ("fitted/loss_curve_", [0.5, "0.25"], "loss_curve_ is .*, not a number"),
    ("fitted/loss_curve_", [10**400], "loss_curve_ is .*too large"),
    ("fitted/_no_improvement_count", -1, "_no_improvement_count is -1"),
    ("fitted/best_loss_", [], "best_loss_ is"),
    ("fitted/coefs_", [], "unknown attribute 'coefs_'"),
    ("classes/type", "V100000000", "labels are of type 'V1"),
    ("classes/type", "(100000000,)i4", "labels are of type"),
    ("classes/type", "<i8", "labels of type '<i8' are"),
    ("classes/type", 5, "labels are of type 5"),
    ("classes/type", "<U" + MANY_DIGITS, "labels are of type '<U1111"),
    ("classes/values", ["c", "b", "a"], "not sorted"),
    ("classes/values", ["a", "a", "b"], "names a class twice"),
    ("classes/values", ["a", "b"], "2 classes, which take 1 outputs"),
    ("classes/values", [], "empty"),
    ("classes/values", [[1], [2], [3]], "labels of type"),
    ("classes/values", ["a", "b", None], "labels of type"),
    ("classes/values", ["a"] * 5000 + ["b" * 100_000], "one of 5,001 labels has 100,000 char"),
    ("classes/is_multilabel", True, "not sorted"),
    ("classes/is_multilabel", "no", "is_multilabel is 'no'"),
    ("names", "[1, 2, 3]", "not a list of names"),
    ("names", '["a", "b"]', "not a string for each of 3"),
    ("learning_rate", "[1]", "a learning rate of"),
    ("learning_rate", "1" * 400, "a learning rate of"),
    ("estimator", "\x1b" * 1000, r"holds a \\x1b"),
    ("format_version", "9" * 10_000, "format version 999"),
])  # fmt: skip
def test_what_estimators_do_not_take(tmp_path, classifier, key, value, message):
    path = tmp_path / "stranger"
    path.write_bytes(changed(classifier, key, value))
    assert_refused(MLPClassifier, path, message)


@pytest.mark.parametrize(("key", "value", "message"), [
    ("settings", "[" * 100_000, "nested deeper than 16"),
    ("settings/dropout", 10**400, "damaged"),
    ("layer_sizes", f"[{MANY_DIGITS},4,2,3]", "5000 digits"),
    ("layer_sizes", f"[3, {'4, ' * 10_000} 3]", "do not fit its layer sizes"),
    ("learning_rate", "1" * 400, "learning_rate"),
    ("input_scale", "1e308", "input_scale is 1e.308, out of the range"),
    ("input_scale", "5e-324", "out of the range"),
    ("dtype", "<f8", "dtype is '<f8'"),
    ("labels", '["a", "", "c"]', "go on with: class_names"),
    ("settings/loss", "squared_error", "go on with: class_names"),
    ("format_version", "9\x1b" * 10_000, r"format version 9\\x1b"),
])  # fmt: skip
def test_what_networks_do_not_take(tmp_path, network, key, value, message):
    path = tmp_path / "stranger"
    path.write_bytes(changed(network, key, value))
    assert_refused(MLP, path, message)


def assert_refused(kind, path, message):
    with pytest.raises(ValueError, match=message) as caught:
        kind.load(path)
    text = str(caught.value)
    assert str(path) in text
    assert text.isprintable()
    assert len(text) < 400 + len(str(path))


@pytest.mark.parametrize("n", [10**8, 5 * 10**8])
def test_the_type_says_nothing_of_the_memory(tmp_path, classifier, n):
    path = tmp_path / "stranger"
    path.write_bytes(changed(classifier, "classes/type", f"<U{n}"))
    MLPClassifier.load(path)  # once before, for what is imported
    tracemalloc.start()
    loaded = MLPClassifier.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e6
    assert loaded.classes_.tolist() == ["a", "b", "c"]
    assert set(loaded.predict(X)) <= {"a", "b", "c"}


def test_a_file_starts_no_more_threads_than_there_are_cores(tmp_path, classifier):
    path = tmp_path / "stranger"
    for given in (1, 10**7, 10**18):
        path.write_bytes(changed(classifier, "parameters/n_threads", given))
        loaded = MLPClassifier.load(path)
        assert loaded.n_threads == min(given, os.cpu_count())
        assert len(loaded.predict(np.ones((10_000, 3)))) == 10_000


def test_functions_of_one_s_own_for_outputs_come_back(tmp_path, classifier):
    for name in ("identity", "relu", "exp"):
        (tmp_path / "m").write_bytes(changed(classifier, "fitted/out_activation_", name))
        assert MLPClassifier.load(tmp_path / "m").out_activation_ == name


def test_curves_without_what_stands_beside_them(tmp_path, classifier):
    """As in a network put together by hand; a training goes on."""
    header, metadata, arrays = split(classifier)
    fitted = json.loads(metadata["fitted"])
    for name in ("best_loss_", "_no_improvement_count", "n_iter_", "validation_scores_"):
        del fitted[name]
    metadata["fitted"] = json.dumps(fitted)
    (tmp_path / "m").write_bytes(joined(header, arrays))
    loaded = MLPClassifier.load(tmp_path / "m").partial_fit(X, Y)
    assert len(loaded.loss_curve_) == len(fitted["loss_curve_"]) + 1


def test_an_array_too_many(tmp_path, classifier):
    header, _, arrays = split(classifier)
    header["w9"] = {"dtype": "F64", "shape": [1], "data_offsets": [len(arrays), len(arrays) + 8]}
    (tmp_path / "m").write_bytes(joined(header, arrays + bytes(8)))
    assert_refused(MLPClassifier, tmp_path / "m", "5 arrays for 3 layers")


def test_an_array_that_stands_twice(tmp_path, classifier):
    header, _, arrays = split(classifier)
    content = joined(header, arrays)
    name = b'"w1": {"dtype": "F64"'
    assert name in content
    end = 8 + int.from_bytes(content[:8], "little")
    text = content[8:end].replace(name, b'"w1": 1, ' + name)
    (tmp_path / "m").write_bytes(len(text).to_bytes(8, "little") + text + arrays)
    assert_refused(MLPClassifier, tmp_path / "m", "a name stands twice")


@pytest.mark.parametrize("end", [2**40, 2**80, "x", None])
def test_a_header_that_speaks_of_another_length_is_enough(tmp_path, end):
    header = {"w1": {"dtype": "F32", "shape": [1], "data_offsets": [0, end]}}
    path = tmp_path / "m"
    path.write_bytes(joined(header, b""))
    os.truncate(path, 2**28)
    tracemalloc.start()
    assert_refused(MLP, path, "is cut short or no .safetensors file")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e7


def test_what_could_not_be_read_again_is_not_written(tmp_path):
    model = MLPRegressor(hidden_layer_sizes=(3,), solver="sgd", max_iter=1, tol=1e9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, X[:, 0])
    for setting, value in (("alpha", -1), ("momentum", "x"), ("tol", 10**400)):
        before = model.get_params()[setting]
        with pytest.raises(ValueError, match=setting):
            model.set_params(**{setting: value}).save(tmp_path / "m")
        model.set_params(**{setting: before})
    for name, value in (("t_", -1), ("loss_curve_", "abc"), ("feature_names_in_", ["a"])):
        before = vars(model).get(name)
        setattr(model, name, value)
        with pytest.raises(ValueError, match=f"{name} is|names are"):
            model.save(tmp_path / "m")
        setattr(model, name, before)
        if before is None:
            delattr(model, name)
    assert list(tmp_path.iterdir()) == []
    model.save(tmp_path / "m")
    with pytest.raises(ValueError, match="one of 5,001 labels has 100,000 characters"):
        encode_array(np.array(["a"] * 5000 + ["b" * 100_000], object))
    network = MLP(2, 2, 2, input_scale=1e308)
    with pytest.raises(ValueError, match=r"input_scale is .* out of the range"):
        network.save(tmp_path / "n")


@pytest.mark.parametrize("dtype", ["<U3", ">U3", "S3", ">i4", "u1", "f2", ">f8", "?", "M8[ns]",
                                   ">M8[25s]", "m8[D]", "M8"])  # fmt: skip
def test_labels_of_any_type_come_back(dtype):
    labels = np.array([0, 1, 20], "i8").astype(dtype)
    labels = labels if dtype != "?" else np.array([False, True])
    decoded = decode_array(json.loads(json.dumps(encode_array(labels))))
    np.testing.assert_array_equal(decoded, labels)
    assert decoded.dtype.kind == labels.dtype.kind
