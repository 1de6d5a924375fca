"""TableClassifier and TableRegressor: what a fit makes of a table."""

from __future__ import annotations

import _thread
import copy
import pickle
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator
from tables_tools import mixed_table

from fastmlp import MLPClassifier, TableClassifier, TableEncoder, TableRegressor
from fastmlp.tables.bar import MembersBar
from fastmlp.tables.plain import plain

X, LABELS, NUMBERS = mixed_table()
NEW, NEW_LABELS, NEW_NUMBERS = mixed_table(seed=1)
BOTH = [(TableClassifier, LABELS), (TableRegressor, NUMBERS)]
WEAK, GOOD = (0.3, 0.6), (0.6, 0.75)  # of the regressor and the classifier
both = pytest.mark.parametrize(("kind", "y"), BOTH)


@pytest.fixture(scope="module", params=BOTH, ids=["classifier", "regressor"])
def fitted(request):
    kind, y = request.param
    return kind(n_members=3, random_state=0).fit(X, y), y


def predictions(model, x=NEW):
    return model.predict_proba(x) if hasattr(model, "predict_proba") else model.predict(x)


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


def test_out_of_fold_predictions(fitted):
    model, y = fitted
    oof = model.oof_predictions_
    assert len(oof) == len(X)
    assert np.isfinite(oof).all()
    if y is LABELS:
        np.testing.assert_allclose(oof.sum(axis=1), 1)
        right = model.classes_[oof.argmax(axis=1)] == y
        assert model.oof_score_ == pytest.approx(right.mean())
    else:
        expected = 1 - np.mean((oof - y) ** 2) / np.var(y)
        assert model.oof_score_ == pytest.approx(expected, rel=1e-5)


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
def test_a_member_is_the_fit_of_its_fold(kind, y):
    """Other networks beside it change nothing."""
    model = kind(cv=[(np.arange(100), np.arange(100, 160))], random_state=0).fit(X, y)
    folds = [(np.arange(100), np.arange(100, 160)), (np.arange(60, 160), np.arange(60))]
    more = kind(cv=folds, random_state=0).fit(X, y)
    for one, other in zip(model.members_[0].coefs_, more.members_[0].coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


@both
def test_one_network(kind, y):
    model = kind(n_members=1, random_state=0).fit(X, y)
    held_out = np.isfinite(model.oof_predictions_.reshape(len(X), -1)[:, 0])
    assert held_out.sum() == len(X) // 5


@both
def test_validation_rows(kind, y):
    new = NEW_LABELS if y is LABELS else NEW_NUMBERS
    model = kind(n_members=2, random_state=0).fit(X, y, X_val=NEW, y_val=new)
    assert not hasattr(model, "oof_score_")
    assert not hasattr(model, "oof_predictions_")
    assert model.score(NEW, new) > GOOD[y is LABELS]
    with pytest.raises(ValueError, match="X_val and y_val are a pair"):
        kind().fit(X, y, X_val=NEW)
    with pytest.raises(ValueError, match="X_val and y_val: "):
        kind().fit(X, y, X_val=NEW[["few"]], y_val=new)


@both
def test_folds_of_ones_own(kind, y):
    groups = np.arange(len(X)) % 40
    model = kind(n_members=4, random_state=0).fit(X, y, groups=groups)
    assert len(model.members_) == 4
    model = kind(cv=TimeSeriesSplit(3), random_state=0).fit(X, y)
    is_known = np.isfinite(model.oof_predictions_.reshape(len(X), -1)[:, 0])
    assert not is_known[:40].any()
    assert is_known[40:].all()
    assert len(kind(cv=KFold(2), random_state=0).fit(X, y).members_) == 2
    for cv in ([(np.arange(9), np.arange(999))], [(np.arange(9), ["a"])], []):
        with pytest.raises(ValueError, match="cv holds"):
            kind(cv=cv).fit(X, y)
    with pytest.raises(ValueError, match="one group only"):
        kind().fit(X, y, groups=np.ones(len(X)))


@both
def test_wrong_targets_are_refused_by_row(kind, y):
    for missing in (None, np.nan, pd.NA):
        holed = pd.Series(y, dtype=object)
        holed[7] = missing
        with pytest.raises(ValueError, match="row 7"):
            kind().fit(X, holed)
    with pytest.raises(ValueError, match=r"inf.* in row 3|continuous|infinity"):
        kind().fit(X, np.where(np.arange(len(X)) == 3, np.inf, 0.5))
    with pytest.raises(ValueError, match="inconsistent"):
        kind().fit(X, y[:9])
    with pytest.raises(ValueError, match=r"at least 2 rows|one class"):
        kind().fit(X[:1], y[:1])


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="one class only"):
        TableClassifier().fit(X, ["a"] * len(X))


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


@pytest.mark.parametrize(
    "labels",
    [
        np.array([2, 5, 9]),
        np.array(["a", "b", "c"], object),
        np.array([True, False]),
        np.array([-1.0, 1.0]),
        pd.array([1, 2], "Int64"),
        pd.Categorical(["x", "y"]),
        pd.array(["s", "t"], "string"),
    ],
)
def test_labels_of_any_kind(labels):
    y = pd.Series(labels).iloc[np.arange(60) % len(labels)].reset_index(drop=True)
    x = pd.DataFrame({"a": np.arange(60) % len(labels), "b": np.arange(60.0)})
    model = TableClassifier(n_members=2, random_state=0).fit(x, y)
    assert set(model.predict(x)) <= set(labels)
    assert model.score(x, y) > 0.9


def test_classes_of_one_row():
    y = LABELS.astype(object)
    y[[3, 70]] = "rare", "rarer"
    model = TableClassifier(n_members=3, random_state=0).fit(X, y)
    assert model.classes_.tolist() == ["no", "rare", "rarer", "yes"]
    assert model.predict_proba(NEW).shape == (len(NEW), 4)


def test_many_classes():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 3))
    model = TableClassifier(n_members=2, random_state=0).fit(x, np.arange(600) % 300)
    np.testing.assert_allclose(model.predict_proba(x).sum(axis=1), 1)


@both
def test_few_rows(kind, y):
    for n_rows in (4, 50):
        rows = np.r_[: n_rows // 2, len(X) - n_rows // 2 : len(X)]
        target = np.where(np.arange(n_rows) % 2, "a", "b") if y is LABELS else y[rows]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            model = kind(random_state=0).fit(X.iloc[rows], target)
        assert len(model.members_) == min(5, n_rows)
        assert np.isfinite(model.predict_proba(NEW) if y is LABELS else model.predict(NEW)).all()


@both
def test_rows_that_occur_twice_stay_in_one_fold(kind, y):
    rows = np.r_[:160, :40]
    model = kind(n_members=3, random_state=0).fit(X.iloc[rows], y[rows])
    np.testing.assert_array_equal(model.oof_predictions_[:40], model.oof_predictions_[160:])


@both
def test_weights(kind, y):
    """Rows of a small weight hardly count: their targets are wrong, and nobody believes them."""
    wrong = np.arange(len(X)) % 2 == 0
    if y is LABELS:
        target = np.where(wrong, np.where(y == "yes", "no", "yes"), y)
    else:
        target = np.where(wrong, -y, y)
    weights = np.where(wrong, 1e-3, 1.0)
    model = kind(n_members=3, random_state=0).fit(X, target, weights)
    new = NEW_LABELS if y is LABELS else NEW_NUMBERS
    assert model.score(NEW, new) > WEAK[y is LABELS]
    with pytest.raises(ValueError, match="at least one non-zero"):
        kind().fit(X, y, np.zeros(len(X)))


def test_class_weight():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    y = (x[:, 0] + rng.normal(size=300) > 1.5).astype(int)
    plain = TableClassifier(n_members=2, random_state=0).fit(x, y)
    heavy = TableClassifier(n_members=2, random_state=0, class_weight="balanced").fit(x, y)
    named = TableClassifier(n_members=2, random_state=0, class_weight={1: 10.0}).fit(x, y)
    means = [model.predict_proba(x)[:, 1].mean() for model in (plain, heavy, named)]
    assert min(means[1:]) > means[0] + 0.05


def test_intervals_hold_as_many_targets_as_they_say():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1200, 3))
    y = x[:, 0] + rng.normal(size=1200)
    model = TableRegressor(n_members=3, random_state=0).fit(x[:600], y[:600])
    for coverage in (0.5, 0.9):
        low, high = model.predict_interval(x[600:], coverage)
        inside = np.mean((low <= y[600:]) & (y[600:] <= high))
        assert abs(inside - coverage) < 0.08
    for coverage in (0, 1, "much"):
        with pytest.raises(ValueError, match="coverage"):
            model.predict_interval(x, coverage)


def test_predictions_stay_in_the_range_of_the_targets():
    model = TableRegressor(n_members=2, random_state=0).fit(X, NUMBERS)
    far = NEW.assign(number=1e6)
    assert model.predict(far).max() <= NUMBERS.max()


def test_probabilities_are_calibrated():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 4))
    p = 1 / (1 + np.exp(-2 * x[:, 0]))
    y = rng.random(2000) < p
    model = TableClassifier(random_state=0).fit(x[:1000], y[:1000])
    assert np.abs(model.predict_proba(x[1000:])[:, 1] - p[1000:]).mean() < 0.1


def test_an_interrupt_ends_all_networks(monkeypatch):
    told = []

    def interrupt(bar, member, epoch, logs):
        told.append(epoch)
        if len(told) == 5:
            _thread.interrupt_main()

    monkeypatch.setattr(MembersBar, "told", interrupt)
    model = TableRegressor(n_members=3, random_state=0, n_threads=2)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, NUMBERS)
    assert len(told) < 3 * 128
    assert not hasattr(model, "members_")
    assert not hasattr(model, "encoder_")


@both
def test_polars_tables_and_targets(kind, y):
    pl = pytest.importorskip("polars")
    table = pl.DataFrame({"a": X["number"].to_numpy(), "b": X["kind"].astype(str).tolist()})
    model = kind(n_members=2, random_state=0).fit(table, pl.Series(y.tolist()))
    frame = pd.DataFrame({"a": X["number"], "b": X["kind"].astype(str)})
    same = kind(n_members=2, random_state=0).fit(frame, y)
    np.testing.assert_array_equal(predictions(model, table), predictions(same, frame))
    assert model.score(table, pl.Series(y.tolist())) > 0.3


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
def test_max_seconds(kind, y):
    model = kind(n_members=2, max_seconds=0.02, random_state=0).fit(X, y)
    assert all(1 <= len(member.loss) < 128 for member in model.history_.members)


def test_a_machine_that_gets_slower_leaves_time_for_the_last_network(monkeypatch):
    told = MembersBar.told

    def slowly(bar, member, epoch, logs):
        time.sleep(0.03 * (bar._first > 0))
        told(bar, member, epoch, logs)

    monkeypatch.setattr(MembersBar, "told", slowly)
    model = TableRegressor(n_members=3, n_threads=1, max_seconds=1.5, random_state=0)
    epochs = [len(member.loss) for member in model.fit(X, NUMBERS).history_.members]
    assert min(epochs) > 1
    assert max(epochs[1:]) < 60


@both
def test_trees_that_there_is_no_time_for_are_left_out(kind, y, tmp_path):
    with pytest.warns(UserWarning, match="the trees are left out, since they would take about"):
        model = kind(n_members=2, trees=True, max_seconds=0.02, random_state=0).fit(X, y)
    assert model.trees_ == [None, None]
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(predictions(kind.load(tmp_path / "model")), predictions(model))
    assert kind(n_members=2, trees=True, max_seconds=600, random_state=0).fit(X, y).trees_[1]


def test_history(fitted):
    model, _ = fitted
    history = model.history_
    assert len(history.members) == len(history.best_epochs) == 3
    frame = history.to_frame()
    assert frame.index.names == ["member", "epoch"]
    best = [member.val_score[epoch - 1] for member, epoch in
            zip(history.members, history.best_epochs, strict=True)]  # fmt: skip
    assert best == [np.nanmax(member.val_score) for member in history.members]
    assert len(history.plot().axes) == 2
    assert repr(history).startswith("<TableHistory: 3 networks, 384 epochs")


def test_progress(capsys):
    TableRegressor(n_members=2, random_state=0, verbose=True).fit(X, NUMBERS)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all("after 128 epochs" in line for line in lines)


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
