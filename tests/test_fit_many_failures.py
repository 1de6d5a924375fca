"""What `fit_many` refuses, and what it leaves when fits fail or are interrupted."""

from __future__ import annotations

import _thread
import io
import threading
import time
import warnings
from typing import Any

import numpy as np
import pytest
from estimator_tools import load, quiet, same_weights
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning

from fastmlp import MLPClassifier, MLPRegressor, fit_many

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DIVERGES = {"solver": "sgd", "activation": "identity", "learning_rate_init": 1e3}


def assert_untouched(model: Any) -> None:
    assert vars(model).keys() == vars(type(model)()).keys()


def test_one_that_diverges_leaves_the_others_whole():
    x, y = load("diabetes")
    members = [
        MLPRegressor(max_iter=5, random_state=i, **(DIVERGES if i in (1, 3) else {}))
        for i in range(5)
    ]
    expected = [clone(member).fit(x, y) for member in members[::2]]
    words = r"2 of 5 fits have failed.*estimators\[1\]: Solver produced non-finite.*estimators\[3\]"
    with pytest.warns(FitFailedWarning, match=words) as caught:
        found = fit_many(members, x, y)
    (warned,) = [w for w in caught if w.category is FitFailedWarning]
    assert warned.filename == __file__
    for model, alone in zip(found[::2], expected, strict=True):
        assert same_weights(model, alone)
    for model in found[1::2]:
        assert_untouched(model)


def test_one_that_diverges_goes_back_to_its_last_fit():
    x, y = load("diabetes")
    model = quiet(MLPRegressor(max_iter=5, warm_start=True), x, y)
    before, curve = clone(model), list(model.loss_curve_)
    before.coefs_ = [w.copy() for w in model.coefs_]
    model.set_params(**DIVERGES)
    with pytest.warns(FitFailedWarning, match=r"1 of 1 fits have failed"):
        fit_many([model], x, y)
    assert same_weights(model, before)
    assert model.loss_curve_ == curve


def test_a_part_that_is_too_small_is_one_members_own():
    x, y = load("wine")
    members = [MLPClassifier(max_iter=2, early_stopping=True) for _ in range(2)]
    with pytest.warns(FitFailedWarning, match=r"estimators\[0\]: The validation set is too small"):
        fit_many(members, x, y, splits=[[0, 1, 2], None])
    assert_untouched(members[0])
    assert members[1].n_iter_ == 2
    with pytest.raises(ValueError, match="The validation set is too small"):
        fit_many(members, x, y, splits=[[0, 1, 2], [3, 4, 5]])  # nobody can begin
    assert_untouched(members[0])
    assert members[1].n_iter_ == 2


def test_rows_that_nobody_can_take():
    x, y = load("wine")
    members = [MLPClassifier(), MLPClassifier()]
    for rows, targets, weights, message in [
        (np.where(x > 2, np.nan, x), y, None, "Input X contains NaN"),
        (x, y[:5], None, "inconsistent numbers of samples"),
        (x, np.linspace(0, 1, len(x)), None, "Unknown label type"),
        (x, y, -np.ones(len(x)), "Negative values"),
        (x, y, np.zeros(len(x)), "leave no row to train on any weight|non-zero"),
        (x, None, None, "y"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit_many(members, rows, targets, sample_weight=weights)
        for model in members:
            assert_untouched(model)


def test_arguments_that_make_no_sense():
    x, y = load("wine")
    model = MLPClassifier(max_iter=2)
    pair = [model, MLPClassifier(max_iter=2)]
    n = len(x)
    refused: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
        (model, {}, TypeError, "estimators is MLPClassifier.*: give a list of estimators"),
        (3, {}, TypeError, "estimators is 3: give a list"),
        ([model, "mlp"], {}, TypeError, r"estimators\[1\] is 'mlp': give MLPClassifier or MLPReg"),
        ([MLPClassifier], {}, TypeError, r"estimators\[0\] is <class .*: give"),
        ([*pair, model], {}, ValueError, r"\[0\] and estimators\[2\] are the same MLPClassifier"),
        (pair, {"n_jobs": 0}, ValueError, "n_jobs is 0: give a whole number of at least 1"),
        (pair, {"n_jobs": 1.5}, TypeError, "n_jobs is 1.5"),
        (pair, {"splits": 5}, TypeError, "splits is 5: give an array of row numbers per estimator"),
        (pair, {"splits": [[0, 1]]}, ValueError, "splits has 1 parts for 2 estimators"),
        (pair, {"splits": [None, []]}, ValueError, r"splits\[1\] holds no row: give at least one"),
        (pair, {"splits": [np.zeros(n, bool), None]}, ValueError, r"splits\[0\] holds no row"),
        (pair, {"splits": [None, [0, n]]}, ValueError, rf"splits\[1\] holds row {n}, and X has"),
        (pair, {"splits": [None, [-n - 1]]}, ValueError, rf"splits\[1\] holds row -{n + 1}, and"),
        (pair, {"splits": [np.array([2**63], "u8")] * 2}, ValueError, "holds row 9223372036854775"),
        (pair, {"splits": [None, [True]]}, ValueError, r"has 1 Booleans for 178 rows: give one"),
        (pair, {"splits": [[0.0, 1.0], None]}, TypeError, r"splits\[0\] holds float64 values"),
        (pair, {"splits": [["a"], None]}, TypeError, r"splits\[0\] holds <U1 values: give whole"),
        (pair, {"splits": [([0, 1], [2]), None]}, ValueError, "the first of each pair"),
        (pair, {"splits": [[[0, 1], [2, 3]]] * 2}, ValueError, "a one-dimensional array of row"),
    ]
    for estimators, keywords, kind, message in refused:
        with pytest.raises(kind, match=message):
            fit_many(estimators, x, y, **keywords)
        assert_untouched(model)


def test_settings_that_make_no_sense_are_named_before_any_training():
    x, y = load("wine")
    for wrong, message in [
        ({"solver": "adams"}, "did you mean 'adam'"),
        ({"n_threads": 0}, "n_threads"),
        ({"solver": "lbfgs", "dropout": 0.1}, "dropout is 0.1 with solver='lbfgs'"),
        ({"monitor": "roc_aux"}, "roc_aux"),
    ]:
        members = [MLPClassifier(), MLPClassifier(**wrong)]
        with pytest.raises(ValueError, match=message) as caught:
            fit_many(members, x, y)
        assert caught.value.__notes__ == ["This is estimators[1]."]
        assert_untouched(members[0])


def waiting(begun: threading.Event, n_epochs: list[int]) -> Any:
    """A callback that lets the other threads work, and counts."""

    def callback(epoch: int, logs: Any) -> None:
        n_epochs.append(epoch)
        begun.set()
        time.sleep(0.001)

    return callback


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_interrupt_ends_all_of_them(n_jobs, solver):
    x, y = load("diabetes")
    begun, n_epochs = threading.Event(), list[int]()
    settings = {"max_iter": 10**6, "max_fun": 10**7, "tol": 0.0, "solver": solver}
    kept = quiet(MLPRegressor(max_iter=2, warm_start=True), x, y)
    before = [w.copy() for w in kept.coefs_]
    members = [
        MLPRegressor(max_iter=1),  # has ended by then, if there is a thread for it
        kept.set_params(n_iter_no_change=np.inf, callbacks=[waiting(begun, n_epochs)], **settings),
        *(MLPRegressor(n_iter_no_change=np.inf, **settings) for _ in range(3)),
    ]

    def interrupt() -> None:
        assert begun.wait(60)
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        fit_many(members, x, y, n_jobs=n_jobs)
    thread.join()
    n_then = len(n_epochs)
    assert not [t for t in threading.enumerate() if t.name.startswith("fastmlp-fit")]
    for model in (members[0], *members[2:]):
        assert_untouched(model)
        assert model.n_threads is None
    for a, b in zip(kept.coefs_, before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(kept.loss_curve_) == 2
    quiet(kept.set_params(callbacks=None, solver="adam", max_iter=1), x, y)  # is free again
    assert len(n_epochs) == n_then


def test_an_error_in_a_callback_ends_all_of_them():
    x, y = load("diabetes")

    def fail(epoch, logs):
        raise KeyError("callback")

    members = [
        MLPRegressor(max_iter=1, random_state=0),
        MLPRegressor(max_iter=10**6, tol=0, n_iter_no_change=np.inf),
        MLPRegressor(callbacks=[fail]),
    ]
    with pytest.raises(KeyError, match="callback"):
        fit_many(members, x, y, n_jobs=3)
    for model in members:
        assert_untouched(model)


def test_none_of_them_is_trained_elsewhere_meanwhile():
    x, y = load("wine")
    said = []

    def fit_again(epoch, logs):
        for again in (lambda: members[1].fit(x, y), lambda: fit_many(members[:1], x, y)):
            with pytest.raises(RuntimeError, match="is being trained"):
                again()
            said.append(epoch)

    members = [MLPClassifier(max_iter=1, callbacks=[fit_again]), MLPClassifier(max_iter=1)]
    fit_many(members, x, y, n_jobs=1)
    assert said == [1, 1]
    members[1].fit(x, y)


def test_progress_is_a_line_a_fit(capsys):
    x, y = load("diabetes")
    members = [
        MLPRegressor(max_iter=3, random_state=0, verbose=True),
        MLPRegressor(**DIVERGES),
        MLPRegressor(max_iter=200, solver="lbfgs", random_state=0),
    ]
    with pytest.warns(FitFailedWarning):
        fit_many(members, x, y, n_jobs=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"estimators[0] of 3: iteration 3, loss = {members[0].loss_:.8f}",
        "estimators[1] of 3 has failed.",
        f"estimators[2] of 3: iteration {members[2].n_iter_}, loss = {members[2].loss_:.8f}",
    ]


def test_progress_is_one_bar_in_a_notebook(monkeypatch, capsys):
    import rich.console

    x, y = load("wine")
    file = io.StringIO()
    console = rich.console.Console(file=file, force_terminal=True, width=100)
    monkeypatch.setattr(rich.console, "Console", lambda: console)
    members = [MLPClassifier(max_iter=5, verbose=True) for _ in range(3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit_many(members, x, y)
    assert "15/15" in file.getvalue()
    assert "3 of 3 fits" in file.getvalue()
    assert capsys.readouterr().out == ""
