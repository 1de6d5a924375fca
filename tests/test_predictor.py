"""A predictor that is kept: other rows, other numbers of them, other parameters."""

from __future__ import annotations

import _thread
import weakref

import numpy as np
import pytest
from engine_tools import assert_close, make_parameters, make_rows

from fastmlp import MLPClassifier, kernels, reference
from fastmlp.estimators import outputs

SIZES = (24, 17, 3)


@pytest.mark.parametrize("kind", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("n_threads", [None, 3])
def test_any_rows_one_call_after_the_other(kind, skips, n_threads):
    scale = 255.0 if kind == "uint8" else None
    predictor = kernels.Predictor(scale, n_threads, skip_zeros=skips, batch_rows=128)
    for n_rows in (1, 300, 128, 70_000, 129, 0, 2):
        x = make_rows(n_rows, SIZES[0], kind, density=0.3, seed=n_rows)
        x.flags.writeable = False
        parameters = make_parameters(SIZES, "float32", seed=n_rows)
        got = predictor(*parameters, x)
        assert got.shape == (n_rows, 3)
        if n_rows:
            assert_close(got, reference.predict_proba(*parameters, x, scale), "float32", 20)
            assert predictor.is_finite(x)


@pytest.mark.parametrize("n_features", [24, 1024])  # of which the latter are copied
@pytest.mark.parametrize("n_threads", [1, 3])
def test_what_is_not_finite_is_found_wherever_it_is(n_features, n_threads):
    parameters = make_parameters((n_features, 5, 3), "float32")
    predictor = kernels.Predictor(n_threads=n_threads, skip_zeros=False, batch_rows=128)
    for n_rows in (1, 390):
        x = make_rows(n_rows, n_features, "float32")
        for place in (0, n_rows * n_features // 2, -1):
            for values in ([np.nan], [-np.inf], [np.inf, -np.inf]):
                broken = x.copy()
                broken.flat[place] = values[0]
                broken[0, 1] = values[-1]
                predictor(*parameters, broken)
                assert not predictor.is_finite(broken)
        within = np.full((n_rows + 2, n_features), np.nan, np.float32)  # which is not to be read
        within[1:-1] = x
        predictor(*parameters, within[1:-1])
        assert predictor.is_finite(within[1:-1])
        predictor(*parameters, x[:1])
        assert predictor.is_finite(x[:1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_classes", [2, 3, 8, 9, 16, 17, 33])
def test_numbers_of_the_largest_outputs(n_classes, dtype):
    weights, biases = make_parameters((SIZES[0], n_classes), dtype)
    half = n_classes // 2
    # Equal ones, of which the first counts.
    weights[0][:, n_classes - half :] = weights[0][:, :half]
    biases[0][:] = -3.0  # columns that aren't there would have 0
    predictor = kernels.Predictor(n_threads=2, batch_rows=128)
    for n_rows in (1, 300, 0):
        x = make_rows(n_rows, SIZES[0], dtype)
        got = predictor(weights, biases, x, as_labels=True)
        assert got.dtype == np.int64
        np.testing.assert_array_equal(got, predictor(weights, biases, x).argmax(axis=1))
    biases[0][0, -1] = np.nan  # then all probabilities are
    assert not predictor(weights, biases, make_rows(9, SIZES[0], dtype), as_labels=True).any()


def test_parameters_of_any_layout_and_of_no_other_shape():
    x = make_rows(3, SIZES[0], "float32")
    predictor = kernels.Predictor()
    for seed in range(3):
        weights, biases = make_parameters(SIZES, "float32", seed=seed)
        expected = kernels.predict_proba(weights, biases, x)
        strided = [np.repeat(b, 2, axis=1)[:, ::2] for b in biases]
        for change in (np.asfortranarray, lambda w: w.astype("f8")):
            got = predictor([change(w) for w in weights], strided, x)
            assert got.dtype == np.float32
            np.testing.assert_array_equal(got, expected)
    with pytest.raises(ValueError, match="other shapes"):
        predictor(weights, [b[:, :-1] for b in biases], x)


def test_rows_are_let_go_of():
    x = make_rows(500, SIZES[0], "float32")
    predictor = kernels.Predictor()
    got = predictor(*make_parameters(SIZES, "float32"), x)
    held = weakref.ref(x), weakref.ref(got)
    del x, got
    assert held[0]() is None
    assert held[1]() is None


@pytest.mark.parametrize("n_first", [1, 50, 300])
def test_more_threads_than_in_the_first_call_predict_all_rows(n_first):
    parameters, x = make_parameters(SIZES, "float32"), make_rows(5000, SIZES[0], "float32")
    predictor = kernels.Predictor(n_threads=3)
    predictor(*parameters, x[:n_first])
    expected = kernels.predict_proba(*parameters, x, n_threads=1)
    np.testing.assert_array_equal(predictor(*parameters, x), expected)


def test_helpers_that_cannot_be_started(monkeypatch):
    parameters, x = make_parameters(SIZES, "float32"), make_rows(400, SIZES[0], "float32")
    expected = kernels.predict_proba(*parameters, x, n_threads=1)

    def refuse(*args):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    got = kernels.predict_proba(*parameters, x, n_threads=3)
    np.testing.assert_array_equal(got, expected)


def test_finite_rows_are_looked_at_once(monkeypatch):
    x = make_rows(300, 6, "float64")
    model = MLPClassifier(max_iter=1000, tol=1, random_state=0).fit(x, np.arange(300) % 3)
    assert outputs.finite_outputs_of(model, x) is not None
    labels = model.predict(x)
    one = model.predict(x[:1])
    with monkeypatch.context() as patch:
        patch.setattr(outputs, "outputs_of", None)  # what would be called after another look
        np.testing.assert_array_equal(model.predict(x), labels)
        assert model.predict(x[:1]) == one
    x[299, :2] = np.inf, -np.inf
    with pytest.raises(ValueError, match="infinity"), np.errstate(invalid="ignore"):
        model.predict(x)
