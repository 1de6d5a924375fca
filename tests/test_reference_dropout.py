"""Dropout's bits: known ones, their independence, their share."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp.reference import drop, keep_mask

WORD = 2**32
KNOWN = [
    "1011010100001001",
    "1101010101100010",
    "0001101100110100",
    "1101100000110110",
]  # of seed 42, step 1, layer 1, share 0.5


def mix(x):
    """The hash in Python's own integers."""
    x = (x ^ x >> 16) * 0x7FEB352D % WORD
    x = (x ^ x >> 15) * 0x846CA68B % WORD
    return x ^ x >> 16


def kept(seed, step, layer, row, unit, share):
    of_step = mix((seed + 0x9E3779B9 * step) % WORD)
    of_layer = mix(of_step ^ 0x85EBCA6B * layer % WORD)
    of_row = mix((of_layer + 0x9E3779B9 * row) % WORD)
    return mix(of_row ^ 0xC2B2AE35 * unit % WORD) >= int(share * WORD)


@pytest.mark.parametrize(
    ("seed", "step", "layer", "share"),
    [(0, 1, 1, 0.5), (1, 1, 1, 0.5), (12345, 70_000, 3, 0.2), (2**32 + 1, 2**33, 2, 0.9)],
)
def test_bits_equal_the_formula_in_whole_numbers(seed, step, layer, share):
    expected = [[kept(seed, step, layer, r, u, share) for u in range(9)] for r in range(11)]
    assert_array_equal(keep_mask(seed, step, layer, 11, 9, share), expected)


def test_bits_are_those_of_the_first_release():
    """Other bits would change every seeded result."""
    got = ["".join("01"[bit] for bit in row) for row in keep_mask(42, 1, 1, 4, 16, 0.5).tolist()]
    assert got == KNOWN


def test_a_part_of_the_batch_has_the_bits_of_the_whole():
    whole = keep_mask(7, 3, 2, 50, 40, 0.3)
    assert_array_equal(keep_mask(7, 3, 2, 20, 10, 0.3), whole[:20, :10])


def test_seed_counts_modulo_a_word():
    assert_array_equal(keep_mask(-1, 1, 1, 9, 9, 0.5), keep_mask(WORD - 1, 1, 1, 9, 9, 0.5))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_share_of_units_rows_and_neighbours(share):
    mask = keep_mask(0, 1, 1, 1000, 500, share)
    tolerance = 6 * np.sqrt(share * (1 - share))
    assert abs(mask.mean() - (1 - share)) < tolerance / np.sqrt(mask.size)
    assert np.abs(mask.mean(axis=0) - (1 - share)).max() < tolerance / np.sqrt(1000)
    assert np.abs(mask.mean(axis=1) - (1 - share)).max() < tolerance / np.sqrt(500)
    others = [
        (mask[1:], mask[:-1]),
        (mask[:, 1:], mask[:, :-1]),
        (mask, keep_mask(0, 2, 1, 1000, 500, share)),
        (mask, keep_mask(0, 1, 2, 1000, 500, share)),
        (mask, keep_mask(1, 1, 1, 1000, 500, share)),
    ]
    for one, other in others:
        correlation = np.corrcoef(one.ravel(), other.ravel())[0, 1]
        assert abs(correlation) < 6 / np.sqrt(one.size)


def test_nothing_is_left_out_with_a_share_of_zero():
    assert keep_mask(0, 1, 1, 100, 100, 0.0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_drop_scales_what_is_kept(dtype):
    values = np.array([[1, -2, np.nan, np.inf]], dtype)
    mask = np.array([[True, False, False, True]])
    got = drop(values, mask, 0.2)
    assert got.dtype == dtype
    assert_array_equal(got, [[dtype(1 / 0.8), 0, 0, np.inf]])
    assert_allclose(
        drop(np.ones((500, 500)), keep_mask(0, 1, 1, 500, 500, 0.3), 0.3).mean(), 1, rtol=0.01
    )
