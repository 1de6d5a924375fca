"""Floats on a short grid, which are read as bytes: the same numbers, and the same bits."""

from __future__ import annotations

import mmap

import numpy as np
import pandas as pd
import pytest
from engine_tools import assert_same_bits, make_labels, make_parameters, train
from sklearn.exceptions import ConvergenceWarning

from fastmlp import MLP, MLPClassifier, reference
from fastmlp.estimators.read_input import read_rows
from fastmlp.kernels import inputs, levels, read
from fastmlp.kernels.levels import find_levels
from fastmlp.network.divergence import DivergenceError

GRIDS = {
    "pixels / 255": lambda n, dtype: n / dtype(255),
    "pixels * (1 / 255)": lambda n, dtype: n * (1 / dtype(255)),
    "pixels": lambda n, dtype: n,
    "sixteenths": lambda n, dtype: n % 17 / dtype(16),
    "one-hot": lambda n, dtype: n // 200,
    "tenths": lambda n, dtype: n % 11 * dtype(0.1),
}


def make_grid(name, shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 256, shape) * (rng.random(shape) < 0.1)
    numbers.flat[0] = 255
    numbers.flat[-1] = 211
    return np.asarray(GRIDS[name](numbers.astype(dtype), np.dtype(dtype).type), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", GRIDS)
def test_bytes_stand_for_the_very_numbers(name, dtype):
    for shape in ((300, 24), (1, 8), (37, 50), (1, 1), (5001, 1)):
        x = make_grid(name, shape, dtype)
        x.flags.writeable = False
        found = find_levels(x)
        if found is None:
            assert x.size < 1000  # too few to guess from
            continue
        assert found.codes.dtype == np.uint8
        np.testing.assert_array_equal(found.table[found.codes], x)
        np.testing.assert_array_equal(found.codes == 0, x == 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_number_off_the_grid_is_seen_wherever_it_is(dtype):
    x = make_grid("pixels / 255", (5001, 13), dtype)  # of which some are looked at to guess
    assert find_levels(x) is not None
    half = np.dtype(dtype).type(0.5)  # between two levels
    close = np.nextafter(x.max(), 2, dtype=dtype)
    for place in (0, 13, 14, 29, 33_333, x.size - 2, x.size - 1):
        for value in (half, close, -x.max(), 256 / 255, 1e30, np.inf, -np.inf, np.nan):
            other = x.copy()
            other.flat[place] = value
            assert find_levels(other) is None
    minus = x.copy()
    minus[x == 0] = -0.0
    np.testing.assert_array_equal(find_levels(minus).codes, find_levels(x).codes)


def test_other_data_are_left_as_they_are(monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    for x in (
        np.zeros((20, 8)),
        rng.normal(size=(500, 24)),
        rng.integers(0, 257, (500, 24)).astype(float),
        rng.integers(-1, 2, (500, 24)).astype(float),
        np.float64(1e-320) * rng.integers(0, 9, (500, 24)),
        np.array([[0, 1e-37, 1.00001e-37]] * 20, np.float32),
        np.float64(1e308) * rng.integers(0, 2, (500, 24)) - 1e307,
    ):
        assert find_levels(x) is None
    x = make_grid("pixels", (500, 24), "float64")
    np.save(tmp_path / "x.npy", x)
    assert find_levels(np.asarray(np.load(tmp_path / "x.npy", mmap_mode="r"))[:400]) is None
    mapped = np.frombuffer(mmap.mmap(-1, x.nbytes), x.dtype).reshape(x.shape)
    mapped[...] = x
    assert find_levels(mapped) is None
    monkeypatch.setattr(levels, "MOST_BYTES", x.size - 1)
    assert find_levels(x) is None


def test_a_level_that_the_kernel_gets_wrong_is_seen(monkeypatch):
    x = make_grid("one-hot", (500, 24), "float32")  # which has but two of the levels
    assert find_levels(x) is not None
    right = levels._Grid.table

    def wrong(grid, dtype):
        table = right(grid, dtype)
        table[77] = np.nextafter(table[77], np.float32(0))
        return table

    monkeypatch.setattr(levels._Grid, "table", wrong)
    assert find_levels(x) is None


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_training_has_the_same_bits(kind, dtype, n_threads):
    parameters = make_parameters((24, 33, 5), dtype)
    x, y = make_grid("pixels / 255", (150, 24), kind), make_labels(150, 5)
    settings = {"batch_size": 66, "learning_rate": 0.05, "n_threads": n_threads}
    expected = train(parameters, read(x, 1), y, skip_zeros=False, **settings)
    for skip_zeros in (True, False):
        got = train(parameters, read(x, 9), y, skip_zeros=skip_zeros, **settings)
        assert_same_bits(got, expected)


@pytest.fixture
def found(monkeypatch):
    """What `find_levels` has returned so far."""
    results = []

    def watched(x):
        results.append(find_levels(x))
        return results[-1]

    monkeypatch.setattr(inputs, "find_levels", watched)
    return results


def test_many_epochs_of_many_zeros_are_read_as_bytes(found):
    x, y = make_grid("pixels / 255", (150, 24), "float32"), make_labels(150, 5)
    network = MLP(24, 5, 5, random_state=0)
    network.train(x, y, epochs=2, verbose=False)
    assert not found
    network.train(x, y, epochs=3, verbose=False)
    assert [result is not None for result in found] == [True]
    network.train(x + np.float32(0.5), y, epochs=3, verbose=False)  # no zeros
    MLP(23, 5, 5).train(x[:, :23].copy(), y, epochs=3, verbose=False)  # no whole groups
    assert len(found) == 1


def test_rows_that_a_callback_changes_count(found):
    x, y = make_grid("pixels / 255", (150, 24), "float32"), make_labels(150, 5)

    def losses(network):
        rows = x.copy()
        network.train(rows, y, epochs=4, verbose=False, callbacks=[lambda *_: rows.fill(0)])
        return network.history_.loss

    settings = {"dtype": "float32", "random_state": 0}
    expected = losses(reference.MLP(24, 5, 5, **settings))
    np.testing.assert_allclose(losses(MLP(24, 5, 5, **settings)), expected, rtol=1e-4)
    assert not found


def test_levels_that_no_row_has_may_overflow():
    y = make_labels(150, 5)
    wide = np.where(make_grid("one-hot", (150, 24), "float64") > 0, 2e36, 0.0)
    with pytest.raises(DivergenceError):
        MLP(24, 5, 5, dtype="float32").train(wide, y, epochs=3, verbose=False)
    pixels = np.ones((150, 24), np.uint8)
    pixels[:, 8:] = 0
    MLP(24, 5, 5, dtype="float32", input_scale=1e-37).predict(pixels)


@pytest.mark.parametrize("max_iter", [1, 3])  # looked at as numbers, and as bytes
def test_estimators_see_numbers_that_are_not_finite(max_iter, found):
    x, y = make_grid("pixels / 255", (150, 24), "float32"), make_labels(150, 5)
    model = MLPClassifier((5,), max_iter=max_iter, random_state=0)
    for value, message in [(np.nan, "Input X contains NaN"), (-np.inf, "Input X contains inf")]:
        for place in (0, 77, x.size - 1):
            other = x.copy()
            other.flat[place] = value
            with pytest.raises(ValueError, match=message):
                model.fit(other, y)
    assert not any(found)
    assert not hasattr(model, "n_features_in_")
    wide = np.where(x > 0, np.float32(3e36), 0)  # finite, but their sum is not
    with np.errstate(over="ignore"):
        assert wide.sum(dtype=np.float32) == np.inf
    rows, _, _ = read_rows(model, wide, y, reset=True, n_epochs=max_iter)
    assert rows is wide


def test_estimators_read_bytes_in_fit_only(found):
    x, y = make_grid("pixels / 255", (150, 24), "float64"), make_labels(150, 5)
    for solver in ("adam", "lbfgs"):
        model = MLPClassifier((5,), solver=solver, max_iter=3, max_fun=3, random_state=0)
        with pytest.warns(ConvergenceWarning):
            model.fit(x, y)
        with pytest.warns(ConvergenceWarning):
            model.fit(pd.DataFrame(x), y)
    assert [result is not None for result in found] == [True] * 4
    model = MLPClassifier((5,), random_state=0).partial_fit(x, y, classes=range(5))
    model.partial_fit(np.roll(x, 1), y)
    assert len(found) == 4
