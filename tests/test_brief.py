"""Short loops that keep the interpreter: what NumPy says of the same arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastmlp import checks
from fastmlp.checks.own import copied
from fastmlp.kernels.codegen import brief

NOT_FINITE = np.nan, -np.nan, np.inf, -np.inf


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (2, 1, 17, 40)])
def test_is_finite(dtype: str, shape: tuple[int, ...]) -> None:
    limits = np.finfo(dtype)
    array = np.resize([limits.max, limits.min, limits.tiny, limits.tiny / 2, 0, -0.0, 1], shape)
    array = array.astype(dtype)
    assert brief.is_finite(array)
    for value in NOT_FINITE:
        for place in (0, array.size // 2, array.size - 1):
            broken = array.copy()
            broken.reshape(-1)[place] = value
            assert not brief.is_finite(broken), (value, place)


@pytest.mark.parametrize(
    "orders",
    [
        np.arange(7),
        np.arange(7)[::-1],
        np.arange(7, dtype=np.int32),
        np.arange(6).reshape(2, 3).T,
        np.empty(0, np.intp),
        np.broadcast_to(np.intp(6), (4, 3)),
    ],
    ids=["", "backwards", "int32", "columns", "none", "broadcast"],
)
def test_own_orders(orders: Any) -> None:
    own = brief.own_orders(orders, 7)
    assert own.dtype == np.int64
    assert own.flags.c_contiguous
    assert own.flags.writeable
    assert not np.shares_memory(own, orders)
    np.testing.assert_array_equal(own, orders)


@pytest.mark.parametrize("wrong", [-1, 7, 2**62, -(2**63)])
@pytest.mark.parametrize("place", [0, 3, 999])
def test_an_order_out_of_range(wrong: int, place: int) -> None:
    order = np.arange(1000) % 7
    order[place] = wrong
    with pytest.raises(ValueError, match="the order of the rows holds"):
        brief.own_orders(order, 7)


def test_a_copy() -> None:
    array = np.arange(24.0).reshape(4, 6)
    array.flags.writeable = False
    for given in (array, array[::2, ::-3], array.T, array[:0]):
        copy = copied(given)
        np.testing.assert_array_equal(copy, given)
        assert copy.flags.c_contiguous
        assert copy.flags.writeable
        assert not np.shares_memory(copy, given)
        assert checks.is_finite(copy)
