"""fastmlp.dask without a cluster: rounds are pure, and sums of parts are those of the whole."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
from dask.sizeof import sizeof
from dask_tools import QUICK, _limit, blobs  # noqa: F401
from scipy.sparse import csr_array
from sklearn.metrics import r2_score

from fastmlp.dask import DaskMLPClassifier
from fastmlp.dask.averages import Part, added, fill, flattened
from fastmlp.dask.facts import ClassFacts, NumberFacts
from fastmlp.dask.plans import Plan, divided
from fastmlp.dask.read_blocks import read_shard
from fastmlp.dask.rounds import judge, train_round
from fastmlp.dask.shards import Shard
from fastmlp.dask.tallies import Squares
from fastmlp.estimators.hyperparameters import problem_of
from fastmlp.estimators.label_encoding import LabelEncoding
from fastmlp.training.epochs import shuffled


def planned(**more):
    estimator = DaskMLPClassifier(**QUICK, early_stopping=True)
    estimator._labels = LabelEncoding(np.arange(3))
    estimator.n_outputs_, estimator.out_activation_ = 3, "softmax"
    estimator.n_features_in_, estimator.n_layers_ = 10, 3
    settings = {
        "problem": problem_of(estimator, "cross_entropy"), "batch_size": 32, "n_threads": 1,
        "lambda_reg": 1e-4, "l2_by_rows": True, "floor": 1e-7, "with_penalty": True,
    }  # fmt: skip
    return Plan(
        estimator, None, np.dtype(np.float32), [10, 8, 3], shuffled, splits=[4, 5],
        orders=[6, 7], seeds=[1, 2], settings=settings, n_rounds=2, **more,
    )  # fmt: skip


def shard():
    x, y = blobs(300)
    return read_shard(DaskMLPClassifier(), 0, [x], [y], [None])


def test_a_round_is_pure():
    """Whatever the shard has laid out, or a pickle or an earlier round has left of it."""
    plan = planned()
    flat = np.random.RandomState(0).standard_normal(3 * 115).astype(np.float32) ** 2
    pieces, kept = np.array_split(flat, 4), shard()
    before = flat.copy()

    def take(rows, number):
        return train_round(rows, plan, 1, pieces, number, 7, 0.01)

    def equal(one, other):
        return one[1:] == other[1:] and np.array_equal(one.flat, other.flat)

    fresh = [take(shard(), number) for number in range(6)]
    assert all(equal(take(kept, number), fresh[number]) for number in range(6))
    assert all(equal(take(kept, number), fresh[number]) for number in (5, 0, 3))
    assert kept.laid_out
    moved = pickle.loads(pickle.dumps(kept))
    assert not moved.laid_out
    assert equal(take(moved, 4), fresh[4])
    assert np.array_equal(flat, before)
    assert not any(equal(fresh[0], other) for other in fresh[1:])


def test_the_rows_held_out_stay_so():
    plan, rows = planned(), shard()
    division = divided(rows, plan, 1)
    assert (division.n_rows, division.weight, division.weight_held_out) == (270, 270, 30)
    flat = [np.ones(115, np.float32)]
    assert judge(rows, plan, 1, flat, True) == judge(shard(), plan, 1, flat, True)
    assert judge(rows, plan, 1, flat, True).weight == 30
    assert judge(rows, plan, 1, flat, False).weight == 300


def test_means_are_added_up_in_float64_in_their_order():
    random = np.random.RandomState(0)
    arrays = [random.standard_normal(100).astype(np.float32) * 10.0**i for i in range(4)]
    shares = [0.1, 0.2, 0.3, 0.4]
    found = added([Part(a, 3, 1.0, 0.5, 10) for a in arrays], shares)
    expected = sum(
        np.float64(share) * a.astype(np.float64) for share, a in zip(shares, arrays, strict=True)
    )
    assert np.array_equal(found.flat, expected)
    assert found[1:] == (3, 1.0, 0.5, 40)
    one = added([Part(arrays[0], 5, 0.3, 0.7, 11)], [1.0])
    assert np.array_equal(one.flat.astype(np.float32), arrays[0])
    assert one[1:] == (5, 0.3, 0.7, 11)
    nothing = Part(arrays[0], 1, np.nan, np.nan, 0)  # a round without rows has no loss
    assert added([nothing, Part(arrays[1], 2, 0.5, 0.0, 4)], [0.5, 0.5])[1:] == (2, 0.5, 0.0, 4)


def test_flattened_and_back():
    arrays = [np.arange(6.0).reshape(2, 3), np.arange(3.0)]
    other = [np.empty((2, 3)), np.empty(3)]
    fill(other, np.array_split(flattened(arrays), 4))
    assert all(map(np.array_equal, arrays, other))


@pytest.mark.parametrize("are_weighted", [False, True])
def test_squares_of_parts_are_r2_of_the_whole(are_weighted):
    random = np.random.RandomState(0)
    y = random.standard_normal((50, 3)) + 1000
    y[:, 2] = y[:, 2] if are_weighted else 5  # a constant one; its weighted mean is not exact
    outputs = y + random.standard_normal(y.shape)
    weights = random.rand(50) if are_weighted else None
    expected = r2_score(y, outputs, sample_weight=weights)
    cuts = [slice(0, 1), slice(1, 20), slice(20, 50)]
    parts = [Squares.of(outputs[c], y[c], None if weights is None else weights[c]) for c in cuts]
    assert np.isclose(Squares.together(parts).r2(), expected, rtol=1e-10)
    assert Squares.of(outputs, y, weights).r2() == expected
    assert Squares.of(y, y, weights).r2() == r2_score(y, y, sample_weight=weights) == 1


def test_facts_together():
    one = ClassFacts(np.array([0, 3]), np.array([5, 2]), False)
    other = ClassFacts(np.array([1, 3]), np.array([1, 1]), False)
    found = ClassFacts.together([one, other])
    assert found.classes.tolist() == [0, 1, 3]
    assert found.counts.tolist() == [5, 1, 3]
    with pytest.raises(ValueError, match="Mix of label input types"):
        ClassFacts.together([one, ClassFacts(np.array(["a"]), np.array([1]), False)])
    with pytest.raises(ValueError, match="more columns"):
        ClassFacts.together([one, ClassFacts(np.arange(2), np.array([1, 1]), True)])
    with pytest.raises(ValueError, match="more columns"):
        NumberFacts.together([NumberFacts(np.ones(n), np.ones(n)) for n in (1, 2)])


def test_the_size_of_a_shard_is_that_of_its_rows():
    x, y = blobs()
    assert 0 <= sizeof(Shard(x, y)) - x.nbytes - y.nbytes < 500
    sparse = csr_array(np.where(x > 1, x, 0))
    parts = (sparse.data, sparse.indices, sparse.indptr, y, y)
    assert 0 <= sizeof(Shard(sparse, y, y)) - sum(part.nbytes for part in parts) < 500
    assert len(Shard()) == 0


def test_import_is_light_and_says_what_is_missing():
    code = "import sys, fastmlp; assert not {'dask', 'distributed'} & {*sys.modules}"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=100)
    code = "import sys; sys.modules['distributed'] = None; import fastmlp.dask"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False
    )
    assert "pip install 'fastmlp[dask]'" in done.stderr.splitlines()[-1]
