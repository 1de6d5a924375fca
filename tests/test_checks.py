"""Bad input: each ends in a one-line error that names the argument and the remedy."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastmlp import checks

X = np.random.RandomState(0).rand(6, 4)
Y = np.array([0, 1, 2, 0, 1, 2])


def changed(array, index, value, dtype=None):
    array = array.astype(dtype or array.dtype)
    array[index] = value
    return array


BAD_CONSTRUCTIONS = [
    ((0, 5, 3), {}, ValueError, "input_size is 0"),
    ((4, -1, 3), {}, ValueError, "hidden_size is -1"),
    ((4, (5, 0), 3), {}, ValueError, "hidden_size is 0"),
    ((4, (), 3), {}, ValueError, "hidden_size is empty"),
    ((4, 5, 0), {}, ValueError, "output_size is 0"),
    ((4, 5.0, 3), {}, TypeError, "hidden_size is 5.0"),
    ((4, "5", 3), {}, TypeError, "hidden_size is '5'"),
    ((4, "64", 3), {}, TypeError, "hidden_size is '64'"),
    ((4, b"64", 3), {}, TypeError, "hidden_size is b'64'"),
    ((4, True, 3), {}, TypeError, "hidden_size is True"),
    ((4, None, 3), {}, TypeError, "hidden_size is None"),
    ((4, 5, 3, 0), {}, ValueError, "learning_rate is 0"),
    ((4, 5, 3, -0.1), {}, ValueError, "learning_rate is -0.1"),
    ((4, 5, 3, np.nan), {}, ValueError, "learning_rate is nan"),
    ((4, 5, 3, np.inf), {}, ValueError, "learning_rate is inf"),
    ((4, 5, 3, 10**400), {}, ValueError, "learning_rate is 1000.* finite number"),
    ((4, 5, 3, "0.1"), {}, TypeError, "learning_rate is '0.1'"),
    ((4, 5, 3), {"random_state": -1}, ValueError, "random_state is -1"),
    ((4, 5, 3), {"random_state": 2**32}, ValueError, "random_state is 4294967296"),
    ((4, 5, 3), {"random_state": 1.5}, TypeError, "random_state is 1.5"),
    ((4, 5, 3), {"dtype": "float16"}, ValueError, "dtype is 'float16'"),
    ((4, 5, 3), {"dtype": "number"}, ValueError, "dtype is 'number'"),
    ((4, 5, 3), {"dtype": ",float32"}, ValueError, "dtype is ',float32'"),
    ((4, 5, 3), {"n_threads": 0}, ValueError, "n_threads is 0"),
    ((4, 5, 3), {"n_threads": 10**6}, ValueError, "n_threads is 1000000, more than a machine"),
    ((4, 5, 3), {"n_threads": 2**70}, ValueError, "n_threads is 1180591620717411303424, more"),
    ((4, 5, 3), {"n_threads": 1.5}, TypeError, "n_threads is 1.5"),
    ((4, 5, 3), {"input_scale": 0}, ValueError, "input_scale is 0"),
    ((4, 5, 3), {"input_scale": "255"}, TypeError, "input_scale is '255'"),
]

BAD_ROWS = [
    (X[0], ValueError, r"has shape \(4,\): .*reshape\(1, -1\)"),
    (X.reshape(6, 2, 2), ValueError, r"has shape \(6, 2, 2\): .*reshape\(len"),
    (X[:, :3], ValueError, "has 3 columns, the network takes 4"),
    (X[:0], ValueError, "has no rows"),
    (changed(X, (2, 1), np.nan), ValueError, "holds NaN.* in row 2"),
    (changed(X, (5, 0), np.inf, "f4"), ValueError, "holds NaN, infinity.* in row 5"),
    (changed(X, (0, 3), -np.inf, "f2"), ValueError, "holds NaN, infinity.* in row 0"),
    (X.astype(str), TypeError, "holds <U.* values"),
    (X + 1j, TypeError, "holds complex128 values"),
    ([[1, 2, 3, 4], [5, 6]], TypeError, "is not an array of numbers"),
    ([["a", 1, 2, None]], TypeError, "is not an array of numbers"),
    (None, ValueError, "has shape|holds NaN"),
]

BAD_LABELS = [
    (Y[:5], ValueError, "has 5 labels for 6 rows"),
    (Y.reshape(6, 1), ValueError, r"has shape \(6, 1\)"),
    (np.eye(3)[Y], ValueError, r"has shape \(6, 3\): .*np.argmax"),
    (changed(Y, 3, 3), ValueError, r"holds the label 3, outside 0\.\.2"),
    (changed(Y, 3, -1), ValueError, r"holds the label -1, outside 0\.\.2"),
    (changed(Y, 3, 2**63, "u8"), ValueError, r"holds the label 9223372036854775808, outside"),
    (changed(Y, 3, 0.5, "f8"), ValueError, "holds 0.5: labels must be whole"),
    (changed(Y, 3, np.nan, "f4"), ValueError, "holds a missing value in row 3"),
    (changed(Y, 3, np.inf, "f4"), ValueError, r"holds the label inf, outside 0\.\.2"),
    (list("abcabc"), TypeError, "holds <U1 values"),
    ([0, 1, 2, 0, 1, None], ValueError, "holds a missing value in row 5"),
]

BAD_TRAINING = [
    ({"epochs": 0}, ValueError, "epochs is 0"),
    ({"epochs": 1.5}, TypeError, "epochs is 1.5"),
    ({"batch_size": 0}, ValueError, "batch_size is 0"),
    ({"batch_size": -64}, ValueError, "batch_size is -64"),
    ({"batch_size": "64"}, TypeError, "batch_size is '64'"),
    ({"lambda_reg": -0.1}, ValueError, "lambda_reg is -0.1"),
    ({"lambda_reg": np.nan}, ValueError, "lambda_reg is nan"),
    ({"lambda_reg": 100}, ValueError, r"learning_rate \* lambda_reg is 1"),
    ({"validation_data": X}, TypeError, "validation_data is no pair"),
    ({"validation_data": (X[:, :3], Y)}, ValueError, r"validation_data\[0\] has 3 columns"),
    ({"validation_data": (X, Y + 1)}, ValueError, r"validation_data\[1\] holds the label 3"),
    ({"callbacks": print}, TypeError, "callbacks is <built-in function print>"),
    ({"callbacks": [1]}, TypeError, "callbacks holds 1"),
]


def assert_one_line(caught):
    message = str(caught.value)
    assert "\n" not in message
    assert ": " in message  # what is wrong, then the remedy


@pytest.fixture
def network(mlp_class):
    return mlp_class(4, 5, 3, random_state=0)


@pytest.mark.parametrize(("sizes", "keywords", "error", "message"), BAD_CONSTRUCTIONS)
def test_bad_constructions(mlp_class, sizes, keywords, error, message):
    with pytest.raises(error, match=f"^{message}") as caught:
        mlp_class(*sizes, **keywords)
    assert_one_line(caught)


@pytest.mark.parametrize(("x", "error", "message"), BAD_ROWS)
@pytest.mark.parametrize("method", ["train", "score", "predict", "predict_proba", "forward"])
def test_bad_rows(network, method, x, error, message):
    arguments = (x, Y) if method in ("train", "score") else (x,)
    name = "x_train" if method == "train" else "x"
    before = network.w1.copy()
    with pytest.raises(error, match=f"^{name} (is|has|holds).*") as caught:
        getattr(network, method)(*arguments)
    assert_one_line(caught)
    assert caught.match(message)
    assert_array_equal(network.w1, before)


@pytest.mark.parametrize(("y", "error", "message"), BAD_LABELS)
@pytest.mark.parametrize("method", ["train", "score", "backward", "compute_loss"])
def test_bad_labels(network, method, y, error, message):
    a1, a2 = network.forward(X)
    name, call = {
        "train": ("y_train", lambda: network.train(X, y)),
        "score": ("y", lambda: network.score(X, y)),
        "backward": ("y_true", lambda: network.backward(X, y, a1, a2)),
        "compute_loss": ("y_true", lambda: network.compute_loss(y, a2)),
    }[method]
    with pytest.raises(error, match=f"^{name} {message}") as caught:
        call()
    assert_one_line(caught)


@pytest.mark.parametrize(("keywords", "error", "message"), BAD_TRAINING)
def test_bad_training(network, keywords, error, message):
    with pytest.raises(error, match=f"^{message}") as caught:
        network.train(X, Y, **keywords)
    assert_one_line(caught)


@pytest.mark.parametrize("call", ["train", "predict", "forward", "score"])
@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("w1", np.zeros((5, 4)), ValueError, r"has shape \(5, 4\): .*\(4, 5\)"),
        ("b1", np.zeros(5), ValueError, r"has shape \(5,\): .*\(1, 5\)"),
        ("w2", None, ValueError, r"has shape \(\): .*\(5, 3\)"),
        ("b2", [["a", "b", "c"]], TypeError, "holds <U1 values"),
    ],
)
def test_bad_assigned_weights(network, name, value, error, message, call):
    setattr(network, name, value)
    with pytest.raises(error, match=f"^{name} {message}") as caught:
        getattr(network, call)(*((X, Y) if call in ("train", "score") else (X,)))
    assert_one_line(caught)


def test_bad_assigned_learning_rate(network):
    network.learning_rate = -1
    with pytest.raises(ValueError, match=r"^learning_rate is -1"):
        network.train(X, Y)


def test_bad_activations_and_gradients(network):
    a1, a2 = network.forward(X)
    dw1, db1, dw2, db2 = network.backward(X, Y, a1, a2)
    with pytest.raises(ValueError, match=r"^a1 has shape \(6, 3\): .*\(6, 5\)"):
        network.backward(X, Y, a2, a1)
    with pytest.raises(ValueError, match=r"^a1..a3 for 2 layers: "):
        network.backward(X, Y, a1, a2, a2)
    with pytest.raises(ValueError, match=r"^dw1 has shape \(5, 3\): .*\(4, 5\)"):
        network.update_weights(dw2, db2, dw1, db1)
    with pytest.raises(ValueError, match=r"^dw1..dw3 for 2 layers: "):
        network.update_weights(dw1, db1, dw2, db2, dw2, db2)
    with pytest.raises(ValueError, match=r"^lambda_reg is -1"):
        network.update_weights(dw1, db1, dw2, db2, -1)
    with pytest.raises(ValueError, match=r"^y_pred has shape \(6, 5\): .*\(n, 3\)"):
        network.compute_loss(Y, a1)


def test_numbers_too_large_for_the_networks_dtype(mlp_class):
    network = mlp_class(4, 5, 3, dtype="float32")
    with pytest.raises(ValueError, match="too large for float32 in row 4"):
        network.predict(changed(X, (4, 2), 1e39))


def test_sparse_rows_are_checked_too(network):
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ValueError, match=r"^x_train holds NaN.* in row 2 \(counted from 0\):"):
        network.train(sparse.csr_array(changed(X, (2, 0), np.nan)), Y)
    with pytest.raises(ValueError, match=r"^x_train has 3 columns"):
        network.train(sparse.csr_array(X[:, :3]), Y)


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
def test_arrays_that_fit_pass_without_a_copy(dtype):
    x = X.astype(dtype)
    assert checks.as_features(x, 4, np.dtype("f4"), 255) is x


def test_labels_are_copied():
    y = Y.astype(np.intp)
    assert not np.shares_memory(checks.as_labels(y, 6, 3), y)
    targets = np.ones((6, 3))
    assert not np.shares_memory(checks.as_targets(targets, 6, 3, targets.dtype), targets)


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8", ">f4", ">f8", "f2", "i4", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_all_arrays_come_out_row_by_row_in_native_types(dtype, order):
    x = np.array([[0, 1], [1, 0], [1, 1]], dtype, order=order)
    features = checks.as_features(x, 2, np.dtype("f4"))
    assert features.flags.c_contiguous
    assert features.dtype in checks.FEATURE_DTYPES
    assert_array_equal(features, x)


def test_only_whole_numbers_are_scaled():
    for dtype, expected in [("i4", 0.5), (">u2", 0.5), ("f2", 2), ("?", 1), ("f4", 2)]:
        features = checks.as_features(np.array([[2]], dtype), 1, np.dtype("f8"), 4)
        assert features == expected


def test_sparse_duplicates_are_summed_in_a_copy():
    sparse = pytest.importorskip("scipy.sparse")
    rows = sparse.csr_array((np.array([1.0, 2.0, 4.0]), np.array([3, 0, 3]), [0, 3]), (1, 4))
    checked = checks.as_features(rows, 4, np.dtype("f8"))
    assert_array_equal(checked.indices, [0, 3])
    assert_array_equal(checked.data, [2, 5])
    assert_array_equal(rows.data, [1, 2, 4])
    canonical = sparse.csr_array(X)
    assert np.shares_memory(checks.as_features(canonical, 4, np.dtype("f8")).data, canonical.data)


def test_the_look_for_nan_takes_little_memory():
    x = np.zeros((4000, 500), np.float32)
    tracemalloc.start()
    try:
        checks.as_features(x, 500, np.dtype("f4"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < x.nbytes / 50
