"""The classes of tables go on from one file to the bits of a fit that was left alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from checkpoint_tools import assert_same, keep_always, until_done

from fastmlp import TableClassifier, TableRegressor
from fastmlp.kernels import Trainer

RNG = np.random.RandomState(0)
X = pd.DataFrame(
    {"age": RNG.rand(120), "plan": RNG.choice(["free", "plus"], 120), "n": RNG.randint(0, 9, 120)}
)
Y = np.where(X["age"] + (X["plan"] == "plus") > 0.9, "stays", "goes")
NUMBERS = X["age"] * 3 + X["n"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.ckpt"


def everything(model, stream):
    members = [
        {"coefs": m.coefs_, "intercepts": m.intercepts_, "history": m.history_.columns()}
        for m in model.members_
    ]
    return members, model.oof_predictions_, model.oof_score_, stream.get_state(legacy=False)


@pytest.mark.parametrize(
    ("kind", "y", "settings"),
    [
        (TableClassifier, Y, {"n_members": 2}),
        (TableRegressor, NUMBERS, {"n_members": 1}),
        (TableClassifier, Y, {"n_members": 2, "trees": True, "max_seconds": 1e6}),
    ],
)
def test_the_bits_are_those_of_a_fit_left_alone(kind, y, settings, path, monkeypatch):
    """Folds and seeds are drawn from a generator that each process finds in another state.

    Where there is time for all epochs, a limit changes nothing.
    """
    keep_always(monkeypatch)
    stream = np.random.RandomState(3)
    model = kind(random_state=stream, **settings).fit(X, y)
    alone = everything(model, stream)
    n_epochs = []

    def go_on(**checkpoint):
        stream = np.random.RandomState(None if checkpoint["resume"] else 3)
        counts = []
        original = Trainer.epoch
        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "epoch", lambda *a: (counts.append(1), original(*a))[1])
            model = kind(
                random_state=stream, n_threads=1 + checkpoint["resume"], **settings
            ).fit(X, y, **checkpoint)  # fmt: skip
        n_epochs.append(len(counts))
        return everything(model, stream)

    found, ends = until_done(go_on, path, monkeypatch, after=9 if len(alone[0]) > 1 else 50)
    assert len(ends) > 1
    assert_same(found, alone)
    assert_same(go_on(checkpoint=path, resume=True), alone)
    assert n_epochs[-1] == 0


def test_another_table_is_refused(path):
    model = TableClassifier(n_members=2, random_state=0).fit(X, Y, checkpoint=path)
    members = model.members_
    for other, data, message in (
        (TableClassifier(n_members=3, random_state=0), (X, Y), "n_members was 2, and is 3"),
        (TableRegressor(n_members=2, random_state=0), (X, NUMBERS), "class was 'TableClassifier'"),
        (model, (X.assign(n=X["n"] + 1.5 * X["age"]), Y), "X was"),
        (model, (X, Y[::-1]), "was"),
    ):
        with pytest.raises(ValueError, match=rf"table\.ckpt is of another training: .*{message}"):
            other.fit(*data, checkpoint=path, resume=True)
    assert model.members_ is members
    with pytest.raises(ValueError, match="resume is True without"):
        TableClassifier().fit(X, Y, resume=True)
