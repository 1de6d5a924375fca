"""MLP.train refuses the checkpoint of another training, by what differs, and wrong arguments."""

from __future__ import annotations

import numpy as np
import pytest
from checkpoint_networks import DENSE, EPOCHS, N_FEATURES, Y, everything, make, train
from checkpoint_tools import assert_same, keep_always

import fastmlp
from fastmlp import MLP


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


OTHERS = {
    "optimizer": lambda k: train(make(optimizer="adamw"), **k),
    "dropout": lambda k: train(make(dropout=0.1), **k),
    "layer_sizes": lambda k: train(MLP(N_FEATURES, 16, 4, 0.01, optimizer="adam"), **k),
    "dtype": lambda k: train(make(dtype="float64"), **k),
    "learning_rate": lambda k: MLP(N_FEATURES, (16, 12), 4, 0.02, optimizer="adam", dropout=0.2)
    .train(DENSE, Y, EPOCHS, 50, verbose=False, **k),
    "batch_size": lambda k: train(make(), batch_size=51, **k),
    "lambda_reg": lambda k: train(make(), lambda_reg=0.01, **k),
    "x_train": lambda k: train(make(), x=DENSE + np.float32(1e-3), **k),
    "y_train": lambda k: make().train(DENSE, Y[::-1], EPOCHS, 50, verbose=False, **k),
    "validation_data": lambda k: train(make(), validation_data=(DENSE, Y), **k),
    "class_names": lambda k: train(make(), class_names=[*"abcd"], **k),
    "engine": lambda k: train(make(fastmlp.reference.MLP), **k),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_another_training_is_refused_by_what_differs(name, path, monkeypatch):
    train(make(), checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"run\.ckpt is of another training: {name} was .*, and"):
        OTHERS[name]({"checkpoint": path, "resume": True})
    assert path.read_bytes() == before
    monkeypatch.setattr("fastmlp.checkpoints.checkpoint.__version__", "9.9")
    with pytest.raises(ValueError, match=r"fastmlp was '.*', and is '9\.9'"):
        train(make(), checkpoint=path, resume=True)


def test_what_is_refused_changes_nothing(path):
    train(make(), checkpoint=path)
    network = make(dtype="float64")
    before = everything(network), vars(network).copy()
    with pytest.raises(ValueError, match="dtype was 'float32'"):
        train(network, checkpoint=path, resume=True)
    assert_same(everything(network), before[0])
    assert all(vars(network)[name] is value for name, value in before[1].items())


ARGUMENTS = {
    "resume is True without": ({"resume": True}, ValueError),
    "resume is 1": ({"resume": 1, "checkpoint": "x"}, TypeError),
    "checkpoint_seconds is 0": ({"checkpoint": "x", "checkpoint_seconds": 0}, ValueError),
    "checkpoint_seconds is 'x'": ({"checkpoint_seconds": "x"}, TypeError),
    "checkpoint is 3": ({"checkpoint": 3}, TypeError),
    "checkpoint is ''": ({"checkpoint": ""}, TypeError),
}


@pytest.mark.parametrize("message", ARGUMENTS)
def test_arguments_that_make_no_sense_are_refused(message):
    keywords, error = ARGUMENTS[message]
    with pytest.raises(error, match=message):
        train(make(), **keywords)


def test_one_training_has_the_file(path, monkeypatch):
    """Another one that is begun meanwhile, in this process or in another, is refused."""
    refused = []

    class Other:
        def __call__(self, epoch, logs):
            with pytest.raises(RuntimeError, match="of a training that is running"):
                train(make(), checkpoint=path, resume=True)
            refused.append(epoch)

        def state_dict(self):
            return {}

        def load_state_dict(self, kept):
            pass

    train(make(), checkpoint=path, callbacks=[Other()])
    assert refused == [1, 2, 3]


def test_a_write_that_fails_ends_no_training(tmp_path, monkeypatch):
    keep_always(monkeypatch)
    path = tmp_path / "folder" / "run.ckpt"
    path.parent.mkdir()
    alone = make()
    train(alone)
    network = make()
    monkeypatch.setattr("os.replace", _refuse)
    with pytest.warns(UserWarning, match="the training goes on, but not its checkpoint") as said:
        train(network, checkpoint=path, checkpoint_seconds=1e-9)
    assert len(said) == 1
    assert_same(everything(network), everything(alone))
    assert not list(path.parent.iterdir())


def _refuse(*_):
    raise PermissionError(13, "Permission denied")
