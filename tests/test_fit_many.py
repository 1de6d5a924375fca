"""`fit_many`: many fits at once, each as if it were alone on a copy of its rows."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimator_tools import load, same_weights, weights_of
from scipy.sparse import csr_array
from sklearn import config_context, get_config
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor, fit_many

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

UNEQUAL = ("history_", "validation_scores_")  # which has seconds; NaN
SETTINGS: dict[str, dict[str, Any]] = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.01, "tol": 0.01},
    "early": {"early_stopping": True, "n_iter_no_change": 3},
    "loss": {"early_stopping": True, "monitor": "loss", "dropout": 0.2},
    "lbfgs": {"solver": "lbfgs", "max_iter": 7},
    "wide": {"hidden_layer_sizes": (33, 17), "activation": ("tanh", "silu"), "batch_size": 7},
    "narrow": {"dtype": "float32", "learning_rate": "cosine"},
    "unmoved": {"shuffle": False, "hidden_layer_sizes": ()},
}
OF_CLASSES: dict[str, dict[str, Any]] = {
    "balanced": {"class_weight": "balanced", "early_stopping": True},
    "scored": {"early_stopping": True, "monitor": "roc_auc_ovr", "stratify": True},
    "smooth": {"label_smoothing": 0.1},
    "balanced lbfgs": {"class_weight": "balanced", "solver": "lbfgs", "max_iter": 7},
}


def found_by(estimator: Any) -> dict[str, Any]:
    """What a fit has found, but for how long it took."""
    return {k: v for k, v in vars(estimator).items() if k.endswith("_") and k not in UNEQUAL}


def assert_alike(one: Any, other: Any) -> None:
    """Both were fitted, and have all the same bits."""
    mine, theirs = found_by(one), found_by(other)
    assert mine.keys() == theirs.keys()
    assert "coefs_" in mine
    for name, value in mine.items():
        values = (value, theirs[name])
        both = zip(*values, strict=True) if isinstance(value, list) else [values]
        for a, b in both:
            np.testing.assert_array_equal(a, b, err_msg=name, strict=isinstance(a, np.ndarray))
    curves = [model.history_.to_frame().drop(columns="seconds") for model in (one, other)]
    pd.testing.assert_frame_equal(*curves, check_exact=True)


def members_of(kind: Any, names: dict[str, dict[str, Any]]) -> list[Any]:
    """An estimator for each of the settings."""
    return [
        kind(**({"max_iter": 12, "random_state": i, "n_threads": 2} | settings))
        for i, settings in enumerate(names.values())
    ]


def parts_of(n_rows: int, n_parts: int) -> list[Any]:
    """Row numbers of all kinds: shuffled, drawn with repetition, from the end, Booleans, all."""
    rng = np.random.RandomState(0)
    kinds = [
        lambda: rng.permutation(n_rows)[: n_rows * 3 // 4],
        lambda: rng.randint(n_rows, size=n_rows),
        lambda: rng.permutation(n_rows)[: n_rows * 3 // 4] - n_rows,
        lambda: rng.rand(n_rows) < 0.7,
        lambda: None,
        lambda: rng.permutation(n_rows)[: n_rows // 2].astype(np.uint8 if n_rows < 256 else "u8"),
    ]
    return [kinds[i % len(kinds)]() for i in range(n_parts)]


def one_by_one(members: Any, x: Any, y: Any, parts: Any, weights: Any = None) -> list[Any]:
    """Clones of them, each fitted on a copy of its rows."""
    fitted = []
    for member, part in zip(members, parts, strict=True):
        part = slice(None) if part is None else part
        rows = x.iloc[part] if isinstance(x, pd.DataFrame) else x[part]
        weight = None if weights is None else weights[part]
        fitted.append(clone(member).fit(rows, y[part], weight))
    return fitted


@pytest.mark.parametrize("n_jobs", [None, 1, 5])
@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("name", ["wine", "cancer", "multilabel", "diabetes"])
def test_each_is_as_if_it_were_alone(name, is_weighted, n_jobs):
    x, y = load(name)
    kind, settings = (
        (MLPRegressor, SETTINGS)
        if name == "diabetes"
        else (MLPClassifier, SETTINGS | (OF_CLASSES if name == "wine" else {}))
    )
    members = members_of(kind, settings)
    parts = parts_of(len(x), len(members))
    weights = weights_of(len(x)) if is_weighted else None
    expected = one_by_one(members, x, y, parts, weights)
    found = fit_many(members, x, y, splits=parts, sample_weight=weights, n_jobs=n_jobs)
    assert all(a is b for a, b in zip(found, members, strict=True))
    for model, alone in zip(found, expected, strict=True):
        assert_alike(model, alone)
        assert model.n_threads == 2


FORMS = {
    "float32": lambda x: x.astype(np.float32),
    "pixels": lambda x: (np.abs(x) * 4).astype(np.uint8),
    "levels": lambda x: np.repeat(np.clip(np.round(np.abs(x) - 0.7, 1), 0, 5), 8, axis=1),
    "integers": lambda x: (x * 2).astype(int),
    "sparse": lambda x: csr_array(np.where(x > 0.5, x, 0)),
    "frame": lambda x: pd.DataFrame(x, columns=[f"c{i}" for i in range(x.shape[1])]),
    "narrow frame": lambda x: pd.DataFrame(x.astype(np.float32)),
    "columns first": np.asfortranarray,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_any_kind_of_rows(kind, form):
    x, y = load("wine")
    rows = FORMS[form](x)
    members = members_of(kind, SETTINGS)
    parts = parts_of(len(x), len(members))
    expected = one_by_one(members, rows, y, parts)
    for model, alone in zip(fit_many(members, rows, y, splits=parts), expected, strict=True):
        assert_alike(model, alone)


def test_lists_and_words():
    x, y = load("wine")
    words = np.array(["red", "white", "rosé"])[y]
    members = members_of(MLPClassifier, SETTINGS)
    expected = one_by_one(members, x, words, [None] * len(members))
    for model, alone in zip(fit_many(members, x.tolist(), list(words)), expected, strict=True):
        assert_alike(model, alone)


def test_classes_are_those_of_the_part():
    x, y = load("wine")
    two, three = MLPClassifier(max_iter=3, random_state=0), MLPClassifier(max_iter=3)
    fit_many([two, three], x, y, splits=[y > 0, None])
    assert list(two.classes_) == [1, 2]
    assert (two.n_outputs_, three.n_outputs_) == (1, 3)


def test_classifiers_and_regressors_of_one_target():
    x, y = load("wine")
    members = [MLPClassifier(max_iter=3, random_state=0), MLPRegressor(max_iter=3, random_state=0)]
    expected = one_by_one(members, x, y, [None, None])
    for model, alone in zip(fit_many(members, x, y), expected, strict=True):
        assert_alike(model, alone)


def test_rows_are_read_once(monkeypatch):
    from fastmlp import kernels

    x, y = load("wine")
    calls, read = [], kernels.read
    monkeypatch.setattr(kernels, "read", lambda *a: calls.append(a) or read(*a))
    members = members_of(MLPClassifier, SETTINGS)
    fit_many(members, x, y, splits=parts_of(len(x), len(members)))
    ((rows, n_epochs),) = calls
    assert rows is x
    assert n_epochs == 7 * 12 + members[0].max_fun  # of lbfgs


def test_warm_starts_go_on():
    x, y = load("wine")
    members = [MLPClassifier(warm_start=True, max_iter=3, random_state=i) for i in range(2)]
    expected = [clone(member) for member in members]
    for _ in range(2):
        fit_many(members, x, y)
        for member in expected:
            member.fit(x, y)
    for model, alone in zip(members, expected, strict=True):
        assert_alike(model, alone)
        assert len(model.loss_curve_) == 6
    with pytest.raises(ValueError, match="X has 5 features, but MLPClassifier is expecting 13"):
        fit_many(members, x[:, :5], y)
    assert_alike(members[0], expected[0])


def test_a_generator_of_several_is_drawn_from_in_order():
    x, y = load("wine")
    fitted = []
    for fit in ("alone", "together"):
        generator = np.random.RandomState(3)
        members = [MLPClassifier(max_iter=4, random_state=generator) for _ in range(4)]
        if fit == "together":
            fit_many(members, x, y, n_jobs=4)
        else:
            members = [member.fit(x, y) for member in members]
        fitted.append(members)
    for alone, model in zip(*fitted, strict=True):
        assert_alike(model, alone)


def test_the_global_generator_decides_by_its_seed():
    x, y = load("wine")
    runs = []
    for n_jobs in (1, 4):
        np.random.seed(5)
        members = [MLPClassifier(max_iter=4) for _ in range(4)]
        runs.append(fit_many(members, x, y, n_jobs=n_jobs))
    for one, other in zip(*runs, strict=True):
        assert_alike(one, other)
    assert not same_weights(runs[0][0], runs[0][1])


def test_callbacks_stop_their_own_fit():
    x, y = load("wine")
    names: set[str] = set()

    def until(last):
        def callback(epoch, logs):
            names.add(threading.current_thread().name)
            return epoch == last

        return callback

    members = [MLPClassifier(max_iter=9, callbacks=[until(i)]) for i in (2, 4)]
    assert [m.n_iter_ for m in fit_many(members, x, y, n_jobs=1)] == [2, 4]
    assert names == {"fastmlp-fit_0"}


class Observer:
    """A callback of scikit-learn's that notes what it is shown."""

    def __init__(self):
        self.seen = []

    def setup(self, estimator, context):
        self.seen.append("setup")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):  # noqa: N803
        if not self.seen[1:]:
            self.seen.append((X, y, metadata))

    def on_fit_task_end(self, estimator, context, **more):
        pass

    def teardown(self, estimator, context):
        self.seen.append("teardown")


def test_callbacks_of_scikit_learn_are_shown_the_part():
    x, y = load("wine")
    frame, weights, rows = pd.DataFrame(x).add_prefix("c"), weights_of(len(x)), np.arange(9, 99)
    one, other = Observer(), Observer()
    alone = MLPClassifier(max_iter=2).set_callbacks(one)
    alone.fit(frame.iloc[rows], y[rows], weights[rows])
    fit_many(
        [MLPClassifier(max_iter=2).set_callbacks(other)], frame, y, splits=[rows],
        sample_weight=weights,
    )  # fmt: skip
    assert (one.seen[0], one.seen[-1]) == (other.seen[0], other.seen[-1]) == ("setup", "teardown")
    pd.testing.assert_frame_equal(one.seen[1][0], other.seen[1][0])
    for a, b in zip(
        (one.seen[1][1], one.seen[1][2]["sample_weight"]),
        (other.seen[1][1], other.seen[1][2]["sample_weight"]),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_scorers_see_names_and_the_callers_settings():
    x, y = load("wine")
    seen = []

    def score(estimator, rows, targets):
        seen.append((list(rows.columns), len(rows), get_config()["working_memory"]))
        return estimator.score(rows, targets)

    frame = pd.DataFrame(x).add_prefix("c")
    model = MLPClassifier(early_stopping=True, monitor=score, max_iter=1)
    with config_context(working_memory=77):
        fit_many([model], frame, y, splits=[np.arange(100)])
    assert seen == [(list(frame.columns), 10, 77)]


def test_warnings_are_the_callers_and_said_once():
    x, y = load("wine")
    members = [MLPClassifier(max_iter=2, batch_size=500) for _ in range(3)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit_many(members, x, y)
    assert {w.filename for w in caught} == {__file__}
    assert [w.category for w in caught] == [UserWarning, ConvergenceWarning]


def test_exported_lazily():
    assert fastmlp.fit_many is fit_many
    assert "fit_many" not in fastmlp.__all__
    assert fit_many([], None, None) == []
