"""The boosted trees beside the networks of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
from tables_tools import (
    GOOD,
    LABELS,
    NEW,
    X,
    both,
    predictions,
)

from fastmlp import TableClassifier, TableEncoder
from fastmlp.tables.plain import plain


@both
def test_trees(kind, y):
    without = kind(n_members=2, random_state=0).fit(X, y)
    model = kind(n_members=2, random_state=0, trees=True).fit(X, y)
    assert len(model.trees_) == 2
    assert model.oof_score_ > GOOD[y is LABELS]
    for one, other in zip(model.members_, without.members_, strict=True):
        np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])
    if y is not LABELS:
        x = plain(model.encoder_, model.encoder_.transform(NEW))
        boosted = np.mean([one.predict(x) for one in model.trees_], axis=0)
        alone = without.predict(NEW)
        expected = 0.5 * (alone + boosted * y.std() + y.mean())
        np.testing.assert_allclose(model.predict(NEW), expected, rtol=1e-3, atol=0.05)
    again = kind(n_members=2, random_state=0, trees=True, n_threads=1).fit(X, y)
    np.testing.assert_array_equal(predictions(again), predictions(model))


def test_trees_of_classes_that_a_fold_lacks():
    y = LABELS.astype(object)
    y[3] = "rare"
    model = TableClassifier(n_members=3, random_state=0, trees=True).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(NEW).sum(axis=1), 1)
    folds = [(np.flatnonzero(LABELS == "no"), np.flatnonzero(LABELS == "yes"))]
    model = TableClassifier(cv=folds, random_state=0, trees=True).fit(X, LABELS)
    assert model.trees_ == [None]


def test_what_trees_see():
    encoder = TableEncoder().fit(X)
    x = encoder.transform(X)
    seen = plain(encoder, x)
    names = encoder.get_feature_names_out().tolist()
    kept = ["number", "number_missing", "few", "few_missing"]
    np.testing.assert_array_equal(seen[:, :4], x[:, [names.index(name) for name in kept]])
    assert "city_missing" in names
    codes = [level.removeprefix("city_") for level in names if level.startswith("city_")]
    expected = [codes.index("missing" if pd.isna(c) else c) for c in X["city"]]
    np.testing.assert_array_equal(seen[:, 4], expected)
    nothing = encoder.transform(X.assign(city="new"))
    np.testing.assert_array_equal(plain(encoder, nothing)[:, 4], -1)


@both
def test_weights_count_in_trees(kind, y):
    """Rows of a small weight have wrong targets, and nobody believes them."""
    x = np.linspace(-1, 1, 400)[:, np.newaxis]
    wrong = np.arange(400) % 2 == 0
    target = np.where(wrong, -x[:, 0], x[:, 0])
    model = kind(n_members=1, random_state=0, trees=True)
    model.fit(x, target > 0 if y is LABELS else target, np.where(wrong, 1e-3, 1))
    seen = plain(model.encoder_, model.encoder_.transform(x))
    assert np.mean((model.trees_[0].predict(seen) > (y is LABELS) / 2) == (x[:, 0] > 0)) > 0.9
