"""A fit of a table that has its time: the clock goes on in the next process."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from checkpoint_tools import Ended, assert_same, keep_always
from tables_tools import LABELS, NUMBERS, X, predictions

from fastmlp import TableClassifier, TableRegressor
from fastmlp.checkpoints.file import CheckpointFile
from fastmlp.tables import base, clock, fits

TRIED = 3  # epochs, before the first network that is planned


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.ckpt"


@pytest.fixture
def process(monkeypatch):
    """A clock by which an epoch takes a second, and what ends a process within its last one."""
    keep_always(monkeypatch)
    now = SimpleNamespace(seconds=0.0, n_epochs=0, last=None)
    enter, told = fits._Turn.__enter__, fits._Turn.__call__

    def go_on():
        if now.n_epochs == now.last:
            raise Ended

    def tell(self, epoch, logs):
        now.seconds += 1
        now.n_epochs += 1
        go_on()
        return told(self, epoch, logs)

    monkeypatch.setattr(fits._Turn, "__enter__", lambda self: (go_on(), enter(self)))
    monkeypatch.setattr(fits._Turn, "__call__", tell)
    monkeypatch.setattr(clock, "time", SimpleNamespace(perf_counter=lambda: now.seconds))
    return now


def begin(process, last=None):
    """Let a process begin, whose clock is another one; return what tells its seconds."""
    # Whole seconds: sums of them are exact, and a share ends with the same epoch in each process.
    process.seconds, process.n_epochs, process.last = float(np.random.randint(1000)), 0, last
    first = process.seconds
    return lambda: process.seconds - first


def regressor(**settings):
    return TableRegressor(
        **{"n_members": 3, "max_seconds": 60, "n_threads": 1, "random_state": 0} | settings
    )


def n_epochs(model):
    return [len(member.loss) for member in model.history_.members]


def end(process, path, last, **settings):
    """Have a process end within an epoch of its own."""
    begin(process, last)
    with pytest.raises(Ended):
        regressor(**settings).fit(X, NUMBERS, checkpoint=path, checkpoint_seconds=1e-9)


@pytest.mark.parametrize("last", [TRIED + 19, TRIED + 25, TRIED + 37])
def test_the_clock_goes_on(last, path, process):
    """Those that had begun end as if nothing had happened, the others have what time is left."""
    begin(process)
    alone = regressor().fit(X, NUMBERS)
    assert n_epochs(alone) == [18, 18, 19]  # 95 % of shares of 57, 39 and 21 s
    end(process, path, last)
    seconds = begin(process)
    model = regressor().fit(X, NUMBERS, checkpoint=path, resume=True)
    # An epoch that was not at its end when the process was is no part of what is kept.
    assert 50 < last - 1 + seconds() <= 60
    n_whole = 1 + (last > TRIED + 19)
    for one, other in zip(model.members_[:n_whole], alone.members_[:n_whole], strict=True):
        assert_same([one.coefs_, one.history_.columns()], [other.coefs_, other.history_.columns()])
    seconds = begin(process)
    again = regressor().fit(X, NUMBERS, checkpoint=path, resume=True)
    assert seconds() == 0
    np.testing.assert_array_equal(predictions(again), predictions(model))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"max_seconds": 10}, [18, 6, 1]), ({"max_seconds": None}, [18, 18, 128])],
)
def test_other_time_is_for_those_that_have_not_begun(settings, expected, path, process):
    """The one that had begun keeps its plan, but ends where no time is left."""
    end(process, path, TRIED + 18 + 6)
    begin(process)
    model = regressor(**settings).fit(X, NUMBERS, checkpoint=path, resume=True)
    assert n_epochs(model) == expected


def test_a_limit_can_come_later(path, process):
    """The one that had begun with all its epochs has its share of the time: 66 s of the 132."""
    end(process, path, 128 + 6, max_seconds=None)
    begin(process)
    limited = regressor(max_seconds=128 + 5 + TRIED + 132)
    assert n_epochs(limited.fit(X, NUMBERS, checkpoint=path, resume=True)) == [128, 5 + 67, 61]


def test_a_trial_leaves_no_trace(path, monkeypatch):
    """No checkpoint hears of it, and no generator is drawn from."""
    settings = {"n_members": 2, "random_state": 0}
    alone = TableRegressor(**settings).fit(X, NUMBERS)
    put, try_epochs, names, tried = CheckpointFile.put, base.seconds_an_epoch, [], []

    def try_watched(*arguments):
        before = len(names), np.random.get_state()[1].tobytes()
        seconds = try_epochs(*arguments)
        assert (len(names), np.random.get_state()[1].tobytes()) == before
        tried.append(seconds)
        return seconds

    monkeypatch.setattr(
        CheckpointFile, "put", lambda *args, **more: (names.append(args[1]), put(*args, **more))
    )
    monkeypatch.setattr(base, "seconds_an_epoch", try_watched)
    model = TableRegressor(**settings, max_seconds=1e6).fit(X, NUMBERS, checkpoint=path)
    assert set(names) == {"table", "all", "0", "1"}
    assert len(tried) == 1
    for one, other in zip(model.members_, alone.members_, strict=True):
        assert_same([one.coefs_, one.history_.columns()], [other.coefs_, other.history_.columns()])


@pytest.mark.parametrize(("then", "now"), [(0.02, 600), (600, 0.02)])
def test_trees_are_those_of_the_beginning(then, now, path):
    settings = {"n_members": 2, "trees": True, "random_state": 0}
    has_none = pytest.warns(UserWarning, match="the trees are left out, since")
    with has_none if then < 1 else pytest.MonkeyPatch.context():
        model = TableClassifier(**settings, max_seconds=then).fit(X, LABELS, checkpoint=path)
    has_none = pytest.warns(UserWarning, match="the trees are left out, as they were when")
    with has_none if then < 1 else pytest.MonkeyPatch.context():
        again = TableClassifier(**settings, max_seconds=now).fit(
            X, LABELS, checkpoint=path, resume=True
        )
    assert [found is None for found in again.trees_] == [then < 1] * 2
    np.testing.assert_array_equal(predictions(again), predictions(model))


def test_an_end_before_the_trees_loses_nothing(path, monkeypatch):
    def fit(**more):
        model = TableClassifier(n_members=2, trees=True, max_seconds=600, random_state=0)
        return model.fit(X, LABELS, checkpoint=path, **more)

    def end(*_):
        raise Ended

    model = fit()
    with monkeypatch.context() as patch:
        patch.setattr(base, "plain", end)
        with pytest.raises(Ended):
            fit(resume=True)
    np.testing.assert_array_equal(predictions(fit(resume=True)), predictions(model))


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        (lambda found: found["0"]["fingerprint"].update(max_iter=0), "max_iter was 0, and is"),
        (lambda found: found["1"]["fingerprint"].update(max_iter=10**9), "max_iter was 1000000000"),
        (lambda found: found["1"]["fingerprint"].pop("max_iter"), "damaged"),
        (lambda found: found["1"]["state"].update(callbacks=[{"seconds": -1.0}]), "damaged"),
        (lambda found: found["1"]["state"].update(callbacks=[{}]), "damaged"),
    ],
)
def test_a_forged_plan_or_clock_is_refused(forge, message, path):
    model = TableRegressor(n_members=2, max_seconds=0.02, random_state=0)
    model.fit(X, NUMBERS, checkpoint=path)
    with CheckpointFile(path, 1.0, True) as file:
        found = file.found
    forge(found)
    with CheckpointFile(path, 1.0, False) as file:
        for name, state in found.items():
            file.put(name, lambda state=state: state)
    with pytest.raises(ValueError, match=rf"table\.ckpt is .*{message}"):
        model.fit(X, NUMBERS, checkpoint=path, resume=True)
