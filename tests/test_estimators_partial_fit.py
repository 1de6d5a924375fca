"""`partial_fit` keeps the engine's trainer from call to call; no result tells of it."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import threading
import warnings

import numpy as np
import pytest
from estimator_tools import load, quiet, same_weights
from scipy import sparse

from fastmlp import MLPClassifier, MLPRegressor, kernels
from fastmlp.estimators import trainers


@pytest.fixture
def made(monkeypatch):
    """The trainers that are laid out."""
    all_made = []
    original = kernels.Trainer

    def trainer(*args, **keywords):
        all_made.append(original(*args, **keywords))
        return all_made[-1]

    monkeypatch.setattr(kernels, "Trainer", trainer)
    return all_made


def assign(model):
    model.coefs_ = [w * 0.5 for w in model.coefs_]


def change_in_place(model):
    model.coefs_[0][...] *= 0.9
    model.intercepts_[-1][...] = 0


def narrow(model):
    model.coefs_ = [w.astype(np.float32) for w in model.coefs_]
    model.intercepts_ = [b.astype(np.float32) for b in model.intercepts_]


def fit_lbfgs(model):
    """Leave no state of an optimiser."""
    quiet(model.set_params(solver="lbfgs", max_iter=2), *load("wine"))
    model.set_params(solver="adam")


# What is done before a call, and whether a trainer has to be laid out for it.
BETWEEN = {
    "nothing": (lambda model: None, False),
    "assign": (assign, False),
    "in place": (change_in_place, False),
    "alpha": (lambda model: model.set_params(alpha=3.0), False),
    "rate": (lambda model: model.set_params(learning_rate_init=0.1), False),
    "smoothing": (lambda model: model.set_params(label_smoothing=0.1), True),
    "shuffle": (lambda model: model.set_params(shuffle=False), False),
    "solver": (lambda model: model.set_params(solver="sgd"), True),
    "moments": (lambda model: model.set_params(beta_1=0.5), True),
    "batch": (lambda model: model.set_params(batch_size=17), True),
    "dropout": (lambda model: model.set_params(dropout=0.3), True),
    "activation": (lambda model: model.set_params(activation="tanh"), True),
    "threads": (lambda model: model.set_params(n_threads=2), True),
    "dtype": (narrow, True),
    "lbfgs": (fit_lbfgs, False),
    "fit": (lambda model: quiet(model.set_params(max_iter=2), *load("wine")), False),
}
FITS = ("fit", "lbfgs")  # lays out one of its own


def run(between, is_regressor=False):
    x, y = load("wine")
    model = (MLPRegressor if is_regressor else MLPClassifier)(random_state=0, n_threads=1)
    first = {} if is_regressor else {"classes": [0, 1, 2]}
    x = np.where(x < 0.3, 0, x)  # zeros to skip, in the first rows only
    x[60:120] += 1
    model.partial_fit(x[:60], y[:60], **first).partial_fit(x[60:120], y[60:120])
    between(model)
    for _ in range(2):
        model.partial_fit(x[110:170], y[110:170])
    return model


def assert_same(one, other):
    assert same_weights(one, other)
    assert one.loss_curve_ == other.loss_curve_
    assert (one.t_, one.n_iter_) == (other.t_, other.n_iter_)
    for a, b in zip(one.intercepts_, other.intercepts_, strict=True):
        np.testing.assert_array_equal(a, b)
    states = [model._optimizer_state for model in (one, other)]
    assert states[0].n_steps == states[1].n_steps
    for kept, expected in zip(*(state.arrays for state in states), strict=True):
        for a, b in zip(kept, expected, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", BETWEEN)
def test_it_cannot_be_told(name, made, monkeypatch):
    between, is_laid_out = BETWEEN[name]
    kept = run(between)
    assert len(made) == 1 + is_laid_out + (name in FITS)
    monkeypatch.setattr("fastmlp.estimators.stochastic.batch_of", lambda *args: None)
    made.clear()
    anew = run(between)
    assert len(made) == 4 + (name in FITS)
    assert_same(kept, anew)


def test_regressors(made):
    kept = run(lambda model: None, is_regressor=True)
    assert len(made) == 1
    x = np.zeros((60, 13))
    before = [w.copy() for w in kept.coefs_]
    kept.partial_fit(x, np.zeros(60))
    assert len(made) == 1
    assert not np.array_equal(kept.intercepts_[0], before[0][0])


@pytest.mark.parametrize("change", [
    lambda x, y: (x[:50], y[:50], None), lambda x, y: (x.astype("f4"), y, None),
    lambda x, y: (sparse.csr_array(x), y, None), lambda x, y: (x, y, np.arange(1.0, 179.0)),
], ids=["fewer", "float32", "sparse", "weights"])  # fmt: skip
def test_other_rows(change, monkeypatch):
    x, y = load("wine")

    def run():
        model = MLPClassifier(random_state=0).partial_fit(x, y, classes=[0, 1, 2])
        return model.partial_fit(*change(x, y)).partial_fit(x, y)

    kept = run()
    monkeypatch.setattr("fastmlp.estimators.stochastic.batch_of", lambda *args: None)
    assert_same(kept, run())


def test_rows_belong_to_the_user():
    x, y = (a.copy() for a in load("wine"))
    model = MLPClassifier(random_state=0).partial_fit(x, y, classes=[0, 1, 2])
    rows = x.copy()
    kept = [model.coefs_[0], model._optimizer_state.arrays[0][0]]
    values = [a.copy() for a in kept]
    model.partial_fit(x[::-1].copy(), y[::-1].copy())
    np.testing.assert_array_equal(x, rows)
    for array, before in zip(kept, values, strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("duplicate", [
    copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model)),
], ids=["copy", "deepcopy", "pickle"])  # fmt: skip
def test_copies_go_their_own_ways(duplicate):
    x, y = load("wine")
    model = MLPClassifier(random_state=0)
    model.partial_fit(x, y, classes=[0, 1, 2]).partial_fit(x, y)
    other = duplicate(model)
    expected = copy.deepcopy(model).partial_fit(x, y)
    other.partial_fit(x + 1, y)
    assert same_weights(model.partial_fit(x, y), expected)
    again = duplicate(other)
    assert same_weights(other.partial_fit(x, y), again.partial_fit(x, y))


def test_after_an_error_and_an_interrupt(monkeypatch):
    x, y = load("wine")
    model = MLPRegressor(random_state=0).partial_fit(x, y)
    expected = copy.deepcopy(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="non-finite"):
            model.partial_fit(x * 1e300, y)
    with monkeypatch.context() as patch:
        patch.setattr(kernels.Trainer, "epoch", lambda *args: (_ for _ in ()).throw(MemoryError))
        with pytest.raises(MemoryError):
            model.partial_fit(x, y)
        patch.setattr(kernels.Trainer, "epoch", raise_interrupt)
        with pytest.warns(UserWarning, match="interrupted"):
            model.partial_fit(x, y)
    assert same_weights(model, expected)
    assert same_weights(model.partial_fit(x, y), expected.partial_fit(x, y))


def test_it_is_taken_out_while_it_is_at_work():
    x, y = load("wine")
    seen = []
    model = MLPClassifier(callbacks=[lambda epoch, logs: seen.append(model in trainers._kept)])
    model.partial_fit(x, y, classes=[0, 1, 2]).partial_fit(x, y)
    assert seen == [False, False]
    assert model in trainers._kept


def raise_interrupt(*args):
    raise KeyboardInterrupt


def test_threads_with_an_estimator_each():
    x, y = load("wine")
    models = [MLPClassifier(random_state=0, n_threads=1) for _ in range(3)]

    def train(model):
        for _ in range(20):
            model.partial_fit(x, y, classes=[0, 1, 2])

    threads = [threading.Thread(target=train, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = MLPClassifier(random_state=0, n_threads=1)
    train(alone)
    assert all(same_weights(model, alone) for model in models)


def train_on(model, x, y, queue):
    queue.put(model.partial_fit(x, y).coefs_[0])


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forks_go_their_own_ways():
    x, y = load("wine")
    model = MLPClassifier(random_state=0, n_threads=2).partial_fit(x, y, classes=[0, 1, 2])
    before = model.coefs_[0].copy()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=train_on, args=(model, x, y, queue))
    child.start()
    found = queue.get(timeout=60)
    child.join()
    np.testing.assert_array_equal(model.coefs_[0], before)
    np.testing.assert_array_equal(found, model.partial_fit(x, y).coefs_[0])


def test_it_is_let_go_with_its_estimator():
    x, y = load("wine")
    n_kept = len(trainers._kept)
    model = MLPClassifier(random_state=0).partial_fit(x, y, classes=[0, 1, 2])
    assert len(trainers._kept) == n_kept + 1
    del model
    assert len(trainers._kept) == n_kept
