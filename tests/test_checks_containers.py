"""Results depend on the values of rows, and never on what holds them."""

from __future__ import annotations

import itertools
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_tools import N_FEATURES, X8, X, Y, assert_same_parameters, make_network
from numpy.testing import assert_array_equal

from fastmlp import checks

F4, F8 = np.dtype("f4"), np.dtype("f8")


def one_column(x, dtype):
    frame = pd.DataFrame(x)
    return frame.astype({frame.columns[-1]: dtype})


# Each makes a container of the rows of a uint8 array, in which whole numbers are no array's own.
WHOLE = {
    "nullable": lambda x: pd.DataFrame(x).astype("Int64"),
    "nullable uint8": lambda x: pd.DataFrame(x).astype("UInt8"),
    "object array": lambda x: x.astype(object),
    "object of numpy integers": lambda x: np.array([[*row] for row in x], object),
    "object with a float": lambda x: np.array([[float(a), *b] for a, *b in x.tolist()], object),
    "object frame": lambda x: pd.DataFrame(x).astype(object),
    "one float column": lambda x: one_column(x, "f8"),
    "one float32 column": lambda x: one_column(x, "f4"),
    "one object column": lambda x: one_column(x, object),
    "one nullable column": lambda x: one_column(x, "Int16"),
    "one nullable float column": lambda x: one_column(x, "Float64"),
    "one integer column": lambda x: pd.DataFrame(x.astype("f8")).astype({0: "i8"}),
    "list with a float": lambda x: [[float(a), *b] for a, *b in x.tolist()],
    "text cells": lambda x: x.astype(str).astype(object),
}  # fmt: skip
WIDER = {
    "int64": lambda x: x.astype("i8"),
    "big-endian": lambda x: x.astype(">i2"),
    "frame": lambda x: pd.DataFrame(x.astype("i4")),
    "frame of two types": lambda x: one_column(x, "i8"),
    "list": lambda x: x.tolist(),
}
LAYOUTS = {
    "plain": lambda x: x,
    "fortran": np.asfortranarray,
    "reversed": lambda x: x[::-1].copy()[::-1],
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
}


@settings(max_examples=120, deadline=None)
@given(
    container=st.sampled_from([*WHOLE, *WIDER]),
    layout=st.sampled_from([*LAYOUTS]),
    dtype=st.sampled_from([F4, F8]),
    shape=st.tuples(st.integers(1, 9), st.integers(2, 9)),
    scale=st.sampled_from([255, 16.0, 3]),
    seed=st.integers(0, 99),
)
def test_whole_numbers_have_the_bits_of_the_uint8_array(
    container, layout, dtype, shape, scale, seed
):
    plain = np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)
    rows = (WHOLE | WIDER)[container](LAYOUTS[layout](plain))
    got = checks.as_features(rows, shape[1], dtype, scale)
    if got.dtype == np.uint8:
        assert_array_equal(got, plain)
    else:
        assert_array_equal(got, plain.astype(dtype) / dtype.type(scale))
        assert got.dtype == dtype


@pytest.mark.parametrize("container", WHOLE)
@pytest.mark.parametrize("dtype", [None, "float32", "float64"])
def test_training_and_prediction_of_whole_numbers(mlp_class, container, dtype):
    plain, other = (make_network(mlp_class, dtype=dtype, input_scale=255) for _ in range(2))
    rows = WHOLE[container](X8)
    plain.train(X8, Y, 2, verbose=False, validation_data=(X8, Y))
    other.train(rows, Y, 2, verbose=False, validation_data=(rows, Y))
    assert_same_parameters(plain, other, rtol=0, atol=0)
    assert plain.history_.loss == other.history_.loss
    assert_array_equal(plain.predict_proba(X8), other.predict_proba(rows))
    assert plain.score(X8, Y) == other.score(rows, Y)


def test_booleans_are_whole_numbers():
    rows = X8 > 100
    for x in (rows, pd.DataFrame(rows), pd.DataFrame(rows).astype("boolean"), rows.astype(object)):
        assert_array_equal(checks.as_features(x, N_FEATURES, F4, 255), rows.astype(np.uint8))
        assert checks.as_features(x, N_FEATURES, F4, 255).dtype == np.uint8


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x.astype("f8"),
        lambda x: x.astype("f2"),
        lambda x: x.astype("f8").tolist(),
        lambda x: x.astype("f8").astype(object),
        lambda x: pd.DataFrame(x.astype("f8")),
        lambda x: pd.DataFrame(x).astype("Float64"),
        lambda x: pd.DataFrame(x.astype("f4")).astype({0: "f8"}),
    ],
)
def test_what_is_of_floats_alone_is_never_divided(make):
    small = (X8 > 100).astype(np.uint8)
    assert_array_equal(checks.as_features(make(small), N_FEATURES, F8, 255), small)


def test_a_fraction_makes_all_of_them_floats():
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1]})
    for x in (frame, frame.astype(object), frame.astype({"a": "Int8"}), [[1, 0.5], [2, 1]]):
        assert_array_equal(checks.as_features(x, 2, F8, 255), [[1, 0.5], [2, 1]])


def test_numbers_beyond_int64_stay_what_they_are():
    for x in ([[2**70, 1]], np.array([[2**70, 1]], object), np.array([[Decimal(2**70), 1]])):
        assert_array_equal(checks.as_features(x, 2, F8), [[2.0**70, 1]])
    mixed = pd.DataFrame({"a": np.array([2**64 - 1], "u8"), "b": [0.0]})
    assert_array_equal(checks.as_features(mixed, 2, F8), [[2.0**64, 0]])


# -- what is missing, or no number -----------------------------------------------------------

DAYS = np.array(["2026-01-01", "2026-01-02", "2026-01-03"], "M8[s]")
FRAME = pd.DataFrame({"pixel0": [1, 2, 3], "pixel1": [4, 5, 6]})
NOT_NUMBERS = [
    (np.ma.masked_equal(FRAME.to_numpy(), 5), ValueError, "is masked in row 1"),
    ([np.ma.masked_equal([1, 2], 7), np.ma.masked_equal([1, 2], 2)], ValueError, "masked in row 1"),
    (FRAME.assign(pixel1=pd.array([1, None, 2], "Int64")), ValueError, "row 1 .* 'pixel1'"),
    (FRAME.assign(pixel1=pd.array([1, 2, None], "Float32")), ValueError, "row 2 .* 'pixel1'"),
    (FRAME.assign(pixel1=pd.array([True, None, False])), ValueError, "row 1 .* 'pixel1'"),
    (FRAME.assign(pixel1=[1, pd.NA, 2]), ValueError, "row 1 .* 'pixel1'"),
    (FRAME.assign(pixel1=["3", "4", "Rome"]), TypeError, "'Rome' in row 2 .* 'pixel1'"),
    (FRAME.assign(pixel1=pd.to_datetime(["2020"] * 3)), TypeError, "datetime64.* 'pixel1'"),
    (FRAME.assign(pixel1=pd.Series(list(DAYS), dtype=object)), TypeError, "row 0 .* 'pixel1'"),
    (np.array([[1, day] for day in DAYS], object), TypeError, "holds .*datetime64.* in row 0"),
    (np.array([[1, 2], [1, DAYS[1] - DAYS[0]]], object), TypeError, "timedelta64.* in row 1"),
    (np.array([[1, np.datetime64("NaT")]], object), TypeError, "'NaT'.* in row 0"),
    (pa.table({"when": DAYS, "number": [1.0] * 3}), TypeError, "timestamp.* column 'when'"),
    (FRAME.assign(pixel1=[[1], [2], [3]]), TypeError, "one of arrays"),
    (np.array([[1, pd.NA]], object), ValueError, "missing value in row 0"),
    (np.array([[1, 10**400]], object), ValueError, "too large for float64 in row 0"),
    (np.array([[1, 1j]], object), TypeError, "holds 1j in row 0"),
]


@pytest.mark.parametrize(("x", "error", "message"), NOT_NUMBERS)
def test_missing_values_and_text_are_named(mlp_class, x, error, message):
    network = mlp_class(2, 3, 2, random_state=0)
    with pytest.raises(error, match=f"^x .*{message}") as caught:
        network.predict(x)
    assert "\n" not in str(caught.value)


def test_nothing_masked_is_a_plain_array():
    assert_array_equal(checks.as_features(np.ma.array(X8), N_FEATURES, F4), X8)


# -- floats far beyond 1 ---------------------------------------------------------------------

METHODS = ["train", "predict", "predict_proba", "forward", "score"]
FLOATS = {
    "float64": lambda: X8.astype("f8"),
    "float32": lambda: X8.astype("f4"),
    "float16": lambda: X8.astype("f2"),
    "frame": lambda: pd.DataFrame(X8.astype("f8")),
    "object": lambda: X8.astype("f8").astype(object),
    "csr": lambda: pytest.importorskip("scipy.sparse").csr_matrix(X8.astype("f4")),
    "around 0": lambda: X8 - 127.5,
}


def call(network, method, x):
    getattr(network, method)(*((x, Y) if method in ("train", "score") else (x,)))


@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("method", METHODS)
def test_floats_far_beyond_1_are_told_once(mlp_class, method, kind, capsys):
    network = make_network(mlp_class, input_scale=255, learning_rate=1e-6)
    name = "x_train" if method == "train" else "x"
    with pytest.warns(UserWarning, match=f"^{name} holds floats from .* to .* 255: |255") as caught:
        call(network, method, FLOATS[kind]())
    (warning,) = caught
    assert warning.filename == __file__  # the user's line, not one of the package
    low, high = ("-127.5", "127.5") if kind == "around 0" else ("0", str(X8.max()))
    assert f"floats from {low} to {high}, and input_scale=255" in str(warning.message)
    assert "x / 255" in str(warning.message) or "x_train / 255" in str(warning.message)


def test_a_training_warns_once_for_rows_and_validation(mlp_class):
    floats = X8.astype("f4")
    for rows, validation, name in (
        (floats, floats, "x_train"),
        (X8, floats, r"validation_data\[0\]"),
    ):
        network = make_network(mlp_class, input_scale=255, learning_rate=1e-6)
        with pytest.warns(UserWarning, match=f"^{name} holds floats") as caught:
            network.train(rows, Y, 3, verbose=False, validation_data=(validation, Y))
        assert len(caught) == 1


def test_a_warning_that_is_an_error_changes_nothing(mlp_class):
    network = make_network(mlp_class, input_scale=255)
    before = network.w1.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning):
            network.train(X8.astype("f4"), Y, verbose=False)
    assert_array_equal(network.w1, before)


def test_no_warning_where_nothing_is_wrong(mlp_class):
    """Warnings are errors in these tests."""
    network = make_network(mlp_class, input_scale=255)
    standardised = (X - X.mean(axis=0)) / X.std(axis=0)
    for method, x in itertools.product(
        METHODS, (X, X.astype("f4"), X8, X8.astype("i8"), standardised)
    ):
        if method == "train":
            network.train(x, Y, 1, verbose=False)
        else:
            call(network, method, x)
    make_network(mlp_class, learning_rate=1e-6).train(X8.astype("f4"), Y, 1, verbose=False)
    make_network(mlp_class, input_scale=1).predict(X8.astype("f4"))
