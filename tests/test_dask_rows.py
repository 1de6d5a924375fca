"""fastmlp.dask: rows of every kind, and what is said of those that can't be trained on."""

from __future__ import annotations

import warnings

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from dask_tools import QUICK, UNFINISHED, _limit, bits, blobs, chunked, client, cluster  # noqa: F401
from scipy.sparse import csr_array

from fastmlp import MLPClassifier
from fastmlp.dask import DaskMLPClassifier, DaskMLPRegressor

pytestmark = [UNFINISHED, pytest.mark.usefixtures("client")]


def fitted(x, y, *args, **more):
    return DaskMLPClassifier(**QUICK | more).fit(x, y, *args)


def test_empty_partitions_change_nothing():
    x, y = blobs()
    expected = bits(fitted(*chunked([200, 400], x, y)))
    assert bits(fitted(*chunked([0, 200, 0, 400, 0], x, y))) == expected


def test_uneven_partitions_and_one_of_a_row():
    model = fitted(*chunked([1, 399, 190, 10], *blobs()), max_iter=30)
    assert model.score(*blobs()) > 0.85
    assert model.t_ == 30 * 600


def test_unknown_chunks():
    x, y = blobs()
    expected = bits(fitted(*chunked([200, 400], x, y)))
    whole = [da.concatenate([da.from_delayed(part, (np.nan, *a.shape[1:]), a.dtype)
                             for part in a.to_delayed().ravel()])
             for a in chunked([200, 400], x, y)]  # fmt: skip
    assert np.isnan(whole[0].shape[0])
    model = fitted(*whole)
    assert bits(model) == expected
    assert model.predict(whole[0]).compute().shape == (600,)


def test_frames_with_names():
    x, y = blobs()
    names = [f"c{i}" for i in range(10)]
    table = pd.DataFrame(x, columns=names).assign(y=np.array(["a", "b", "c"])[y], w=1.5)
    frame = dd.from_pandas(table, npartitions=3, sort=False)
    model = fitted(frame[names], frame["y"], frame["w"])
    assert model.feature_names_in_.tolist() == names
    local = MLPClassifier(**QUICK).fit(table[names], table["y"], table["w"])
    one = dd.from_pandas(table, npartitions=1, sort=False)
    assert bits(fitted(one[names], one["y"], one["w"])) == bits(local)
    assert fitted(frame[names], frame[["y"]]).classes_.tolist() == ["a", "b", "c"]
    found = model.predict(frame[names]).compute()
    assert (found == model.to_local().predict(table[names])).all()
    with pytest.raises(ValueError, match="feature names"):
        model.set_params(warm_start=True).fit(frame[names[::-1]], frame["y"])


def test_a_class_in_one_partition_only():
    x, y = blobs()
    y[:100] = 7
    y[100:] = y[100:] % 3
    with pytest.warns(UserWarning, match="1 of 2 shards, the first of them shard 0, have shares"):
        model = fitted(*chunked([100, 500], x, y))
    assert model.classes_.tolist() == [0, 1, 2, 7]
    with pytest.warns(UserWarning, match="shares of classes"):
        words = fitted(*chunked([100, 500], x, np.array([*"abcdefgh"])[y]), class_weight="balanced")
    assert words.classes_.tolist() == ["a", "b", "c", "h"]
    counts = np.unique(y, return_counts=True)[1]
    weights = words._class_weights_of(
        [type("Facts", (), {"n_rows": 600, "targets": words._facts_of_targets(
            np.array([*"abcdefgh"])[y])})]
    )  # fmt: skip
    assert np.allclose(weights, 600 / (4 * counts))


def test_shards_that_differ_are_warned_of():
    x, y = blobs(1200)
    order = np.argsort(y, kind="stable")
    with pytest.warns(UserWarning, match="[34] of 4 shards, .* shuffle the rows before"):
        fitted(*chunked([300] * 4, x[order], y[order]))
    z = np.sort(x[:, 0])
    with pytest.warns(UserWarning, match="a mean target more than half a standard deviation"):
        DaskMLPRegressor(**QUICK).fit(*chunked([300] * 4, x, z))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Stochastic")
        short = QUICK | {"max_iter": 1}  # of few rows, chance makes shards that differ as much
        DaskMLPClassifier(**short).fit(*chunked([6] * 20, x[:120], y[:120]))
        DaskMLPRegressor(**short).fit(*chunked([6] * 20, x[:120], x[:120, 0]))


def test_rows_without_weight_are_left_out():
    x, y = blobs()
    weights = np.ones(600)
    weights[200:400] = 0
    model = fitted(*chunked([200] * 3, x, y, weights))
    assert np.isfinite(model.loss_)
    without = [a[np.r_[0:200, 400:600]] for a in (x, y)]
    assert bits(model)[:4] == bits(fitted(*chunked([200] * 2, *without)))[:4]
    for early_stopping in (False, True):
        with pytest.raises(ValueError, match="leave no row to train on any weight"):
            fitted(*chunked([200] * 3, x, y, 0 * weights), early_stopping=early_stopping)


def test_weights_count_in_the_mean():
    """A shard whose rows count next to nothing moves nothing."""
    x, y = blobs()
    weights = np.ones(600)
    weights[300:] = 1e-30
    settings = {"shuffle": False, "alpha": 0, "lr_scaling": 2.0}
    alone = fitted(*chunked([300], x[:300], y[:300]), **settings)
    both = fitted(*chunked([300, 300], x, y, weights), **settings)
    for a, b in zip(alone.coefs_, both.coefs_, strict=True):
        assert np.allclose(a, b, atol=1e-5)


def test_early_stopping_of_small_shards():
    """Those too small to hold rows out don't; nor do classes of a row, if nobody asks for it."""
    x, y = blobs(n_classes=2)
    y[:] = x[:, 0] > 0
    y[:150], y[3] = 0, 1
    with pytest.warns(UserWarning, match="shares"):
        model = fitted(*chunked([150, 5, 445], x, y), early_stopping=True)
    assert len(model.validation_scores_) == model.n_iter_
    with pytest.raises(ValueError, match="no shard has enough rows"):
        fitted(*chunked([10] * 3, x[200:230], y[200:230]), early_stopping=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y, w: x.__setitem__((450, 3), np.nan), "partition 2: Input X contains NaN"),
        (lambda x, y, w: y.__setitem__(450, np.inf), "partition 2: Input y contains infinity"),
        (lambda x, y, w: w.__setitem__(450, -1), "partition 2: .*[Nn]egative"),
        (lambda x, y, w: y.__setitem__(450, 0.5), "partition 2: Unknown label type"),
    ],
)
def test_rows_that_are_refused_are_named_by_their_partition(change, message):
    x, y = blobs()
    y, w = y.astype(float), np.ones(600)
    change(x, y, w)
    model = DaskMLPClassifier(**QUICK)
    with pytest.raises(ValueError, match=message):
        model.fit(*chunked([200] * 3, x, y, w))
    assert not [name for name in vars(model) if name.endswith("_")]


def test_labels_that_do_not_go_together():
    x, y = blobs()
    parts = [dask.delayed(y[:300]), dask.delayed(y[300:].astype(str))]
    mixed = da.concatenate([da.from_delayed(part, (300,), y.dtype) for part in parts])
    with pytest.raises(ValueError, match="Mix of label input types"):
        fitted(chunked([300, 300], x)[0], mixed)
    with pytest.raises(ValueError, match="loss='poisson'"):
        DaskMLPRegressor(**QUICK, loss="poisson").fit(*chunked([300, 300], x, -y))
    model = fitted(*chunked([300, 300], x, y))
    x_val, y_val = chunked([600], x, y + 1)
    with pytest.raises(ValueError, match="X_val and y_val: `y` has classes not in"):
        model.fit(*chunked([600], x, y), X_val=x_val, y_val=y_val)


def test_collections_that_are_refused():
    x, y = blobs()
    rows, targets = chunked([200] * 3, x, y)
    for arguments, kind, message in [
        ((x, targets), TypeError, "X is a ndarray, no dask array or frame"),
        ((rows, y), TypeError, "y is a ndarray"),
        ((rows.rechunk({1: 5}), targets), ValueError, "X has 2 chunks of columns: .*rechunk"),
        ((rows, targets.rechunk(100)), ValueError, "X has partitions of .*, and y of"),
        ((rows, targets, targets[:0]), ValueError, "and sample_weight of"),
        ((targets, targets), ValueError, "X has 1 dimensions"),
        ((rows[:0], targets[:0]), ValueError, "X has no rows"),
        ((rows, targets.map_blocks(lambda y: csr_array(y.reshape(1, -1)).T, dtype=int)),
         TypeError, r"partition \d: y is sparse"),
    ]:  # fmt: skip
        with pytest.raises(kind, match=message):
            fitted(*arguments)
    unknown = rows[targets >= 0], targets[targets >= 0].map_blocks(lambda y: y[:-1], dtype=int)
    with pytest.raises(ValueError, match=r"partition \d: .* \[200, 199\] rows"):
        fitted(*unknown)


def test_settings_that_are_refused():
    rows = chunked([200] * 3, *blobs())
    for settings, message in [
        ({"solver": "lbfgs"}, "solver"),
        ({"n_shards": 4}, "n_shards is 4, and X has 3 partitions"),
        ({"lr_scaling": 0}, "lr_scaling"),
        ({"rounds_per_epoch": 0}, "rounds_per_epoch"),
        ({"early_stopping": True, "monitor": "roc_auc"}, "can't be added up over shards"),
    ]:
        with pytest.raises(ValueError, match=message):
            fitted(*rows, **settings)
    with pytest.raises(ValueError, match="X_val and y_val are a pair"):
        DaskMLPClassifier(**QUICK).fit(*rows, X_val=rows[0])
    with pytest.raises(TypeError, match="checkpoint"):
        DaskMLPClassifier(**QUICK).fit(*rows, checkpoint="a.ckpt")
    with pytest.raises(AttributeError, match="partial_fit"):
        DaskMLPClassifier().partial_fit(*blobs())


def test_a_run_that_diverges_names_its_epoch_and_leaves_nothing():
    x, _ = blobs()
    model = DaskMLPRegressor(**QUICK, solver="sgd", learning_rate_init=1e6)
    with pytest.raises(ValueError, match=r"non-finite.*In epoch 1"):
        model.fit(*chunked([200] * 3, x, x[:, 0]))
    assert not hasattr(model, "coefs_")


def test_mixed_dtypes_train_in_the_wider_one():
    x, y = blobs()
    parts = [da.from_array(x[:300], (300, 10)), da.from_array(x[300:].astype(float), (300, 10))]
    model = fitted(da.concatenate(parts), chunked([300, 300], y)[0])
    assert model.coefs_[0].dtype == np.float64
