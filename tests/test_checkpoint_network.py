"""MLP.train goes on from a checkpoint to the bits of a training that was left alone."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from checkpoint_networks import EPOCHS, KINDS, Halving, Y, everything, make, train
from checkpoint_tools import assert_same, keep_always, until_done, within

import fastmlp


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


CASES = {
    "sgd": {"optimizer": "sgd", "dropout": 0.0},
    "nesterov": {"optimizer": "nesterov", "dtype": "float64"},
    "adamw": {"optimizer": "adamw", "kind": "pixels", "input_scale": 255},
    "csr": {"optimizer": "momentum", "kind": "csr", "dropout": 0.0},
    "parts": {"batch_size": 520, "dropout": 0.3, "activation": ("relu", "gelu")},
}


@pytest.mark.parametrize("case", CASES)
def test_the_bits_are_those_of_a_training_left_alone(case, path, monkeypatch):
    """It ends in the middle of epochs, and goes on with other numbers of threads."""
    keep_always(monkeypatch)
    settings = dict(CASES[case])
    x = KINDS[settings.pop("kind", "dense")]
    batch_size = settings.pop("batch_size", 50)
    keywords = {"x": x, "batch_size": batch_size, "validation_data": (x[:90], Y[:90])}
    alone = make(**settings)
    train(alone, **keywords)
    used = iter([1, 2, 3] * 1000)

    def go_on(**checkpoint):
        network = make(n_threads=next(used), **settings)
        train(network, **keywords, **checkpoint)
        return network

    network, ends = until_done(go_on, path, monkeypatch, after=2 if batch_size > 500 else 15)
    assert len(ends) > 2
    assert within(ends)
    assert_same(everything(network), everything(alone))


def test_the_reference_goes_on_between_epochs(path, monkeypatch):
    keep_always(monkeypatch)
    alone = make(fastmlp.reference.MLP)
    train(alone)

    def go_on(**checkpoint):
        network = make(fastmlp.reference.MLP)
        train(network, **checkpoint)
        return network

    network, ends = until_done(go_on, path, monkeypatch, after=1)
    assert len(ends) == EPOCHS
    assert not within(ends)
    assert_same(everything(network), everything(alone))


def test_a_checkpoint_changes_no_bit(path, monkeypatch):
    keep_always(monkeypatch)
    one, other = make(), make()
    train(one)
    train(other, checkpoint=path, checkpoint_seconds=1e-9)
    assert_same(everything(one), everything(other))


@pytest.mark.parametrize("is_new", [False, True])
def test_generators_of_the_callers_go_on_too(path, monkeypatch, is_new):
    """NumPy's global one, whatever it was when the process began; and one that is given."""
    keep_always(monkeypatch)
    np.random.seed(5)
    network = make(random_state=None)
    train(network)
    expected = everything(network)

    def go_on(**checkpoint):
        np.random.seed(None if checkpoint["resume"] else 5)
        network = make(random_state=None)
        train(network, **checkpoint)
        return network

    assert_same(everything(until_done(go_on, path, monkeypatch, after=11)[0]), expected)
    stream = np.random.RandomState(np.random.PCG64(5)) if is_new else np.random.RandomState(5)
    start = copy.deepcopy(stream)
    expected = make(random_state=stream)
    train(expected)

    def go_on_with(**checkpoint):
        network = make(random_state=copy.deepcopy(start))
        if checkpoint["resume"]:
            network.random_state.rand(7)
        train(network, **checkpoint)
        return network

    path.unlink()
    network = until_done(go_on_with, path, monkeypatch, after=11)[0]
    assert_same(everything(network), everything(expected))


def test_callbacks_go_on_with_rate_and_weights_as_they_left_them(path, monkeypatch):
    keep_always(monkeypatch)

    def go_on(**checkpoint):
        network = make()
        callback = Halving(network)
        train(network, callbacks=[callback], **checkpoint)
        return everything(network) | callback.state_dict()

    alone = go_on()
    assert alone["n_epochs"] == EPOCHS
    for after in (1, 9):
        found, ends = until_done(go_on, path, monkeypatch, after)
        assert len(ends) > 2
        assert_same(found, alone)
        path.unlink()


def test_callbacks_without_states_are_warned_of_once(path):
    network = make()
    callbacks = [lambda *_: None, Halving(network), print]
    with pytest.warns(UserWarning, match=r"nothing of the callbacks .*lambda.*print") as said:
        train(network, callbacks=callbacks, checkpoint=path)
    assert len(said) == 1
    with pytest.raises(ValueError, match=r"run\.ckpt holds states of 1 callbacks, and 0 are"):
        train(make(), checkpoint=path, resume=True)


def test_a_state_that_no_file_can_hold_is_refused_at_once(path):
    network = make()
    callback = Halving(network)
    callback.state_dict = lambda: {"seen": {1, 2}}
    with pytest.raises(TypeError, match=r"state_dict of the callback .*Halving.*\{1, 2\}"):
        train(network, callbacks=[callback], checkpoint=path)
    assert callback.n_epochs == 0


def test_a_callback_that_ends_the_training_leaves_its_weights(path):
    def best(epoch, logs):
        network.w1 = np.ones_like(network.w1)
        return epoch == 2

    network = make()
    with pytest.warns(UserWarning, match="nothing of the callbacks"):
        train(network, callbacks=[best], checkpoint=path)
    again = make()
    train(again, checkpoint=path, resume=True)
    assert len(again.history_.loss) == 2
    assert_same(again.parameters.arrays, network.parameters.arrays)
    assert (again.w1 == 1).all()


def test_a_training_that_has_ended_is_read(path, monkeypatch):
    network, again = make(), make()
    history = train(network, checkpoint=path)

    def refuse(*_):
        pytest.fail("an epoch")

    with monkeypatch.context() as patch:
        patch.setattr("fastmlp.kernels.Trainer.epoch", refuse)
        found = train(again, checkpoint=path, resume=True)
    assert_same(everything(again), everything(network))
    assert found.seconds == history.seconds


def test_epochs_count_all(path):
    longer, again = make(), make()
    train(longer, epochs=5)
    train(make(), checkpoint=path)
    train(again, epochs=5, checkpoint=path, resume=True)
    assert_same(everything(again), everything(longer))
    with pytest.raises(ValueError, match=r"epochs is 4, of all epochs, and .* holds 5: give as"):
        train(make(), epochs=4, checkpoint=path, resume=True)
