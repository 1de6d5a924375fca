"""fit_many goes on from one file to the bits of fits that were left alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from checkpoint_tools import assert_same, keep_always, until_done
from test_checkpoint_estimators import NAMES, NUMBERS, ONE_BY_ONE, X, everything, make

from fastmlp import MLPRegressor, fit_many
from fastmlp.checkpoints import file as checkpoint_file
from fastmlp.checkpoints.file import CheckpointFile
from fastmlp.estimators.members import Member
from fastmlp.kernels import Trainer

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # epochs that were too few

ROWS = [None, np.arange(300), np.r_[100:420, 100:120], X[:, 0] > 0.3]
SETTINGS = [
    {"tol": 10.0, "n_iter_no_change": 1}, {"early_stopping": True, "max_iter": 9, "tol": 0.05},
    {"dropout": 0.2, "tol": 10.0}, {"solver": "sgd", "tol": 10.0, "n_iter_no_change": 1},
]  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "many.ckpt"


def members(**more):
    return [make(**{"max_iter": 30} | ONE_BY_ONE | settings | more) for settings in SETTINGS]


def fit(models, **keywords):
    return fit_many(models, X, NAMES, splits=ROWS, **keywords)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_bits_are_those_of_fits_left_alone(n_jobs, path, monkeypatch):
    """Those that have ended are kept: they take no step again."""
    keep_always(monkeypatch)
    alone = [everything(model) for model in fit(members())]
    done = []

    def go_on(**checkpoint):
        steps = []
        original = Trainer.epoch

        def epoch(self, order, between=None):
            steps.append(len(order))
            return original(self, order, between)

        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "epoch", epoch)
            found = [everything(m) for m in fit(members(), n_jobs=n_jobs, **checkpoint)]
        done.append(len(steps))
        return found

    found, ends = until_done(go_on, path, monkeypatch, after=29 if n_jobs == 1 else 9)
    assert len(ends) > 1  # where one thread writes, the other one does not
    assert any(set(end) == {"all", "0"} for end in ends) or n_jobs > 1
    assert_same(found, alone)
    again = go_on(checkpoint=path, resume=True)
    assert done[-1] == 0
    assert_same(again, alone)


def test_seeds_and_shared_generators_go_on(path, monkeypatch):
    """Also those of members that had not begun when the process ended."""
    keep_always(monkeypatch)

    def models(seed):
        stream = np.random.RandomState(seed)
        settings = {"max_iter": 8, "tol": 10.0, "n_iter_no_change": 1} | ONE_BY_ONE
        return [
            make(**settings, random_state=state)
            for state in (stream, None, stream, None)
        ]  # fmt: skip

    np.random.seed(9)
    alone = [everything(model) for model in fit(models(5))]
    expected = alone, np.random.rand()

    def go_on(**checkpoint):
        np.random.seed(None if checkpoint["resume"] else 9)
        found = fit(models(None if checkpoint["resume"] else 5), n_jobs=1, **checkpoint)
        return [everything(model) for model in found], np.random.rand()

    found, ends = until_done(go_on, path, monkeypatch, after=37)
    assert len(ends) > 2
    assert_same(found, expected)


def test_another_training_is_refused_before_any_fit(path, monkeypatch):
    fit(members(), checkpoint=path)
    before = path.read_bytes()

    def refused(match, models, x=X, y=NAMES, splits=ROWS):
        with pytest.raises(ValueError, match=match):
            fit_many(models, x, y, splits=splits, checkpoint=path, resume=True)
        assert not any(hasattr(model, "coefs_") for model in models)
        assert path.read_bytes() == before

    refused("y was", members(), y=NAMES[::-1])  # as soon as a fit has encoded its targets
    monkeypatch.setattr(Member, "fit", lambda *_: pytest.fail("a fit"))
    models = members()
    models[3].alpha = 0.5
    refused(r"of another training: alpha was 0\.0001, and is 0\.5", models)
    refused("estimators was 4, and is 3", members()[:3], splits=ROWS[:3])
    refused("X was", members(), x=X + 1)
    refused("rows was", members(), splits=[None] * 4)
    with pytest.raises(ValueError, match=r"many\.ckpt is of another kind of training"):
        make().fit(X, NAMES, checkpoint=path, resume=True)
    with pytest.raises(ValueError, match=r"solver='lbfgs', whose state SciPy keeps"):
        fit_many([make(), make(solver="lbfgs")], X, NAMES, checkpoint=path)
    with pytest.raises(ValueError, match="resume is True without"):
        fit_many([make()], X, NAMES, resume=True)


def test_a_damaged_state_of_one_fit_is_refused_for_all(path):
    """It is no fit that has failed, which the others would go on without."""
    fit(members(), checkpoint=path)
    with CheckpointFile(path, 1.0, True) as file:
        found = file.found
    found["2"]["state"]["order"] = np.zeros(3)
    with CheckpointFile(path, 1.0, False) as file:
        for name, state in found.items():
            file.put(name, lambda state=state: state)
    models = members()
    with pytest.raises(ValueError, match=r"many\.ckpt is damaged \(the order is one of other"):
        fit(models, checkpoint=path, resume=True)
    assert not any(hasattr(model, "coefs_") for model in models)


def test_rows_are_read_once_for_all(path, monkeypatch):
    read = []
    monkeypatch.setattr(checkpoint_file, "of_data", lambda data: read.append(data.shape) or "sum")
    fit(members(), checkpoint=path)
    assert read == [X.shape]


def test_an_interrupt_leaves_what_has_been_done(path, monkeypatch):
    """Ctrl-C, as the caller's thread sees it: all are as before, the file has the latest states."""
    alone = [everything(model) for model in fit(members())]
    models = members(callbacks=[stop_after := Stopper()])
    monkeypatch.setattr("fastmlp.estimators.members._wait", stop_after.wait)
    with pytest.raises(KeyboardInterrupt):
        fit(models, n_jobs=1, checkpoint=path, checkpoint_seconds=1e-9)
    monkeypatch.undo()
    assert not any(hasattr(model, "coefs_") for model in models)
    found = fit(members(callbacks=[Stopper()]), checkpoint=path, resume=True)
    assert_same([everything(model) for model in found], alone)


class Stopper:
    """A callback that interrupts the caller after some epochs."""

    def __init__(self):
        self.n_epochs, self.is_over = 0, threading.Event()

    def __call__(self, epoch, logs):
        self.n_epochs += 1
        if self.n_epochs == 5:
            self.is_over.set()

    def wait(self, *_):
        assert self.is_over.wait(60)
        raise KeyboardInterrupt

    def state_dict(self):
        return {}

    def load_state_dict(self, kept):
        assert kept == {}


def test_regressors_beside_classifiers(path, monkeypatch):
    keep_always(monkeypatch)

    def models():
        settings = {"max_iter": 5, "tol": 10.0, "n_iter_no_change": 1} | ONE_BY_ONE
        return [make(MLPRegressor, **settings), make(MLPRegressor, **settings, dropout=0.1)]

    alone = [everything(model) for model in fit_many(models(), X, NUMBERS)]
    found, ends = until_done(
        lambda **checkpoint: [
            everything(m) for m in fit_many(models(), X, NUMBERS, n_jobs=1, **checkpoint)
        ],
        path, monkeypatch, 19,
    )  # fmt: skip
    assert len(ends) > 2
    assert_same(found, alone)
