"""Files of TableClassifier and TableRegressor."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file
from tables_tools import mixed_table

from fastmlp import TableClassifier, TableRegressor

X, LABELS, NUMBERS = mixed_table()
NEW, _, _ = mixed_table(seed=1)


@pytest.fixture(scope="module")
def classifier():
    return TableClassifier(n_members=2, random_state=0, n_threads=1).fit(X, LABELS)


@pytest.fixture(scope="module")
def regressor():
    return TableRegressor(n_members=2, random_state=0).fit(X, NUMBERS)


def changed(path, **values):
    """Rewrite a file with other metadata."""
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    for name, change in values.items():
        metadata[name] = json.dumps(change(json.loads(metadata[name])))
    save_file(load_file(path), path, metadata)


def test_a_loaded_classifier_predicts_the_same(classifier, tmp_path):
    path = tmp_path / "model.safetensors"
    classifier.save(path)
    loaded = TableClassifier.load(path)
    np.testing.assert_array_equal(loaded.predict_proba(NEW), classifier.predict_proba(NEW))
    np.testing.assert_array_equal(loaded.predict(NEW), classifier.predict(NEW))
    assert loaded.get_params() == classifier.get_params()
    assert loaded.encoder_.taken_for_ == classifier.encoder_.taken_for_
    assert list(loaded.feature_names_in_) == list(X)
    assert [len(member.coefs_) for member in loaded.members_] == [3, 3]
    loaded.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    loaded.fit(X, LABELS)
    np.testing.assert_array_equal(loaded.predict_proba(NEW), classifier.predict_proba(NEW))


def test_a_loaded_regressor_predicts_the_same(regressor, tmp_path):
    path = tmp_path / "model.safetensors"
    regressor.save(path)
    loaded = TableRegressor.load(path)
    np.testing.assert_array_equal(loaded.predict(NEW), regressor.predict(NEW))
    for one, other in zip(
        loaded.predict_interval(NEW), regressor.predict_interval(NEW), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_many_classes_and_arrays_without_names(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(90, 3)), pd.Categorical(np.array(["a", "b", "c"])[np.arange(90) % 3])
    model = TableClassifier(n_members=2, random_state=0).fit(x, y)
    model.save(tmp_path / "m")
    loaded = TableClassifier.load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict_proba(x), model.predict_proba(x))
    assert not hasattr(loaded, "feature_names_in_")


@pytest.mark.parametrize("n_classes", [0, 2, 4])
def test_trees(n_classes, tmp_path):
    kind, y = (TableRegressor, NUMBERS) if n_classes == 0 else (TableClassifier, LABELS)
    if n_classes == 4:
        y = np.where(np.arange(len(X)) % 3 == 0, np.char.add(y, "!"), y)
    model = kind(n_members=2, random_state=0, trees=True).fit(X, y)
    model.save(tmp_path / "m")
    loaded = kind.load(tmp_path / "m")
    predict = "predict_proba" if n_classes else "predict"
    np.testing.assert_allclose(
        getattr(loaded, predict)(NEW), getattr(model, predict)(NEW), rtol=1e-9
    )
    loaded.save(tmp_path / "again")
    assert (tmp_path / "m").read_bytes() == (tmp_path / "again").read_bytes()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("trees0_left", lambda a: a * 0),
        ("trees0_right", lambda a: a + 10_000),
        ("trees0_feature", lambda a: a - 1),
        ("trees0_roots", lambda a: -a - 1),
        ("trees0_value", lambda a: a * np.nan),
        ("trees0_threshold", lambda a: a * np.nan),
        ("trees0_baseline", lambda a: np.append(a, 0)),
        ("trees0_value", lambda a: a.astype(np.float32)),
        ("trees0_value", lambda a: a[1:]),
    ],
)
def test_damaged_trees_are_refused(name, change, tmp_path):
    from safetensors import safe_open

    path = tmp_path / "m"
    TableRegressor(n_members=1, random_state=0, trees=True).fit(X, NUMBERS).save(path)
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    arrays = load_file(path)
    save_file(arrays | {name: change(arrays[name])}, path, metadata)
    with pytest.raises(ValueError, match="arrays of trees do not fit together"):
        TableRegressor.load(path)


def test_files_of_others_are_refused(classifier, regressor, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"TableClassifier\.save"):
        TableClassifier.load(tmp_path / "none")
    regressor.save(tmp_path / "r")
    with pytest.raises(ValueError, match=r"holds a TableRegressor: load it with fastmlp\.Table"):
        TableClassifier.load(tmp_path / "r")
    (tmp_path / "x").write_bytes(b"no model")
    with pytest.raises(ValueError, match="cut short"):
        TableClassifier.load(tmp_path / "x")


@pytest.mark.parametrize(
    "change",
    [
        {"columns": lambda c: c[:-1]},
        {"columns": lambda c: c[::-1]},
        {"columns": lambda c: [{**c[0], "kind": "much"}, *c[1:]]},
        {"columns": lambda c: [{**c[0], "place": 99}, *c[1:]]},
        {"columns": lambda c: [{**c[0], "encoding": {**c[0]["encoding"], "scale": -1}}, *c[1:]]},
        {
            "columns": lambda c: [
                {**c[0], "encoding": {**c[0]["encoding"], "edges": [3, 1]}},
                *c[1:],
            ]
        },
        {"columns": lambda c: [{**c[0], "form": "%d"}, *c[1:]]},
        {"columns": lambda c: {}},
        {"n_members": lambda n: n + 1},
        {"n_members": lambda n: n - 1},
        {"n_members": lambda n: "2"},
        {"n_features": lambda n: 0},
        {"names": lambda n: n[:-1]},
        {"classes": lambda c: {**c, "values": ["one"]}},
        {"classes": lambda c: {**c, "values": ["a", "b", "c"]}},
        {"fitted": lambda f: {"temperature": 0}},
        {"fitted": lambda f: {"temperature": 1e-300}},  # of whose power infinity would come
        {"fitted": lambda f: {"temperature": 1e300}},
        {"fitted": lambda f: {}},
        {"parameters": lambda p: {**p, "n_members": 0}},
        {"parameters": lambda p: {**p, "what": 0}},
    ],
)
def test_damaged_files_are_refused(classifier, tmp_path, change):
    path = tmp_path / "model"
    classifier.save(path)
    changed(path, **change)
    with pytest.raises(ValueError, match="damaged"):
        TableClassifier.load(path)


def test_weights_that_are_not_finite_are_refused(classifier, tmp_path):
    path = tmp_path / "model"
    classifier.save(path)
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    arrays = load_file(path)
    arrays["w2"][0, 0] = np.nan
    save_file(arrays, path, metadata)
    with pytest.raises(ValueError, match="the array w2 is not finite"):
        TableClassifier.load(path)
