"""Each state of a checkpoint is needed: without it, the bits that a fit goes on to are others."""

from __future__ import annotations

import pytest
from checkpoint_tools import Ended, assert_same, ending, keep_always
from estimator_tools import quiet
from test_checkpoint_estimators import CLASSES, NAMES, ONE_BY_ONE, STOPPING, X, everything, make

from fastmlp.training.state import RunState


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


def left_out(name, settings, data, path, monkeypatch, after=33):
    """Whether a fit that goes on without a state comes out otherwise."""
    keep_always(monkeypatch)
    alone = quiet(make(**settings), **data)
    with monkeypatch.context() as patch:
        ends = ending(patch, after)
        with pytest.raises(Ended):
            quiet(make(**settings), **data, checkpoint=path, checkpoint_seconds=1e-9)
    assert ends[0]["run"][0]["state"]["epoch"] > 0
    with monkeypatch.context() as patch:
        forget(name, patch)
        model = quiet(make(**settings), **data, checkpoint=path, resume=True)
    return differ(model, alone)


def forget(name, monkeypatch):
    """Have fits that go on begin one of their states anew."""
    load = RunState.load_state_dict

    def forgetful(self, kept, trainer):
        fresh = self.state_dict(trainer)
        load(self, dict(kept) | ({} if name is None else {name: fresh[name]}), trainer)

    monkeypatch.setattr(RunState, "load_state_dict", forgetful)


def differ(model, other):
    try:
        assert_same(everything(model), everything(other))
    except AssertionError:
        return True
    return False


ADAPTIVE = {"solver": "sgd", "learning_rate": "adaptive", "tol": 10.0, "n_iter_no_change": 1,
            "max_iter": 8}  # fmt: skip
NEEDED = {
    "weights": {}, "biases": {}, "optimizer": {}, "n_steps": {}, "epoch": {}, "sums": {},
    "n_rows_seen": {}, "order": {}, "random_state": {}, "history": {}, "curves": {},
    "stopping": STOPPING, "rate": ADAPTIVE,
}  # fmt: skip


@pytest.mark.parametrize("name", [None, *NEEDED])
def test_no_state_can_be_left_out(name, path, monkeypatch):
    """The test for equal bits notices each: it is whole, and the comparison is sharp."""
    settings = ONE_BY_ONE | ({} if name is None else NEEDED[name])
    after = 130 if name == "rate" else 70 if name == "stopping" else 33
    differs = left_out(name, settings, CLASSES[1], path, monkeypatch, after)
    assert differs == (name is not None)


@pytest.mark.parametrize("name", [None, "loss"])
def test_the_loss_of_a_fit_that_has_ended_can_not_be_left_out(name, path, monkeypatch):
    """Where an epoch follows, it is that one's."""
    model = quiet(make(), X, NAMES, checkpoint=path)
    forget(name, monkeypatch)
    again = quiet(make(), X, NAMES, checkpoint=path, resume=True)
    assert differ(again, model) == (name is not None)


def test_the_rows_to_validate_with_are_kept(path, monkeypatch):
    """They are drawn before the first epoch; without them, those of the file are missed."""
    keep_always(monkeypatch)
    with monkeypatch.context() as patch:
        ending(patch, after=33)
        with pytest.raises(Ended):
            quiet(make(random_state=None, **STOPPING), X, NAMES, checkpoint=path,
                  checkpoint_seconds=1e-9)  # fmt: skip
    monkeypatch.setattr(
        "fastmlp.checkpoints.checkpoint.Checkpoint.rewind", lambda self, random_state: None
    )
    with pytest.raises(ValueError, match="of another training: X_val was"):
        make(random_state=None, **STOPPING).fit(X, NAMES, checkpoint=path, resume=True)
