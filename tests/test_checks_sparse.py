"""Sparse rows: the same as the plain array's in every format, and none that is broken gets in."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_tools import X8, X, Y, assert_same_parameters, make_network
from numpy.testing import assert_array_equal

from fastmlp import checks
from fastmlp.data import train_val_split

sparse = pytest.importorskip("scipy.sparse")

F4 = np.dtype("f4")
FORMATS = ["csr", "csc", "coo", "bsr", "lil", "dok", "dia"]
ROWS = np.array([[0, 2, 0, 1], [0, 0, 0, 0], [3, 0, 4, 0]], np.uint8)


def make(form, rows=ROWS, kind="array"):
    return getattr(sparse, f"{form}_{kind}")(rows)


@settings(max_examples=60, deadline=None)
@given(
    form=st.sampled_from(FORMATS),
    kind=st.sampled_from(["array", "matrix"]),
    dtype=st.sampled_from(["u1", "i2", "i8", "f4", "f8", "?"]),
    seed=st.integers(0, 99),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    scale=st.sampled_from([None, 255.0]),
)
def test_all_formats_are_the_plain_array(form, kind, dtype, seed, shape, scale):
    rng = np.random.RandomState(seed)
    plain = rng.randint(0, 2 if dtype[0] == "f" else 256, shape) * (rng.rand(*shape) < 0.4)
    plain = plain.astype(dtype)
    got = checks.as_features(make(form, plain, kind), shape[1], F4, scale)
    expected = checks.as_features(plain, shape[1], F4, scale)
    assert got.dtype == expected.dtype
    assert_array_equal(got.toarray(), expected)
    assert got.has_canonical_format


@pytest.mark.parametrize("form", FORMATS)
def test_training_and_prediction_equal_the_plain_array(mlp_class, form):
    plain, other = (make_network(mlp_class, input_scale=255) for _ in range(2))
    plain.train(X8, Y, 2, verbose=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sparse.SparseEfficiencyWarning)
        rows = make(form, X8)
    other.train(rows, Y, 2, verbose=False)
    assert_same_parameters(plain, other, rtol=1e-5, atol=1e-6)
    assert_array_equal(plain.predict(X8), other.predict(rows))


def csr(data, indices, indptr, shape=(3, 4)):
    return sparse.csr_array((np.array(data, "f8"), np.array(indices), np.array(indptr)), shape)


def changed(form, **parts):
    matrix = make(form, ROWS.astype("f8"))
    for name, part in parts.items():
        setattr(matrix, name, part)
    return matrix


def with_list(row, columns, values=(1.0,)):
    matrix = make("lil", ROWS.astype("f8"))
    matrix.rows[row], matrix.data[row] = list(columns), list(values)
    return matrix


def with_key(key):
    matrix = make("dok", ROWS.astype("f8"))
    # Before SciPy 1.13 the matrix itself is the dictionary.
    dict.__setitem__(getattr(matrix, "_dict", matrix), key, 1.0)
    return matrix


def coo(rows, columns):
    matrix = sparse.coo_array(([1.0, 2.0], ([0, 1], [0, 1])), (3, 4))
    return with_coordinates(matrix, np.array(rows), np.array(columns))


def with_coordinates(matrix, rows, columns):
    if hasattr(matrix, "coords"):
        matrix.coords = (rows, columns)
    else:  # before SciPy 1.13
        matrix.row, matrix.col = rows, columns
    return matrix


BROKEN = {
    "csr-one-based": (lambda: csr([1, 2], [1, 4], [0, 1, 1, 2]), "index 4 in row 2.*1-based"),
    "csr-negative": (lambda: csr([1, 2], [1, -1], [0, 1, 1, 2]), "column index -1 in row 2"),
    "csr-huge": (lambda: csr([1, 2], [1, 2**40], [0, 1, 1, 2]), f"column index {2**40} in row 2"),
    "csr-indptr-falls": (lambda: csr([1, 2], [1, 2], [0, 2, 1, 2]), "indptr must .* never fall"),
    "csr-indptr-zigzag": (lambda: csr([1, 2], [1, 2], [0, 90, 0, 0]), "indptr must .* never fall"),
    "csr-indptr-one-based": (
        lambda: changed("csr", indptr=np.array([1, 3, 3, 5])), "indptr starts at 1 .*1-based"),
    "csr-indptr-beyond": (
        lambda: changed("csr", indptr=np.array([0, 2, 2, 9])), "indptr leads beyond"),
    "csr-indptr-short": (lambda: changed("csr", indptr=np.array([0, 4])), "indptr has 2 entries"),
    "csr-data-short": (lambda: changed("csr", data=np.ones(3)), "indices and data differ"),
    "csr-float-indices": (lambda: changed("csr", indices=np.ones(4)), "right types"),
    "csc-one-based": (
        lambda: sparse.csc_array(([1.0, 2], [1, 3], [0, 1, 2, 2, 2]), (3, 4)),
        "row index 3 in column 1.*1-based"),
    "csc-huge": (
        lambda: changed("csc", indices=np.array([0, 2**40, 0, 1])), f"row index {2**40} in column"),
    "csc-indptr": (lambda: changed("csc", indptr=np.array([0, 99, 0, 0, 4])), "never fall"),
    "coo-one-based": (lambda: coo([0, 1], [1, 4]), "column index 4 in row 1.*1-based"),
    "coo-row": (lambda: coo([0, 3], [0, 1]), "row index 3 in column 1"),
    "coo-negative": (lambda: coo([0, -1], [0, 1]), "row index -1 in column 1"),
    "coo-short": (lambda: coo([0], [0, 1]), "differ in length"),
    "bsr-column": (
        lambda: changed("bsr", indices=np.full(4, 7)), "column index 7|block column index 7"),
    "bsr-indptr": (lambda: changed("bsr", indptr=np.array([0, 99, 0, 1])), "never fall"),
    "bsr-blocks": (lambda: changed("bsr", data=np.ones((4, 9, 9))), "blocks don't fit|differ"),
    "lil-one-based": (lambda: with_list(1, [4]), "column index 4 in row 1.*1-based"),
    "lil-negative": (lambda: with_list(1, [-1]), "column index -1 in row 1"),
    "lil-huge": (lambda: with_list(1, [2**70]), "columns of row 1 are not whole"),
    "lil-values": (lambda: with_list(1, [1], [1.0, 2.0, 3.0]), "values of row 1 don't fit"),
    "lil-rows": (lambda: changed("lil", rows=np.empty(2, object)), "a list for each"),
    "dok-one-based": (lambda: with_key((1, 4)), "column index 4 in row 1"),
    "dok-negative": (lambda: with_key((-1, 0)), "row index -1 in column 0"),
    "dok-huge": (lambda: with_key((2**70, 0)), "broken sparse matrix"),
    "dia-offsets": (lambda: changed("dia", offsets=np.array([0])), "offsets don't fit"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("method", ["train", "predict", "train_val_split"])
def test_broken_structures_are_refused(mlp_class, method, case):
    make_broken, message = BROKEN[case]
    broken = make_broken()
    network = mlp_class(4, 5, 3, random_state=0)
    calls = {
        "train": lambda: network.train(broken, [0, 1, 2], verbose=False),
        "predict": lambda: network.predict(broken),
        "train_val_split": lambda: train_val_split(broken, [0, 1, 2], 0.4),
    }
    with pytest.raises(ValueError, match=message) as caught:
        calls[method]()
    assert caught.match("^x(_train)? ")
    assert "\n" not in str(caught.value)


def test_a_column_more_that_is_empty_looks_one_based(mlp_class):
    rows = sparse.csr_array(np.hstack([np.zeros((3, 1)), ROWS]))
    network = mlp_class(4, 5, 3, random_state=0)
    with pytest.raises(ValueError, match=r"has 5 columns, .*: 1-based\?") as caught:
        network.predict(rows)
    remedy = str(caught.value).split("give ")[1]
    assert_array_equal(eval(remedy, {"x": rows}).toarray(), ROWS)


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("dtype", ["u1", "f4", "i8"])
def test_duplicates_are_summed_whatever_the_flag_says(form, dtype):
    data, rows, columns = np.array([1, 2, 4], dtype), np.array([0, 0, 0]), np.array([3, 0, 3])
    matrix = sparse.coo_array((data, (rows, columns)), (1, 4))
    if form != "coo":
        parts = (
            (data, columns, [0, 3]) if form == "csr" else (data[[1, 0, 2]], rows, [0, 1, 1, 1, 3])
        )
        matrix = getattr(sparse, f"{form}_array")(parts, (1, 4))
    matrix.has_canonical_format = matrix.has_sorted_indices = True
    checked = checks.as_features(matrix, 4, F4)
    assert_array_equal(checked.indices, [0, 3])
    assert_array_equal(checked.data, [2, 5])
    assert len(matrix.data) == 3


def test_sums_of_duplicates_have_room():
    data = np.array([200, 100], np.uint8)
    for matrix in (
        sparse.coo_array((data, ([0, 0], [1, 1])), (1, 3)),
        sparse.csr_array((data, [1, 1], [0, 2]), (1, 3)),
    ):
        assert_array_equal(checks.as_features(matrix, 3, F4).toarray(), [[0, 300, 0]])


def test_parts_that_are_strided_or_too_long():
    data, indices = np.array([1.0, 9, 2, 9, 3, 9, 9, 9]), np.array([1, 7, 3, 7, 0, 7, 99, 99], "i4")
    matrix = csr([1, 2, 3], [1, 3, 0], [0, 1, 2, 3])
    matrix.data, matrix.indices = data[::2], indices[::2]  # SciPy drops what is beyond indptr
    expected = [[0, 1, 0, 0], [0, 0, 0, 2], [3, 0, 0, 0]]
    checked = checks.as_features(matrix, 4, F4)
    assert checked.data.flags.c_contiguous
    assert len(checked.data) == len(checked.indices) == 3
    assert_array_equal(checked.toarray(), expected)


def test_the_callers_matrix_is_never_changed():
    matrix = sparse.csr_matrix((np.array([4.0, 1, 2]), np.array([3, 3, 0]), [0, 3, 3, 3]), (3, 4))
    parts = [part.copy() for part in (matrix.data, matrix.indices, matrix.indptr)]
    before = dict(vars(matrix))
    checks.as_features(matrix, 4, F4)
    for part, kept in zip((matrix.data, matrix.indices, matrix.indptr), parts, strict=True):
        assert_array_equal(part, kept)
    assert vars(matrix).keys() == before.keys()


def test_values_of_a_good_matrix_are_taken_without_a_copy_and_nothing_else():
    for rows in (X8, X, X.astype("f4")):
        matrix = sparse.csr_matrix(rows)
        checked = checks.as_features(matrix, rows.shape[1], F4)
        assert np.shares_memory(checked.data, matrix.data)
        for name in ("indices", "indptr"):
            assert not np.shares_memory(getattr(checked, name), getattr(matrix, name))


GUARDED = """
import ctypes, mmap
import numpy as np, scipy.sparse as sp
from fastmlp import MLP
from fastmlp.data import train_val_split
from test_checks_sparse import BROKEN, with_coordinates

libc, kept = ctypes.CDLL(None, use_errno=True), []

def guarded(array):
    '''A copy that ends where memory may neither be read nor written.'''
    size = -(-max(array.nbytes, 1) // mmap.PAGESIZE) * mmap.PAGESIZE
    pages = mmap.mmap(-1, size + mmap.PAGESIZE)
    kept.append(pages)
    start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    assert libc.mprotect(ctypes.c_void_p(start + size), mmap.PAGESIZE, 0) == 0
    copy = np.frombuffer(pages, array.dtype, array.size, size - array.nbytes).reshape(array.shape)
    copy[...] = array
    return copy

def guard(matrix):
    for name in ("data", "indices", "indptr", "offsets"):
        part = getattr(matrix, name, None)
        if isinstance(part, np.ndarray) and part.dtype != object:
            setattr(matrix, name, guarded(part))
    if matrix.format == "coo":
        with_coordinates(matrix, guarded(matrix.row), guarded(matrix.col))
    return matrix

refused = 0
for name, (make, _) in BROKEN.items():
    for call in (
        lambda x: MLP(4, 5, 3, random_state=0).train(x, [0, 1, 2], 20, verbose=False),
        lambda x: MLP(4, 5, 3, random_state=0).predict(x),
        lambda x: train_val_split(x, [0, 1, 2], 0.4),
    ):
        try:
            call(guard(make()))
        except ValueError:
            refused += 1
rng = np.random.RandomState(0)
for n_features in (1, 7, 33):
    for form in ("csr", "csc", "coo", "bsr"):
        dense = rng.rand(50, n_features).astype("f4") * (rng.rand(50, n_features) < 0.3)
        network = MLP(n_features, 5, 3, random_state=0)
        x = guard(getattr(sp, form + "_array")(dense))
        network.train(x, np.arange(50) % 3, 3, 7, verbose=False)
        assert np.isfinite(network.predict_proba(x)).all()
print("refused", refused)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs mprotect")
def test_no_buffer_is_left():
    """Every part of a matrix ends at a page that must not be touched."""
    done = subprocess.run(
        [sys.executable, "-c", GUARDED], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == f"refused {3 * len(BROKEN)}\n"
