"""Text of very many levels, by its levels' mean targets; and what columns weigh."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fastmlp import TableClassifier, TableRegressor
from fastmlp.tables import level_means
from fastmlp.tables.cells import Texts
from fastmlp.tables.encoder import TableEncoder
from fastmlp.tables.importance import column_weights
from fastmlp.tables.written import encoder_from_json
from fastmlp.tensors import MALFORMED

RNG = np.random.default_rng(0)
N_ROWS, N_LEVELS = 2100, 140
CODES = RNG.permutation(np.arange(N_ROWS) % N_LEVELS)
EFFECTS = RNG.normal(size=N_LEVELS)
X = pd.DataFrame({"seller": [f"s{code}" for code in CODES], "size": RNG.normal(size=N_ROWS)})
Y = EFFECTS[CODES] + 0.3 * RNG.normal(size=N_ROWS)
TEXTS = Texts(CODES.astype(np.intp), [f"s{code}" for code in range(N_LEVELS)])
SETTINGS = {"n_members": 3, "n_threads": 1, "random_state": 0}


def learned(texts, y, weights=None, held_out=()):
    return level_means.learn(texts, y[:, np.newaxis], weights, held_out, n_bins=0)


def test_means_are_shrunk_as_if_there_were_more_rows():
    found, _ = learned(TEXTS, Y)
    own = np.array([Y[code == CODES].mean() for code in range(N_LEVELS)])
    n = N_ROWS / N_LEVELS  # of each level
    within = sum((Y - own[CODES]) ** 2) / (N_ROWS - N_LEVELS)
    # The variance of the levels' means is that between levels, and a part of that within them.
    between = (n * ((own - Y.mean()) ** 2).sum() - (N_LEVELS - 1) * within) / (N_ROWS - n)
    s = within / between
    expected = (n * own + s * Y.mean()) / (n + s)
    np.testing.assert_allclose(found.means[0], expected - Y.mean(), rtol=1e-9)
    assert found.levels == tuple(TEXTS.levels)


def test_levels_that_say_nothing_have_no_means():
    for seed in range(5):
        assert learned(TEXTS, np.random.default_rng(seed).permutation(Y)) is None
    assert learned(TEXTS, np.ones(N_ROWS)) is None
    weak = 0.2 * EFFECTS[CODES] + np.random.default_rng(0).normal(size=N_ROWS)
    assert learned(TEXTS, weak) is not None


def test_a_row_does_not_know_its_own_target():
    parts = np.array_split(np.arange(N_ROWS), 5)
    for held_out in ((), parts, [parts[0], np.arange(400)]):
        _, before = learned(TEXTS, Y, held_out=held_out)
        found, _ = learned(TEXTS, Y, held_out=held_out)
        changed = Y.copy()
        changed[7] += 5
        other, _ = learned(TEXTS, changed, held_out=held_out)
        assert other.means[0][CODES[7]] > found.means[0][CODES[7]]
        crossed = means_in_fit(TEXTS, changed, held_out)
        # What all levels have in common, how much they differ, has changed a little.
        np.testing.assert_allclose(crossed[7], means_in_fit(TEXTS, Y, held_out)[7], rtol=0.02)
        assert not np.array_equal(crossed, means_in_fit(TEXTS, Y, held_out))
        assert np.isfinite(before).all()


def means_in_fit(texts, y, held_out):
    """The means that the rows of `fit` are given, before they are encoded."""
    seen = {}
    write = level_means.LevelMeans.write_means

    def spy(self, means, out):
        seen["means"] = means.copy()
        write(self, means, out)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(level_means.LevelMeans, "write_means", spy)
        learned(texts, y, held_out=held_out)
    return seen["means"]


def test_rows_without_weight_have_no_say():
    weights = np.ones(N_ROWS)
    weights[::3] = 0
    wild = np.where(weights > 0, Y, 1e6)
    found, _ = learned(TEXTS, wild, weights)
    expected, _ = learned(TEXTS, Y, weights)
    np.testing.assert_array_equal(found.means, expected.means)


def test_the_size_of_weights_does_not_matter():
    expected, _ = learned(TEXTS, Y)
    for weight in (1e-5, 1e3):
        found, _ = learned(TEXTS, Y, np.full(N_ROWS, weight))
        np.testing.assert_allclose(found.means, expected.means, rtol=1e-9)


def test_parts_can_not_be_told_apart():
    """Their targets differ, as those of groups do; levels that say nothing stay at 0."""
    parts = np.array_split(np.arange(N_ROWS), 5)
    drift = np.arange(N_ROWS) // (N_ROWS // 5) + 0.1 * RNG.normal(size=N_ROWS)
    fresh = Texts(np.arange(N_ROWS) // 15, TEXTS.levels)  # levels of one part only
    assert learned(fresh, drift, held_out=parts) is None


def test_a_class_that_levels_do_not_differ_in_leaves_the_others_their_means():
    targets = np.stack([Y, np.ones(N_ROWS)], axis=1)
    found, out = level_means.learn(TEXTS, targets, None, (), 0)
    assert out.shape == (N_ROWS, found.n_outputs) == (N_ROWS, 2)
    assert np.ptp(out[:, 0]) > 1
    np.testing.assert_array_equal(out[:, 1], 0)


def test_rare_and_new_levels_have_the_mean_of_all():
    codes = CODES.copy()
    codes[0] = N_LEVELS
    texts = Texts(codes.astype(np.intp), [*TEXTS.levels, "once"])
    found, _ = learned(texts, Y)
    new = Texts(np.array([0, 1, -1, 2], np.intp), ["once", "never", "s5"])
    out = np.empty((4, 1), np.float32)
    found.write(found.places(new), out)
    assert out[0] == out[1] == out[2] != out[3]


@pytest.mark.parametrize(
    "change",
    [
        {"levels": ["a", "a"]},
        {"levels": ["a"]},
        {"means": []},
        {"means": [[0.0, np.inf]]},
        {"means": [[0.0, 10**400]]},
        {"means": [[0.0, 1.0], [0.0, 1.0]]},
        {"numbers": []},
    ],
)
def test_means_of_damaged_files_are_refused(change):
    number = {"median": 0.0, "scale": 1.0, "edges": [], "has_gaps": False}
    sound = {"levels": ["a", "b"], "means": [[0.0, 1.0]], "numbers": [number]}
    one = {"place": 0, "kind": "text", "form": "%Y-%m-%d", "encoding": sound}
    encoder_from_json({}, [], [one], 1, None)
    with pytest.raises(MALFORMED):
        encoder_from_json({}, [], [{**one, "encoding": sound | change}], 1, None)


@pytest.mark.parametrize("held_out", [False, True])
def test_a_regressor_learns_from_all_levels(held_out, tmp_path):
    train, test = np.arange(1500), np.arange(1500, N_ROWS)
    more = {"X_val": X.loc[test], "y_val": Y[test]} if held_out else {}
    model = TableRegressor(**SETTINGS).fit(X.loc[train], Y[train], **more)
    assert model.score(X.loc[test], Y[test]) > 0.7  # 0.3 without
    names = model.encoder_.get_feature_names_out()
    assert "seller_mean" in names
    assert len(names) == model.encoder_.transform(X).shape[1]
    model.save(tmp_path / "model")
    loaded = TableRegressor.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()


def test_levels_of_noise_are_not_learned_by_heart():
    y = np.random.default_rng(1).normal(size=N_ROWS)
    model = TableRegressor(**SETTINGS).fit(X, y)
    assert -0.1 < model.oof_score_ < 0.05
    model = TableClassifier(**SETTINGS).fit(X, y > 0)
    assert 0.42 < model.oof_score_ < 0.58


def test_levels_of_groups_that_are_held_out_are_unknown():
    y = EFFECTS[CODES]
    model = TableRegressor(**SETTINGS).fit(X[["seller"]], y, groups=CODES)
    assert model.oof_score_ < 0.05


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_classifier_learns_from_all_levels(n_classes):
    y = np.digitize(Y, np.quantile(Y, np.linspace(0, 1, n_classes + 1)[1:-1]))
    model = TableClassifier(trees=True, **SETTINGS).fit(X.iloc[:1500], y[:1500])
    assert model.score(X.iloc[1500:], y[1500:]) > 0.7
    n_means = sum("_mean" in name and "bin" not in name for name in
                  model.encoder_.get_feature_names_out())  # fmt: skip
    assert n_means == (1 if n_classes == 2 else n_classes)


def test_with_many_classes_levels_have_no_means():
    y = CODES % 11
    encoder = TableClassifier(n_members=2, random_state=0).fit(X[:1500], y[:1500]).encoder_
    assert not any("_mean" in name for name in encoder.get_feature_names_out())


def test_a_column_that_says_more_weighs_more():
    x = pd.DataFrame(RNG.normal(size=(400, 6)), columns=list("abcdef"))
    x["g"] = x["a"] > 0
    encoder = TableEncoder().fit(x)
    encoded, y = encoder.transform(x), np.sin(2 * x["b"].to_numpy())
    rows = np.arange(400)
    weights = column_weights(encoder, encoded, y, None, rows, is_classifier=False)
    assert weights.argmax() == 1
    assert weights[1] > 1.3
    assert weights[[0, 2, 3, 4, 5, 6]].max() < 1
    of_classes = column_weights(
        encoder, encoded, (y > 0).astype(int), None, rows, is_classifier=True
    )
    assert of_classes.argmax() == 1
    # Rows without weight don't count.
    own = np.arange(400) < 200
    mixed = np.where(own, y, x["f"])
    weighted = column_weights(encoder, encoded, mixed, own.astype(float), rows, is_classifier=False)
    assert weighted.argmax() == 1
    nothing = column_weights(encoder, encoded, np.zeros(400), None, rows, is_classifier=False)
    np.testing.assert_array_equal(nothing, np.ones(7))
    judging = column_weights(encoder, encoded, mixed, None, rows[own], is_classifier=False)
    assert judging.argmax() == 1


def test_few_rows_hardly_weigh_columns():
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.normal(size=(100, 50)))
    encoder = TableEncoder().fit(x)
    encoded, y = encoder.transform(x), rng.normal(size=100)
    weights = column_weights(encoder, encoded, y, None, np.arange(100), is_classifier=False)
    np.testing.assert_allclose(weights, 1, atol=0.15)
    assert np.ptp(weights) > 0


@pytest.mark.parametrize("has_validation", [False, True])
def test_rows_that_only_judge_have_no_say_in_what_columns_weigh(has_validation, monkeypatch):
    seen = []

    def spy(encoder, x, targets, weights, rows, is_classifier):
        seen.append((len(x), rows))
        return np.ones(len(encoder._blocks))

    monkeypatch.setattr("fastmlp.tables.base.column_weights", spy)
    x = X[["size"]]
    held_out = {"X_val": x[100:150], "y_val": Y[100:150]} if has_validation else {}
    TableRegressor(**{**SETTINGS, "n_members": 1}).fit(x[:100], Y[:100], **held_out)
    ((n_rows, rows),) = seen
    assert (n_rows, len(rows)) == ((150, 100) if has_validation else (100, 80))
    assert rows.max() < 100
