"""fastmlp.dask: of one partition, a fit is the local one, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from dask_tools import QUICK, UNFINISHED, _limit, bits, blobs, chunked, client, cluster  # noqa: F401
from scipy.sparse import csr_array

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.dask import DaskMLPClassifier, DaskMLPRegressor
from fastmlp.training import epochs

pytestmark = UNFINISHED
SETTINGS = {
    "adam": {},
    "adamw": {"solver": "adamw", "alpha": 0.01},
    "sgd": {"solver": "sgd", "momentum": 0},
    "nesterov": {"solver": "sgd", "learning_rate": "adaptive", "tol": 10, "n_iter_no_change": 1},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate": "invscaling"},
    "cosine": {"learning_rate": "cosine", "batch_size": 50},
    "float64": {"dtype": "float64", "activation": "tanh"},
    "deep": {"hidden_layer_sizes": (9, 7), "activation": ("relu", "tanh"), "batch_size": "auto"},
    "dropout": {"dropout": 0.3},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 1, "tol": 10},
    "early stopping, dropout": {"early_stopping": True, "dropout": 0.2},
    "in order": {"shuffle": False},
    "by the loss": {"early_stopping": True, "monitor": "loss"},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_classifier(client, name):  # noqa: F811
    settings = {**QUICK, **SETTINGS[name]}
    x, y = blobs()
    local = MLPClassifier(**settings).fit(x, y)
    found = DaskMLPClassifier(**settings).fit(*chunked([600], x, y))
    assert bits(found) == bits(local)
    assert (found.n_iter_, found.t_, found.loss_) == (local.n_iter_, local.t_, local.loss_)
    assert found.best_loss_ == local.best_loss_
    assert found.best_validation_score_ == local.best_validation_score_


@pytest.mark.parametrize("name", ["adam", "cosine", "early stopping", "by the loss"])
def test_regressor(client, name):  # noqa: F811
    settings = {**QUICK, **SETTINGS[name], "dropout": 0.1}
    x, _ = blobs(dtype=np.float64)
    y = np.stack([x[:, 0] + 5, x[:, 1] * x[:, 2]], axis=1)
    local = MLPRegressor(**settings).fit(x, y)
    found = DaskMLPRegressor(**settings).fit(*chunked([600], x, y))
    assert bits(found) == bits(local)


@pytest.mark.parametrize("class_weight", [None, "balanced", {"b": 3.0}])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_weights_and_names_of_classes(client, class_weight, early_stopping):  # noqa: F811
    x, y = blobs(n_classes=2)
    y, weights = np.array(["a", "b"])[y], np.linspace(0, 2, len(y))
    settings = QUICK | {"class_weight": class_weight, "early_stopping": early_stopping}
    local = MLPClassifier(**settings).fit(x, y, weights)
    found = DaskMLPClassifier(**settings).fit(*chunked([600], x, y, weights))
    assert bits(found) == bits(local)
    assert found.classes_.tolist() == ["a", "b"]


def test_several_labels_a_row(client):  # noqa: F811
    x, _ = blobs()
    y = (x[:, :4] > 0.5).astype(int)
    settings = QUICK | {"class_weight": "balanced", "early_stopping": True}
    local = MLPClassifier(**settings).fit(x, y)
    one = DaskMLPClassifier(**settings).fit(*chunked([600], x, y))
    assert bits(one) == bits(local)
    several = DaskMLPClassifier(**settings).fit(*chunked([200] * 3, x, y))
    assert several.predict(x).shape == y.shape


def test_sparse_blocks(client):  # noqa: F811
    x, y = blobs()
    x[x < 0.5] = 0
    local = MLPClassifier(**QUICK).fit(csr_array(x), y)
    rows, targets = chunked([600], x, y)
    found = DaskMLPClassifier(**QUICK).fit(rows.map_blocks(csr_array), targets)
    assert bits(found) == bits(local)


def test_validation_rows(client):  # noqa: F811
    """In memory and on the cluster, for both kinds of targets."""
    x, y = blobs()
    settings = QUICK | {"early_stopping": True, "class_weight": "balanced"}
    local = MLPClassifier(**settings).fit(x[:400], y[:400], X_val=x[400:], y_val=y[400:])
    rows, held_out = chunked([400], x[:400], y[:400]), chunked([200], x[400:], y[400:])
    for x_val, y_val in ((x[400:], y[400:]), held_out):
        found = DaskMLPClassifier(**settings).fit(*rows, X_val=x_val, y_val=y_val)
        assert bits(found) == bits(local)
    asked = settings | {"monitor": "balanced_accuracy"}
    local = MLPClassifier(**asked).fit(x[:400], y[:400], X_val=x[400:], y_val=y[400:])
    assert bits(
        DaskMLPClassifier(**asked).fit(*rows, X_val=x[400:], y_val=y[400:])
    ) == bits(local)  # fmt: skip
    z = x[:, 0] ** 2
    local = MLPRegressor(**QUICK).fit(x[:400], z[:400], X_val=x[400:], y_val=z[400:])
    found = DaskMLPRegressor(**QUICK).fit(
        *chunked([400], x[:400], z[:400]),
        X_val=chunked([50, 150], x[400:])[0], y_val=chunked([50, 150], z[400:])[0],
    )  # fmt: skip
    assert bits(found)[:4] == bits(local)[:4]
    assert np.allclose(found.validation_scores_, local.validation_scores_, rtol=1e-5)
    assert np.allclose(found.validation_loss_curve_, local.validation_loss_curve_, rtol=1e-5)


def test_rounds_of_an_epoch(client):  # noqa: F811
    x, y = blobs()
    local = MLPClassifier(**QUICK).fit(x, y)
    found = DaskMLPClassifier(**QUICK, rounds_per_epoch=4).fit(*chunked([600], x, y))
    assert bits(found)[:4] == bits(local)[:4]
    assert np.allclose(found.loss_curve_, local.loss_curve_, rtol=1e-12)
    local, short = MLPClassifier(**QUICK | {"max_iter": 1}).fit(x, y), QUICK | {"max_iter": 1}
    many = DaskMLPClassifier(**short, rounds_per_epoch=25).fit(*chunked([600], x, y))
    assert bits(many)[:4] == bits(local)[:4]  # more rounds than steps: some do nothing


def test_short_epochs_are_not_taken_together(client, monkeypatch):  # noqa: F811
    """As the local fit takes them: workers take theirs in rounds."""
    monkeypatch.setattr(epochs, "SECONDS", 1e9)
    monkeypatch.setattr(epochs, "SAFE_SECONDS", 1e9)
    x, y = blobs()
    found = DaskMLPClassifier(**QUICK).fit(*chunked([600], x, y))
    assert bits(found) == bits(MLPClassifier(**QUICK).fit(x, y))


def test_warm_start(client):  # noqa: F811
    x, y = blobs()
    local = MLPClassifier(**QUICK, warm_start=True, dropout=0.1).fit(x, y).fit(x, y)
    rows = chunked([600], x, y)
    found = DaskMLPClassifier(**QUICK, warm_start=True, dropout=0.1).fit(*rows).fit(*rows)
    assert bits(found) == bits(local)
    with pytest.raises(ValueError, match="the same classes"):
        found.fit(*chunked([300], x[y < 2][:300], y[y < 2][:300]))
    assert bits(found) == bits(local)
