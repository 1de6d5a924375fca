"""How a fit of a table goes on and ends: time, history, bar, interrupts."""

from __future__ import annotations

import _thread
import time

import numpy as np
import pytest
from tables_tools import (
    BOTH,
    NUMBERS,
    X,
    both,
    predictions,
)
from test_shown import rows_of

from fastmlp import TableRegressor
from fastmlp.tables.bar import MembersBar
from fastmlp.tables.curves import TableHistory


@pytest.fixture(scope="module", params=BOTH, ids=["classifier", "regressor"])
def fitted(request):
    kind, y = request.param
    return kind(n_members=3, random_state=0).fit(X, y), y


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
def test_max_seconds(kind, y):
    model = kind(n_members=2, max_seconds=0.02, random_state=0).fit(X, y)
    assert all(1 <= len(member.loss) < 128 for member in model.history_.members)
    assert all(member.max_iter < 128 for member in model.members_)  # so that rates fall to the end


def test_a_machine_that_gets_slower_leaves_time_for_the_last_network(monkeypatch):
    told = MembersBar.told

    def slowly(bar, place, epoch, logs):
        time.sleep(0.03 * (place > 0))
        told(bar, place, epoch, logs)

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
    # Losses of the rows alone: AdamW's decay would make them hundreds of times as large.
    assert all(max(member.loss) < 5 for member in history.members)
    assert len(history.plot().axes) == 2
    assert repr(history).startswith("<TableHistory: 3 networks, 384 epochs")
    head, *rows = rows_of(history._repr_html_())
    assert head == [
        "member", "epochs", "best_epoch", "loss", "val_loss", "val_score", "seconds"
    ]  # fmt: skip
    assert [row[:3] for row in rows] == [
        [str(i), "128", str(epoch)] for i, epoch in enumerate(history.best_epochs)
    ]
    assert [row[5] for row in rows] == [f"{score:.4g}" for score in best]
    assert rows_of(TableHistory()._repr_html_()) == [head]


def test_progress(capsys):
    TableRegressor(n_members=2, random_state=0, verbose=True).fit(X, NUMBERS)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all("after 128 epochs" in line for line in lines)
