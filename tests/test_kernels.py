"""Each kernel of the way forward alone, against the reference's function of the same name."""

from __future__ import annotations

import numpy as np
import pytest
from engine_tools import Array, assert_close, make_labels
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from fastmlp import kernels, reference

DTYPES = ["float32", "float64"]
# Around the lengths of vectors, of panels of two vectors, and the heights of tiles.
SIZES = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 49, 65, 100])
# Around the heights of tiles too, and around the 64 rows of a mask.
ROWS = st.sampled_from([1, 2, 3, 5, 6, 7, 8, 9, 12, 13, 15, 63, 64, 65, 100, 128, 129, 150])
SEEDS = st.integers(0, 2**16)

bounded = settings(derandomize=True, database=None, deadline=None, max_examples=150)
both_dtypes = pytest.mark.parametrize("dtype", DTYPES)


def eighths(rng: np.random.RandomState, *shape: int) -> Array:
    """Multiples of 1/8, whose products and sums are exact: in any order, the bits are the same."""
    return rng.randint(-32, 33, shape) / 8


# -- matmul_bias -----------------------------------------------------------------------------


@both_dtypes
@bounded
@given(n_rows=ROWS, n_in=SIZES, n_out=SIZES, seed=SEEDS)
def test_matmul_bias_of_exact_values(dtype, n_rows, n_in, n_out, seed):
    rng = np.random.RandomState(seed)
    shapes = (n_rows, n_in), (n_in, n_out), (1, n_out)
    operands = [eighths(rng, *shape).astype(dtype) for shape in shapes]
    got = kernels.matmul_bias(*operands)
    assert got.dtype == dtype
    assert_array_equal(got, reference.matmul_bias(*operands))


@both_dtypes
@bounded
@given(n_rows=ROWS, n_in=SIZES, n_out=SIZES, seed=SEEDS)
def test_matmul_bias_within_rounding(dtype, n_rows, n_in, n_out, seed):
    rng = np.random.RandomState(seed)
    shapes = (n_rows, n_in), (n_in, n_out), (1, n_out)
    operands = [(rng.randn(*shape) * 10.0 ** rng.randint(-3, 4)).astype(dtype) for shape in shapes]
    x, w, b = (a.astype(np.longdouble) for a in operands)
    # What n + 1 roundings can come to, at the very most.
    bound = (n_in + 1) * np.finfo(dtype).eps * reference.matmul_bias(*map(np.abs, (x, w, b)))
    error = np.abs(kernels.matmul_bias(*operands) - reference.matmul_bias(x, w, b))
    assert np.all(error <= bound)


def test_matmul_bias_takes_any_layout_and_the_wider_dtype():
    rng = np.random.RandomState(0)
    x, w, b = eighths(rng, 9, 5), eighths(rng, 5, 18), eighths(rng, 1, 18)
    expected = reference.matmul_bias(x, w, b)
    readonly = x.copy()
    readonly.flags.writeable = False
    for given_x, given_w in [
        (np.asfortranarray(x), np.asfortranarray(w)),
        (np.repeat(x, 2, axis=0)[::2], np.repeat(w, 2, axis=1)[:, ::2]),
        (x.astype(">f8"), w.astype(">f4")),
        (x.tolist(), w),
        (readonly, w),
        (x.astype(np.float32), w),
    ]:
        got = kernels.matmul_bias(given_x, given_w, b)
        assert got.dtype == np.float64
        assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("x", "w", "b", "name"),
    [
        (np.ones((2, 3)), np.ones((4, 5)), np.ones((1, 5)), "x"),
        (np.ones(3), np.ones((3, 5)), np.ones((1, 5)), "x"),
        (np.ones((2, 3)), np.ones(3), np.ones((1, 3)), "w"),
        (np.ones((2, 3)), np.ones((3, 5)), np.ones((1, 4)), "b"),
        (np.ones((2, 3)), np.ones((3, 5)), np.ones(5), "b"),
    ],
)
def test_matmul_bias_refuses_wrong_shapes(x, w, b, name):
    with pytest.raises(ValueError, match=f"^{name} has shape .* give"):
        kernels.matmul_bias(x, w, b)


def test_matmul_bias_refuses_no_columns():
    with pytest.raises(ValueError, match=r"^w has no columns: give one"):
        kernels.matmul_bias(np.ones((2, 3)), np.ones((3, 0)), np.ones((1, 0)))


@pytest.mark.parametrize("shape", [(0, 3, 2), (2, 0, 3)])
def test_matmul_bias_of_nothing(shape):
    n_rows, n_in, n_out = shape
    got = kernels.matmul_bias(np.ones((n_rows, n_in)), np.ones((n_in, n_out)), np.ones((1, n_out)))
    assert_array_equal(got, np.full((n_rows, n_out), 1.0 + n_in))


# -- relu ------------------------------------------------------------------------------------


@both_dtypes
@bounded
@given(shape=st.lists(st.integers(0, 9), max_size=3), seed=SEEDS)
def test_relu(dtype, shape, seed):
    z = np.asarray(np.random.RandomState(seed).randn(*shape)).astype(dtype)
    before = z.copy()
    got = kernels.relu(z)
    assert got.dtype == dtype
    assert_array_equal(got, reference.relu(z))
    assert_array_equal(z, before)


@both_dtypes
def test_relu_of_special_values(dtype):
    tiny = np.nextafter(np.dtype(dtype).type(0), 1)
    z = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, tiny, -tiny], dtype)
    assert_array_equal(kernels.relu(z), reference.relu(z))


# -- softmax ---------------------------------------------------------------------------------


@both_dtypes
@bounded
@given(n_rows=ROWS, n_classes=SIZES, spread=st.sampled_from([0.0, 1.0, 30.0, 1e4]), seed=SEEDS)
def test_softmax(dtype, n_rows, n_classes, spread, seed):
    logits = (np.random.RandomState(seed).randn(n_rows, n_classes) * spread).astype(dtype)
    got = kernels.softmax(logits)
    expected = reference.softmax(logits.astype(np.longdouble))
    assert got.dtype == dtype
    # Subtracting the row's maximum rounds too: exp of it errs by as much, and by no more.
    distance = logits.max(axis=1, keepdims=True) - logits
    bound = (8 + n_classes + distance) * np.finfo(dtype).eps * expected
    # About where numbers cease to be normal, the result becomes 0.
    assert np.all(np.abs(got - expected) <= bound + 2 * np.finfo(dtype).tiny)
    assert np.all(got >= 0)


@both_dtypes
def test_softmax_has_an_accurate_exponential(dtype):
    """p2 / p1 of the logits (0, -t) is exp(-t), over the whole range of normal numbers."""
    finfo = np.finfo(dtype)
    end = -np.log(finfo.tiny)
    t = np.concatenate([np.linspace(0, end - 0.02, 20_001), 2.0 ** np.arange(-60, 6)]).astype(dtype)
    p = kernels.softmax(np.stack([np.zeros_like(t), -t], axis=1)).astype(np.longdouble)
    expected = np.exp(-t.astype(np.longdouble))
    assert np.all(np.abs(p[:, 1] / p[:, 0] - expected) <= 2 * finfo.eps * expected)
    beyond = np.array([end + 1, 2 * end, 1e4, finfo.max, np.inf], dtype)
    p = kernels.softmax(np.stack([np.zeros_like(beyond), -beyond], axis=1))
    assert_array_equal(p, [[1, 0]] * len(beyond))


@both_dtypes
def test_softmax_of_special_values(dtype):
    nan, inf = np.nan, np.inf
    logits = np.zeros((7, 37), dtype)
    logits[0, 36], logits[1, 0], logits[2, 17], logits[3, :] = nan, nan, inf, -inf
    logits[4, 5:] = -inf
    logits[5, ::2], logits[5, 1::2] = 1e4, -1e4
    got = kernels.softmax(logits)
    assert np.isnan(got[:4]).all()
    assert_close(got[4], [1 / 5 if i < 5 else 0 for i in range(37)], dtype, 4)
    assert_array_equal(got[4, 5:], 0)
    assert_close(got[5], [1 / 19 if i % 2 == 0 else 0 for i in range(37)], dtype, 4)
    assert_close(got[6], np.full(37, 1 / 37), dtype, 4)


@pytest.mark.parametrize("logits", [np.ones(3), np.ones((2, 0)), np.ones((2, 3, 4))])
def test_softmax_refuses_wrong_shapes(logits):
    with pytest.raises(ValueError, match=r"^logits has"):
        kernels.softmax(logits)


# -- cross_entropy ---------------------------------------------------------------------------


@both_dtypes
@bounded
@given(n_rows=ROWS, n_classes=SIZES, seed=SEEDS)
def test_cross_entropy(dtype, n_rows, n_classes, seed):
    rng = np.random.RandomState(seed)
    p = reference.softmax(rng.randn(n_rows, n_classes) * 30).astype(dtype)
    p[rng.rand(n_rows, n_classes) < 0.1] = 0
    labels = make_labels(n_rows, n_classes, seed)
    got = kernels.cross_entropy(p, labels)
    assert isinstance(got, float)
    assert np.isfinite(got)
    assert_close(got, reference.cross_entropy(p, labels), dtype, 8)


@both_dtypes
def test_cross_entropy_of_special_values(dtype):
    p = np.array([[0, 1], [np.nan, 1]], dtype)
    assert_close(kernels.cross_entropy(p[:1], [0]), -np.log(np.finfo(dtype).tiny), dtype, 2)
    assert np.isnan(kernels.cross_entropy(p, [0, 0]))
    assert kernels.cross_entropy(p, [1, 1]) == 0


@both_dtypes
def test_large_logits_give_a_finite_loss(dtype):
    logits = np.array([[1e4, -1e4, 0], [-1e4, -1e4, 1e4]], dtype)
    for labels in ([0, 2], [1, 0], [2, 1]):
        got = kernels.cross_entropy(kernels.softmax(logits), labels)
        assert np.isfinite(got)
        expected = reference.cross_entropy(reference.softmax(logits), np.array(labels))
        assert_close(got, expected, dtype, 4)


@pytest.mark.parametrize(
    ("labels", "error"),
    [
        ([0, 3], ValueError),
        ([0, -1], ValueError),
        ([0, 0.5], ValueError),
        ([0, np.nan], ValueError),
        ([0], ValueError),
        ([[0], [1]], ValueError),
        (["a", "b"], TypeError),
    ],
)
def test_cross_entropy_refuses_wrong_labels(labels, error):
    with pytest.raises(error, match=r"^labels "):
        kernels.cross_entropy(np.full((2, 3), 1 / 3), labels)
