"""The parts of a table's fit: recipe, temperature, folds."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold

from fastmlp.tables import folds, recipe, temperature
from fastmlp.tables.decay import Decay, flat_then_falling
from fastmlp.tables.members import RegressorMember


def test_epochs_fall_by_the_root_of_the_rows():
    found = [recipe.n_epochs(n) for n in (2, 800, 3200, 1_000_000)]
    assert found == [128, 128, 64, 24]


def test_inputs_of_all_columns_count_the_same():
    factors = recipe.input_factors([1, 17, 64], np.ones(3))
    by_column = [np.sum(part.astype(float) ** 2) for part in np.split(factors, [1, 18])]
    assert max(by_column) <= 4 * min(by_column)
    np.testing.assert_array_equal(np.log2(factors) % 1, 0)
    total = np.sum(recipe.input_factors([4] * 50, np.ones(50)).astype(float) ** 2)
    assert 0.5 <= total / recipe.WIDTH <= 2


def test_inputs_count_as_their_columns_weigh():
    factors = recipe.input_factors([1, 1, 4], np.array([1.0, 4.0, 1.0]))
    np.testing.assert_array_equal(factors / factors[0], [1, 4, 0.5, 0.5, 0.5, 0.5])


def test_epochs_are_judged_where_the_rate_is_low():
    decay = Decay(0.1, 0, 0, n_epochs=60, n_steps=4)
    trainer = SimpleNamespace()
    judged, rates = [], []
    for epoch in range(60):
        decay.set(trainer, epoch)
        judged.append(decay.is_worth_judging)
        rates.append(trainer.learning_rate[-1])
    assert judged[0]
    assert judged[-1]
    assert judged[1:] == [rate <= 0.075 for rate in rates[1:]]
    assert 30 < sum(judged) < 50


def test_decay_is_flat_and_then_falls():
    shares = [flat_then_falling(share) for share in (0, 0.5, 0.75, 1)]
    np.testing.assert_allclose(shares, [1, 1, 0.5, 0], atol=1e-12)


def test_the_temperature_is_found():
    rng = np.random.default_rng(0)
    p = temperature.tempered(rng.dirichlet(np.ones(4), 20_000), 1.0)
    y = (rng.random((len(p), 1)) > p.cumsum(axis=1)).sum(axis=1)
    for power in (0.3, 1.0, 3.0):
        too_sure = temperature.tempered(p, 1 / power)
        assert temperature.best_power(too_sure, y) == pytest.approx(power, rel=0.05)
    lowest = temperature.lowest_loss(temperature.tempered(p, 4), y)
    assert lowest == pytest.approx(temperature.log_loss(p, y), rel=0.02)


def test_weights_count_in_the_temperature():
    p = np.array([[0.99, 0.01]] * 4)
    y = np.array([0, 0, 0, 1])
    careful = temperature.best_power(p, y)
    surer = temperature.best_power(p, y, np.array([1, 1, 1, 0.01]))
    assert surer > careful
    assert temperature.tempered(p, careful)[0, 0] == pytest.approx(0.75, rel=1e-3)


def test_joined_is_the_geometric_mean():
    p, q = np.array([[0.5, 0.5]]), np.array([[0.9, 0.1]])
    expected = np.sqrt(p * q)
    np.testing.assert_allclose(temperature.joined([p, q], 1), expected / expected.sum())
    certain = temperature.joined([np.array([[1.0, 0.0]])] * 2, 3)
    assert np.isfinite(certain).all()


def test_an_epoch_is_judged_by_predictions_in_the_range():
    member = RegressorMember()
    member._range = -1.0, 1.0
    encoded = np.array([[1.0], [0.5]])
    assert member._score_outputs(np.array([[9.0], [0.0]]), encoded, None) == -0.125
    assert member._score_outputs(np.array([[9.0], [0.0]]), encoded, np.array([3, 1])) == -0.0625


def test_repeated_rows_have_one_number():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3)).astype(np.float32)
    x, y = np.vstack([x, x[:20]]), np.r_[np.arange(50), np.arange(20)] % 7
    numbers = folds.repeated(x, y)
    np.testing.assert_array_equal(numbers[:20], numbers[50:])
    assert len(np.unique(numbers)) == 50
    y[0] = 6  # another target
    assert len(np.unique(folds.repeated(x, y))) == 51
    x[x > 0] = 0.0
    zeros = np.where(x == 0, np.float32(-0.0), x)
    np.testing.assert_array_equal(folds.repeated(x, y), folds.repeated(zeros, y))


def test_rows_of_few_cases_are_no_copies():
    x = np.tile(np.eye(4, dtype=np.float32), (10, 1))
    assert len(np.unique(folds.repeated(x, np.zeros(40)))) == 40


def test_hashes_tell_similar_rows_apart():
    bits = (np.arange(2**12)[:, np.newaxis] >> np.arange(12)) & 1
    x = (2.0 * bits - 1).astype(np.float32)
    assert len(np.unique(folds.repeated(x, np.zeros(len(x))))) == len(x)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 6), st.lists(st.integers(0, 9), min_size=1, max_size=60), st.booleans(),
    st.integers(0, 4),
)  # fmt: skip
def test_folds_hold_each_row_out_once(n_folds, numbers, by_size, n_classes):
    numbers = np.array(numbers)
    strata = np.arange(len(numbers)) % n_classes if n_classes else None
    dealt = folds.deal(n_folds, numbers, strata, None, by_size, np.random.RandomState(0))
    assert len(dealt) == min(n_folds, len(set(numbers.tolist())))
    held_out = np.concatenate([fold.held_out for fold in dealt])
    assert sorted(held_out.tolist()) == list(range(len(numbers)))
    for fold in dealt:
        assert len(fold.held_out)
        both = np.concatenate([fold.train, fold.held_out])
        assert sorted(both.tolist()) == list(range(len(numbers)))
        assert not set(numbers[fold.train]) & set(numbers[fold.held_out])


def test_folds_have_equal_shares_of_classes():
    y = np.r_[np.zeros(90, int), np.ones(9, int), 2]
    dealt = folds.deal(5, np.arange(100), y, None, False, np.random.RandomState(0))
    counts = [np.bincount(y[fold.held_out], minlength=3) for fold in dealt]
    assert np.ptp(counts, axis=0).max() <= 1


def test_large_groups_are_evened_out():
    groups = np.repeat(np.arange(7), [50, 30, 20, 10, 5, 3, 2])
    dealt = folds.deal(2, groups, None, None, True, np.random.RandomState(0))
    assert {len(fold.held_out) for fold in dealt} == {60}


def test_rows_without_weight_are_held_out_and_leave_no_fold_without_others():
    weights = np.r_[np.ones(6), np.zeros(94)]
    dealt = folds.deal(5, np.arange(100), None, weights, False, np.random.RandomState(0))
    held_out = np.concatenate([fold.held_out for fold in dealt])
    assert sorted(held_out.tolist()) == list(range(100))
    for fold in dealt:
        assert weights[fold.held_out].any()
        assert weights[fold.train].all()
    with pytest.raises(ValueError, match="leave fewer than two different rows any weight"):
        folds.deal(5, np.arange(9), None, np.eye(9)[0], False, np.random.RandomState(0))
    with pytest.raises(ValueError, match="no row to judge by any weight in split 1 of cv"):
        folds.refuse_without_weight([*dealt[:1], dealt[1]._replace(held_out=[50])], weights)


def test_folds_of_a_splitter_that_wants_groups():
    groups = np.arange(30) % 3
    found = folds.of_cv(GroupKFold(3), np.zeros((30, 1)), np.zeros(30), groups, False)
    assert all(len(set(groups[fold.held_out])) == 1 for fold in found)
    flags = np.arange(30) < 20
    (fold,) = folds.of_cv([(flags, ~flags)], np.zeros((30, 1)), np.zeros(30), None, False)
    np.testing.assert_array_equal(fold.held_out, np.arange(20, 30))
