"""TableClassifier and TableRegressor: what a fit makes of a table."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator
from tables_tools import (
    BOTH,
    GOOD,
    LABELS,
    NEW,
    NEW_LABELS,
    NEW_NUMBERS,
    WEAK,
    X,
    both,
    predictions,
)

from fastmlp import MLPClassifier, TableClassifier


@pytest.fixture(scope="module", params=BOTH, ids=["classifier", "regressor"])
def fitted(request):
    kind, y = request.param
    return kind(n_members=3, random_state=0).fit(X, y), y


@pytest.mark.slow
@both
def test_check_estimator(kind, y):
    expected = {  # orders of rows and folds are drawn, so that a row twice is not a weight of 2
        "check_sample_weight_equivalence_on_dense_data": "draws folds"
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(kind(n_members=2), on_skip=None, expected_failed_checks=expected)
    failed = {one["check_name"] for one in results if one["status"] not in ("passed", "xfail")}
    assert failed <= {"check_array_api_input"}
    assert len(results) > 55


def test_a_mixed_table(fitted):
    model, y = fitted
    new = NEW_LABELS if y is LABELS else NEW_NUMBERS
    assert model.score(NEW, new) > GOOD[y is LABELS]
    assert model.oof_score_ > GOOD[y is LABELS]
    assert len(model.members_) == 3
    assert model.feature_names_in_.tolist() == list(X)
    assert model.encoder_.taken_for_["day"] == "time"


def test_members_take_the_encoded_table():
    model = TableClassifier(n_members=2, random_state=0).fit(X, LABELS)
    x = model.encoder_.transform(NEW)
    assert x.shape[1] > X.shape[1]
    for member in model.members_:
        assert isinstance(member, MLPClassifier)
        assert member.n_features_in_ == x.shape[1]
    outputs = [m.predict_proba(x).clip(1e-12, 1) for m in model.members_]
    logits = [np.log(p[:, 1] / p[:, 0]) for p in outputs]
    z = np.mean(logits, axis=0, dtype=np.float64) / model.temperature_
    np.testing.assert_allclose(
        model.predict_proba(NEW)[:, 1], 1 / (1 + np.exp(-z)), rtol=1e-3, atol=1e-6
    )


@both
def test_the_same_bits_on_any_number_of_threads(kind, y):
    models = [kind(n_members=3, random_state=1, n_threads=n).fit(X, y) for n in (1, 2, 3)]
    for other in models[1:]:
        np.testing.assert_array_equal(predictions(other), predictions(models[0]))
        assert other.oof_score_ == models[0].oof_score_


@pytest.mark.slow  # on a busy machine two threads wait for each other
@both
def test_a_single_network_has_the_same_bits_on_two_threads(kind, y):
    one = [kind(n_members=1, random_state=1, n_threads=n).fit(X, y) for n in (1, 2)]
    np.testing.assert_array_equal(predictions(one[0]), predictions(one[1]))


@both
def test_a_fit_that_fails_leaves_what_was_there(kind, y):
    model = kind(n_members=2, random_state=0).fit(X, y)
    before, names = predictions(model), set(vars(model))
    with pytest.raises(ValueError, match="inconsistent"):
        model.fit(X[["few"]], y[:5])
    assert set(vars(model)) == names
    np.testing.assert_array_equal(predictions(model), before)
    with pytest.raises(NotFittedError):
        kind().predict(X)


@both
def test_polars_tables_and_targets(kind, y):
    pl = pytest.importorskip("polars")
    table = pl.DataFrame({"a": X["number"].to_numpy(), "b": X["kind"].astype(str).tolist()})
    model = kind(n_members=2, random_state=0).fit(table, pl.Series(y.tolist()))
    frame = pd.DataFrame({"a": X["number"], "b": X["kind"].astype(str)})
    same = kind(n_members=2, random_state=0).fit(frame, y)
    np.testing.assert_array_equal(predictions(model, table), predictions(same, frame))
    assert model.score(table, pl.Series(y.tolist())) > 0.3


def test_copies_predict_the_same(fitted):
    model, _ = fitted
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(predictions(other), predictions(model))
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(clone(model), "members_")


@both
def test_searches_and_pipelines(kind, y):
    model = make_pipeline(FunctionTransformer(), kind(n_members=1, random_state=0))
    assert cross_val_score(model, X, y, cv=2).min() > WEAK[y is LABELS]
    name = f"{kind.__name__.lower()}__n_members"
    search = GridSearchCV(model, {name: [1, 2]}, cv=2).fit(X, y)
    assert search.best_score_ > WEAK[y is LABELS]


def test_importances_find_the_columns_that_count(fitted):
    model, y = fitted
    new = NEW_LABELS if y is LABELS else NEW_NUMBERS
    found = permutation_importance(model, NEW, new, n_repeats=2, random_state=0)
    means = dict(zip(X, found.importances_mean, strict=True))
    assert means["constant"] == 0
    assert max(means, key=means.get) in ("few", "number")


@both
def test_scikit_learn_set_to_give_frames(kind, y, tmp_path):
    with config_context(transform_output="pandas"):
        model = kind(n_members=1, random_state=0).fit(X, y)
        model.save(tmp_path / "model")
        loaded = kind.load(tmp_path / "model")
        np.testing.assert_array_equal(predictions(loaded), predictions(model))
