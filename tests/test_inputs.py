"""How many zeros there are, which decides whether they are skipped."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from engine_tools import make_rows
from scipy.sparse import csr_array, csr_matrix

from fastmlp.kernels.inputs import SAMPLED_ROWS, nonzero_share


@pytest.mark.parametrize("n_rows", [1, 40, 3 * SAMPLED_ROWS + 1])
@pytest.mark.parametrize("n_features", [1, 4, 9, 30])
@pytest.mark.parametrize("group", [2, 4, 8])
def test_of_sparse_rows_as_of_dense_ones(n_rows, n_features, group):
    dense = make_rows(n_rows, n_features, "float32", density=0.2)
    padded = np.zeros((n_rows, -(-n_features // group) * group))
    padded[:, :n_features] = dense
    sampled = padded[:: max(1, n_rows // SAMPLED_ROWS)].reshape(-1, group)
    expected = np.mean(sampled.any(axis=1))
    assert nonzero_share(dense, group) == pytest.approx(expected, abs=1e-12)
    for kind in (csr_matrix, csr_array):
        assert nonzero_share(kind(dense), group) == pytest.approx(expected, abs=1e-12)


def test_stored_zeros_are_zeros():
    x = csr_array((np.array([0.0, 2.0, 0.0]), np.array([0, 5, 3]), np.array([0, 2, 3])), (2, 8))
    assert nonzero_share(x, 4) == 1 / 4


def test_wide_sparse_rows_are_not_written_out():
    rows, columns = np.arange(2000), np.arange(2000) * 500
    x = csr_array((np.ones(2000, np.float32), (rows, columns)), (2000, 1 << 20))
    tracemalloc.start()
    try:
        share = nonzero_share(x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0 < share < 1e-4
    assert peak < 10_000_000
