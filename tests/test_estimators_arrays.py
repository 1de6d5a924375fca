"""Arrays: which are copied, which never change, how much memory they take."""

from __future__ import annotations

import copy
import tracemalloc
import warnings

import numpy as np
import pytest
from estimator_tools import load, quiet
from scipy import sparse

from fastmlp import MLPClassifier


def test_memory_mapped_rows_are_not_copied(tmp_path, monkeypatch):
    from fastmlp import kernels

    rng = np.random.RandomState(0)
    np.save(tmp_path / "x.npy", rng.randn(300, 7))
    x, y = np.load(tmp_path / "x.npy", mmap_mode="r"), rng.randint(0, 3, 300)
    seen = []
    original = kernels.Trainer

    def trainer(weights, biases, features, *args, **keywords):
        seen.append(features)
        return original(weights, biases, features, *args, **keywords)

    monkeypatch.setattr(kernels, "Trainer", trainer)
    for settings in ({}, {"early_stopping": True}, {"dtype": "float32"}, {"solver": "lbfgs"}):
        quiet(MLPClassifier(max_iter=2, **settings), x, y)
        assert np.shares_memory(seen[-1].x, x)


def test_arrays_read_before_never_change():
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2, warm_start=True), x, y)
    kept, values = model.coefs_[0], model.coefs_[0].copy()
    quiet(model, x, y)
    np.testing.assert_array_equal(kept, values)
    assert not np.array_equal(model.coefs_[0], values)


def test_assigned_weights_are_used():
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2), x, y)
    model.predict(x[:1])
    model.coefs_[-1][...] = 0
    model.intercepts_[-1][...] = [0, 0, 5]
    assert set(model.predict(x[:3])) == {2}
    assert set(model.predict(x)) == {2}
    model.coefs_[0] = np.zeros((3, 3))
    with pytest.raises(ValueError, match=r"coefs_\[0\] has shape \(3, 3\)"):
        model.predict(x)


def test_predictions_take_bounded_memory():
    x, y = load("iris")
    model = quiet(MLPClassifier((500, 500), max_iter=1, n_threads=1), x, y)
    rows = np.zeros((50_000, 4))
    model.predict_proba(rows[:300])
    tracemalloc.start()
    model.predict_proba(rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10e6  # one layer's activations for all rows: 200 MB


def test_rows_whose_sum_is_no_number():
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2), x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.predict(np.full((2, 13), 1e308)).shape == (2,)
        with pytest.raises(ValueError, match="Input X contains infinity"):
            model.predict(np.array([[np.inf, *range(12)]]))


def test_sparse_rows_stay_sparse():
    rng = np.random.RandomState(0)
    x = sparse.random(40_000, 1500, 0.002, random_state=rng, format="csc")
    y = rng.randint(0, 2, 40_000)
    model = MLPClassifier((2,), max_iter=1, n_threads=1)
    quiet(model, x[:300], y[:300], X_val=x[:300], y_val=y[:300])  # all is compiled
    tracemalloc.start()
    for settings in ({}, {"early_stopping": True}, {"solver": "lbfgs"}):
        quiet(model.set_params(**settings), x, y, X_val=x, y_val=y)
        quiet(model, x, y)
        model.predict(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60e6  # dense: 480 MB


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_rows_too_large_for_the_network(container):
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2, dtype="float32"), x, y)
    for value in (1e39, -1e39):
        rows = x[:3].copy()
        rows[1, 2] = value
        with pytest.raises(
            ValueError, match=r"X holds 1e\+39, too large for the network's float32"
        ):
            model.predict(container(rows))
    assert model.predict(container(x[:3])).shape == (3,)


def test_integers_too_large_for_any_float_are_refused():
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2), x, y)
    rows, weights = x.astype(object), np.ones(len(x), object)
    rows[1, 2] = weights[3] = 10**400
    for call, name in (
        (lambda: model.predict(rows), "X"),
        (lambda: model.fit(rows, y), "X or y"),
        (lambda: model.fit(x, y, weights), "sample_weight"),
    ):
        with pytest.raises(ValueError, match=f"^{name} holds an integer too large for float64: re"):
            call()


def replace(name, layer, change):
    def assign(model):
        getattr(model, name)[layer] = change(getattr(model, name)[layer])

    return assign


GOOD = {
    "float16": replace("coefs_", 0, lambda w: w.astype("f2")),
    "float32": replace("coefs_", 1, lambda w: w.astype("f4")),
    "integers": replace("coefs_", 0, lambda w: w.astype(int)),
    "swapped bytes": replace("intercepts_", 0, lambda b: b.astype(">f8")),
    "columns first": replace("coefs_", 0, np.asfortranarray),
    "list": replace("coefs_", 0, lambda w: w.tolist()),
    "row": replace("intercepts_", 0, lambda b: b.reshape(1, -1)),
    "read-only": lambda model: [w.setflags(write=False) for w in model.coefs_],
    "tuple": lambda model: setattr(model, "coefs_", tuple(model.coefs_)),
}
BAD = {
    "rows": (replace("coefs_", 1, lambda w: w[:50]), r"coefs_\[1\] has shape \(50, 3\)"),
    "biases": (replace("intercepts_", 0, lambda b: b[:5]), r"and intercepts_\[0\] \(5,\)"),
    "flat": (replace("coefs_", 0, np.ravel), r"coefs_\[0\] has shape \(1300,\)"),
    "complex": (replace("coefs_", 0, lambda w: w + 0j), "hold .*complex128.*: give floats"),
    "objects": (replace("coefs_", 0, lambda w: w.astype(object)), "hold .*object.*: give floats"),
    "fewer": (lambda model: model.coefs_.pop(), "coefs_ has 1 arrays and intercepts_ 2: give 2"),
}
ACTS = {
    "predict": lambda model, x, y: model.predict_proba(x),
    "partial_fit": lambda model, x, y: model.partial_fit(x, y),
    "fit": lambda model, x, y: quiet(model.set_params(warm_start=True), x, y),
    "lbfgs": lambda model, x, y: quiet(model.set_params(warm_start=True, solver="lbfgs"), x, y),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("name", GOOD)
def test_arrays_of_other_kinds_are_read(name, act):
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2, random_state=0), x, y)
    GOOD[name](model)
    expected = copy.deepcopy(model)
    expected.coefs_ = [np.array(w, "f8") for w in model.coefs_]
    expected.intercepts_ = [np.array(b, "f8").ravel() for b in model.intercepts_]
    for one in (model, expected):
        found = ACTS[act](one, x, y)
    if act == "predict":
        np.testing.assert_array_equal(found, ACTS[act](model, x, y))
        return
    for a, b in zip(model.coefs_, expected.coefs_, strict=True):
        assert a.dtype == np.float64
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("name", BAD)
def test_arrays_that_do_not_fit_are_refused(name, act):
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2, random_state=0), x, y)
    assign, message = BAD[name]
    assign(model)
    with pytest.raises(ValueError, match=message):
        ACTS[act](model, x, y)


def broken(name):
    matrix = sparse.csr_matrix(load("wine")[0])
    part = getattr(matrix, name[0])
    part[name[1]] = name[2]
    matrix.has_canonical_format = True  # it isn't
    return matrix


@pytest.mark.parametrize("place", [
    ("indices", 5, 10**6), ("indices", 5, -5), ("indptr", 5, 10**6),
    ("indptr", 5, 0),
], ids=str)  # fmt: skip
def test_broken_sparse_matrices_are_refused(place):
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2), x, y)
    matrix = broken(place)
    columns = matrix.T  # CSC
    for call in (
        lambda: model.predict(matrix),
        lambda: model.fit(matrix, y),
        lambda: model.partial_fit(matrix, y),
        lambda: model.fit(x, y, X_val=matrix, y_val=y),
        lambda: model.fit(columns, y[:13]),
        lambda: model.fit(x, matrix),
    ):
        with pytest.raises(ValueError, match=r"is a broken sparse|outside 0\.\."):
            call()


def test_sparse_duplicates_are_summed_whatever_a_flag_says():
    x, y = load("wine")
    model = quiet(MLPClassifier(max_iter=2), x, y)
    matrix = broken(("indices", 1, 0))
    dense = x.copy()
    dense[0, :2] = [x[0, 0] + x[0, 1], 0]
    np.testing.assert_allclose(model.predict_proba(matrix)[0], model.predict_proba(dense)[0])
    assert matrix.indices[1] == 0  # the user's matrix stays as it is
