"""fastmlp.dask: predictions and scores of collections, and copies of estimators."""

from __future__ import annotations

import copy
import pickle
import warnings

import cloudpickle
import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
from dask_tools import QUICK, UNFINISHED, _limit, blobs, chunked, client, cluster  # noqa: F401
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from fastmlp import MLPClassifier, fit_many
from fastmlp.dask import DaskMLPClassifier, DaskMLPRegressor

pytestmark = UNFINISHED


@pytest.fixture(scope="module")
def models():
    """Fitted without a cluster: what they predict is the matter here."""
    x, y = blobs()
    found = {
        "classes": (DaskMLPClassifier(**QUICK), y),
        "words": (DaskMLPClassifier(**QUICK), np.array(["no", "yes"])[y % 2]),
        "labels": (DaskMLPClassifier(**QUICK), (x[:, :3] > 0).astype(int)),
        "numbers": (DaskMLPRegressor(**QUICK), x[:, 0]),
        "pairs": (DaskMLPRegressor(**QUICK), x[:, :2].astype(float)),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for model, targets in found.values():
            local = model._local_class(**QUICK).fit(x, targets)
            model.__dict__.update({k: v for k, (v, _) in local._found().items()})
    return found


@pytest.mark.parametrize("kind", ["classes", "words", "labels", "numbers", "pairs"])
def test_lazy_predictions_and_scores(models, kind):
    model, y = models[kind]
    x, _ = blobs()
    rows, targets = chunked([200, 0, 399, 1], x, y)
    methods = ["predict"] + ["predict_proba", "predict_log_proba"] * hasattr(model, "classes_")
    for method in methods:
        expected, found = getattr(model, method)(x), getattr(model, method)(rows)
        assert isinstance(found, da.Array)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert found.chunks[0] == (200, 399, 1)  # Dask leaves out empty ones
        assert np.array_equal(found.compute(scheduler="sync"), expected)
    weights = np.linspace(0, 1, 600)
    for w in (None, weights):
        score = model.score(rows, targets, None if w is None else chunked([200, 0, 399, 1], w)[0])
        assert isinstance(score, da.Array)
        assert np.isclose(score.compute(scheduler="sync"), model.score(x, y, w), rtol=1e-6)


def test_the_model_is_in_the_graph_once(models):
    model, _ = models["classes"]
    rows = da.zeros((1000, 10), chunks=(10, 10), dtype=np.float32)
    big = copy.copy(model)
    big.coefs_ = [np.tile(model.coefs_[0], (1, 4000)), np.tile(model.coefs_[1], (4000, 1))]
    size = sum(w.nbytes for w in big.coefs_)
    big.intercepts_ = [np.tile(model.intercepts_[0], 4000), model.intercepts_[1]]
    (found,) = dask.optimize(big.predict(rows))
    assert size < len(cloudpickle.dumps(dict(found.__dask_graph__()))) < 2 * size


def test_other_kinds_of_rows(models):
    model, _ = models["classes"]
    x, y = blobs()
    rows, targets = chunked([300] * 2, x, y)
    sparse = rows.map_blocks(csr_array)
    assert np.array_equal(model.predict(sparse).compute(scheduler="sync"), model.predict(x))
    with dask.config.set(scheduler="sync"):  # clients before may have left theirs behind
        assert float(model.score(sparse, targets)) == model.score(x, y)
    with pytest.raises(ValueError, match="10 features"):
        model.predict(rows[:, :5].rechunk({1: -1})).compute(scheduler="sync")
    with pytest.raises(ValueError, match="2 chunks of columns"):
        model.predict(rows.rechunk({1: 5}))
    with pytest.raises(TypeError, match="y is a ndarray"):
        model.score(rows, y)
    with pytest.raises(NotFittedError):
        DaskMLPClassifier().predict(rows)
    with pytest.raises(NotFittedError):
        DaskMLPClassifier().score(rows, targets)


def test_a_client_can_be_cloned_copied_and_pickled(client):  # noqa: F811
    x, y = blobs()
    model = DaskMLPClassifier(**QUICK, client=client).fit(*chunked([300] * 2, x, y))
    expected = model.predict(x)
    cloned, deep, shallow = clone(model), copy.deepcopy(model), copy.copy(model)
    assert cloned.client is deep.client is shallow.client is model.client is client
    assert not hasattr(cloned, "coefs_")
    assert cloned.get_params(deep=False) == model.get_params(deep=False)
    assert deep.coefs_[0] is not model.coefs_[0]
    for dumps in (pickle.dumps, cloudpickle.dumps):
        unpickled = pickle.loads(dumps(model))
        assert unpickled.client is None
        assert np.array_equal(unpickled.predict(x), expected)
    assert model.client is client
    assert model.client_ is client
    assert "Client" in repr(model)


def test_to_local(client, tmp_path):  # noqa: F811
    x, y = blobs()
    settings = QUICK | {"early_stopping": True}
    model = DaskMLPClassifier(**settings).fit(*chunked([300] * 2, x, y))
    local = model.to_local()
    assert type(local) is MLPClassifier
    assert local.get_params() == MLPClassifier(**settings).get_params()
    assert np.array_equal(local.predict_proba(x), model.predict_proba(x))
    assert local.validation_scores_ == model.validation_scores_
    local.coefs_[0][:] = 0
    assert model.coefs_[0].any()
    model.save(tmp_path / "model.safetensors")
    loaded = MLPClassifier.load(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.predict(x), model.predict(x))
    with pytest.raises(ValueError, match=r"fastmlp\.MLPClassifier\.load"):
        DaskMLPClassifier.load(tmp_path / "model.safetensors")
    with pytest.raises(NotFittedError):
        DaskMLPClassifier().to_local()
    with pytest.raises(TypeError, match="give it MLPClassifier objects"):
        fit_many([DaskMLPClassifier(**QUICK)], x, y)


def test_callbacks_run_in_the_client_and_the_run_is_shown(client, capsys):  # noqa: F811
    x, y = blobs()
    seen = []

    def listen(epoch, logs):
        seen.append((epoch, sorted(logs), model.coefs_[0].copy()))
        return epoch == 2

    model = DaskMLPClassifier(**QUICK, callbacks=[listen], verbose=True)
    model.fit(*chunked([300] * 2, x, y), X_val=x, y_val=y)
    assert [epoch for epoch, _, _ in seen] == [1, 2]
    assert seen[0][1] == ["loss", "rows_per_second", "seconds", "val_loss", "val_score"]
    assert not np.array_equal(seen[0][2], seen[1][2])
    assert np.array_equal(seen[1][2], model.coefs_[0])
    assert "Iteration 2, loss = " in capsys.readouterr().out
    assert list(model.history_.to_frame()["val_score"]) == model.validation_scores_


def test_frames_predict_without_a_warning(models):
    dd = pytest.importorskip("dask.dataframe")
    x, y = blobs()
    table = pd.DataFrame(x, columns=[*"abcdefghij"])
    local = MLPClassifier(**QUICK).fit(table, y)
    model = DaskMLPClassifier(**QUICK)
    model.__dict__.update({k: v for k, (v, _) in local._found().items()})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = model.predict(dd.from_pandas(table, npartitions=2)).compute(scheduler="sync")
    assert np.array_equal(found, local.predict(table))
