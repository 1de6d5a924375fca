"""The kernels' elementary functions: units in the last place, both ends, bits at any width."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from elementary_tools import NAMES, evaluate, points
from numpy.testing import assert_array_equal

DTYPES = ["float32", "float64"]
PROGRAM = Path(__file__).with_name("elementary_tools.py")

both_dtypes = pytest.mark.parametrize("dtype", DTYPES)
# Elsewhere longdouble is float64, and the expected values no better than those tested.
wide_enough = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 63, reason="longdouble has no more digits than float64 here"
)

# The least arguments of exp whose results the functions don't replace by 0.
LOWEST = {"float32": -87.33, "float64": -708.39}


@pytest.fixture(scope="module")
def results():
    """Points of each dtype, and each function's results for them."""
    return {dtype: (x := points(dtype), evaluate(x)) for dtype in DTYPES}


def normal_density(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * np.longdouble("3.14159265358979323846264"))


def normal_cdf(x):
    """Phi(x) in long doubles: Phi's series near 0, the continued fraction of its tail beyond."""
    z = np.minimum(np.abs(x), 200)
    near = np.minimum(z, 3)
    term = total = near
    for k in range(1, 100):
        term = term * near * near / (2 * k + 1)
        total = total + term
    far = np.maximum(z, 2)
    fraction = far
    for k in range(400, 0, -1):
        fraction = far + k / fraction
    tail = np.where(z < 2.5, 0.5 - normal_density(near) * total, normal_density(far) / fraction)
    return np.where(x > 0, 1 - tail, tail)


def logistic(x):
    e = np.exp(-np.abs(x))
    return np.where(x > 0, 1, e) / (1 + e)


# The function in long doubles, for which x, and the ulp allowed.
CASES = {
    "exp_nonpositive": (np.exp, lambda x, low: (x <= 0) & (x >= low), 2),
    "exp": (np.exp, lambda x, low: x >= low, 2),
    "log": (np.log, lambda x, low: x > 0, 2),
    "logistic": (logistic, lambda x, low: x >= low, 4),
    "tanh": (np.tanh, lambda x, low: np.full(x.shape, True), 2),
    "normal_cdf": (normal_cdf, lambda x, low: np.full(x.shape, True), 8),
    "normal_density": (normal_density, lambda x, low: np.full(x.shape, True), 4),
}


def test_every_function_has_a_case():
    assert CASES.keys() == set(NAMES)


def assert_ulp(got, expected, limit):
    """Each result within `limit` units in the last place; less than the smallest normal is 0."""
    info = np.finfo(got.dtype)
    with np.errstate(over="ignore", under="ignore"):
        rounded = expected.astype(got.dtype)
    normal = (np.abs(rounded) >= 1.01 * info.tiny) & np.isfinite(rounded)
    assert normal.sum() > 10_000
    error = np.abs(got[normal].astype(np.longdouble) - expected[normal])
    worst = np.max(error / np.spacing(np.abs(rounded[normal])))
    assert worst <= limit, f"{worst:.3g} ulp"
    assert np.all(np.abs(got[np.abs(rounded) < 1.01 * info.tiny]) < 1.02 * info.tiny)
    infinite = np.isinf(rounded)
    assert_array_equal(got[infinite], rounded[infinite])


@wide_enough
@both_dtypes
@pytest.mark.parametrize("name", CASES)
def test_within_a_few_units_in_the_last_place(results, dtype, name):
    x, got = results[dtype]
    function, domain, limit = CASES[name]
    chosen = domain(x, LOWEST[dtype])
    with np.errstate(over="ignore", under="ignore"):
        expected = function(x[chosen].astype(np.longdouble))
    assert_ulp(got[name][chosen], expected, limit)


@both_dtypes
@pytest.mark.parametrize("name", CASES)
def test_nan_stays_nan(results, dtype, name):
    x, got = results[dtype]
    assert np.isnan(got[name][np.isnan(x)]).all()
    if name not in ("exp_nonpositive", "log"):
        assert not np.isnan(got[name][~np.isnan(x)]).any()


@both_dtypes
@pytest.mark.parametrize("name", CASES)
def test_nan_of_any_bits_stays_nan(dtype, name):
    whole = np.uint32 if dtype == "float32" else np.uint64
    bits = np.array(np.nan, dtype).view(whole) + np.arange(512, dtype=whole)
    assert np.isnan(evaluate(bits.view(dtype))[name]).all()


@both_dtypes
def test_both_ends(dtype):
    largest = np.finfo(dtype).max
    got = evaluate(np.array([-np.inf, -largest, -1000, 0, 1000, largest, np.inf], dtype))
    inf = np.inf
    assert_array_equal(got["exp"], [0, 0, 0, 1, inf, inf, inf])
    assert_array_equal(got["exp_nonpositive"][:4], [0, 0, 0, 1])
    assert_array_equal(got["logistic"], [0, 0, 0, 0.5, 1, 1, 1])
    assert_array_equal(got["tanh"], [-1, -1, -1, 0, 1, 1, 1])
    assert_array_equal(got["normal_cdf"], [0, 0, 0, 0.5, 1, 1, 1])
    assert_array_equal(got["normal_density"][[0, 1, 2, 4, 5, 6]], np.zeros(6))


@wide_enough
@both_dtypes
def test_tanh_over_dense_grids_of_all_exponents(dtype):
    info = np.finfo(dtype)
    grid = np.linspace(1, 2, 400, endpoint=False, dtype=dtype)
    exponents = np.arange(info.minexp - info.nmant, info.maxexp)
    sparse = np.ldexp(grid, exponents[:, np.newaxis].astype(np.intc)).ravel()
    # Where neither the argument's nor the result's own digits are the answer, and where n changes.
    dense = np.concatenate([np.linspace(2.0**-12, 1, 200_000), np.linspace(1, 21, 200_000)])
    steps = np.log(2) / 4 * np.arange(120)
    around = steps[:, np.newaxis] * (1 + np.arange(-50, 51) * info.eps)
    x = np.concatenate([sparse, dense.astype(dtype), around.ravel().astype(dtype)])
    got = evaluate(x)["tanh"]
    expected = np.tanh(x.astype(np.longdouble))
    below_one = 1 - np.finfo(dtype).epsneg  # units are those below 1, where a result rounds to 1
    unit = np.spacing(np.minimum(expected.astype(dtype), below_one).astype(dtype))
    error = np.abs(got.astype(np.longdouble) - expected)
    assert np.max(error[unit > 0] / unit[unit > 0]) <= 2
    assert np.all(got <= 1)
    tiny = x < info.eps / 8
    assert_array_equal(got[tiny], x[tiny])  # subnormal numbers, too
    mirrored = evaluate(-x)["tanh"]
    assert_array_equal(mirrored, -got)
    assert np.all(np.signbit(evaluate(np.array([-0.0], dtype))["tanh"]))
    assert not np.any(np.signbit(evaluate(np.array([0.0], dtype))["tanh"]))


@both_dtypes
def test_log_of_exact_powers_and_of_infinity(dtype):
    got = evaluate(np.array([1, np.inf], dtype))["log"]
    assert_array_equal(got, [0, np.inf])


@both_dtypes
def test_exp_overflows_where_numpys_does(dtype):
    top = np.log(np.finfo(dtype).max)
    x = np.array([top * (1 - 2 * np.finfo(dtype).eps), top * (1 + 2 * np.finfo(dtype).eps)], dtype)
    assert_array_equal(np.isfinite(evaluate(x)["exp"]), [True, False])


def test_the_same_bits_in_vectors_of_any_length(results, tmp_path):
    programs = []
    for lanes in (4, 8, 16):
        file = tmp_path / f"{lanes}.npz"
        environment = os.environ | {"FASTMLP_LANES": str(lanes)}
        program = subprocess.Popen([sys.executable, PROGRAM, file], env=environment)
        programs.append((program, file))
    for program, file in programs:
        assert program.wait(timeout=120) == 0
        got = np.load(file)
        for dtype, (_, expected) in results.items():
            for name in NAMES:
                assert_array_equal(got[f"{name} {dtype}"], expected[name])
