"""What a checkpoint of MLP.train holds: each state is needed; when it is written."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest
from checkpoint_networks import DENSE, N_FEATURES, N_ROWS, Halving, everything, make, train
from checkpoint_tools import Ended, assert_same, ending, keep_always, within

from fastmlp import MLP
from fastmlp.checkpoints import file as checkpoint_file
from fastmlp.network.divergence import DivergenceError
from fastmlp.training.run import Run
from fastmlp.training.state import RunState


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


def test_an_interrupted_network_goes_on_where_it_was(path, monkeypatch):
    """In the same session: the object has weights of the run that ended, and learns the rest."""
    keep_always(monkeypatch, most_together=1)  # so that there are more than 30
    alone, network = make(), make()
    train(alone)
    with monkeypatch.context() as patch:
        ending(patch, after=30)
        with pytest.raises(Ended):
            train(network, checkpoint=path, checkpoint_seconds=1e-9)
    assert np.isfinite(network.w1).all()
    train(network, checkpoint=path, resume=True)
    assert_same(everything(network), everything(alone))


def test_a_training_that_diverges_falls_back_to_the_same_weights(path, monkeypatch):
    """The copy to fall back to is from before the callback's weights, with which it diverges."""
    keep_always(monkeypatch)

    class Exploding(Halving):
        def __call__(self, epoch, logs):
            self.n_epochs += 1
            if epoch == 2:
                self.network.w2 = self.network.w2 * np.float32(1e38)

    def go_on(**checkpoint):
        network = make(optimizer="sgd", dropout=0)
        with pytest.raises(DivergenceError) as error:
            train(network, callbacks=[Exploding(network)], epochs=9, **checkpoint)
        if isinstance(error.value.__context__, Ended):
            raise Ended
        return everything(network) | {"epoch": error.value.epoch}

    alone = go_on()
    assert alone["epoch"] == 3
    with monkeypatch.context() as patch:
        ends = ending(patch, after=1)
        while True:
            network = make(optimizer="sgd", dropout=0)
            try:
                train(
                    network, callbacks=[Exploding(network)], epochs=9, checkpoint=path,
                    checkpoint_seconds=1e-9, resume=bool(ends),
                )  # fmt: skip
            except Ended:
                continue
            except DivergenceError as error:
                assert_same(everything(network) | {"epoch": error.epoch}, alone)
                break
    assert any(end["run"][0]["state"]["epoch"] == 2 for end in ends)


def test_what_a_run_falls_back_to_is_kept_after_epochs_taken_together(path, monkeypatch):
    targets = DENSE[:, :4]

    def diverge(**keywords):
        settings = {"optimizer": "sgd", "loss": "squared_error", "activation": "identity"}
        network = MLP(N_FEATURES, 8, 4, 2.0, random_state=1, **settings)
        with pytest.raises((Ended, DivergenceError)) as error:
            network.train(DENSE, targets, 50, N_ROWS, verbose=False, **keywords)
        return network, error.value

    alone, error = diverge()
    # After the first epoch, all others but the last one are taken together.
    keep_always(monkeypatch, most_together=error.epoch - 2)
    assert error.epoch > 3
    with monkeypatch.context() as patch:
        ends = ending(patch, after=2)
        diverge(checkpoint=path, checkpoint_seconds=1e-9)
    assert ends[0]["run"][0]["state"]["epoch"] == error.epoch - 1
    network, _ = diverge(checkpoint=path, resume=True)
    assert_same(everything(network), everything(alone))


# What makes no difference where a run goes on is left alone by a test that leaves it out.
LEFT_OUT = {
    "weights", "biases", "optimizer", "n_steps", "sums", "epoch", "order", "random_state",
    "history", "rate", "curves", "fallback", "n_rows_seen", "loss", "seed",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(LEFT_OUT - {"rate", "curves", "fallback", "n_rows_seen",
                                                     "loss", "seed"}))  # fmt: skip
def test_no_state_can_be_left_out(name, path, monkeypatch):
    """The test for equal bits notices each: it is whole, and the comparison is sharp."""
    keep_always(monkeypatch, most_together=1)
    alone = make()
    train(alone)
    with monkeypatch.context() as patch:
        ends = ending(patch, after=35)  # in the middle of the second epoch
        with pytest.raises(Ended):
            train(make(), checkpoint=path, checkpoint_seconds=1e-9)
    assert ends[0]["run"][0]["state"]["epoch"] == 1
    assert within(ends)
    load = RunState.load_state_dict

    def forgetful(self, kept, trainer):
        fresh = self.state_dict(trainer)
        load(self, dict(kept) | {name: fresh[name]}, trainer)

    with monkeypatch.context() as patch:
        patch.setattr(RunState, "load_state_dict", forgetful)
        network = make()
        train(network, checkpoint=path, resume=True)
    with pytest.raises(AssertionError):
        assert_same(everything(network), everything(alone))
    train(network := make(), checkpoint=path, resume=False)
    assert_same(everything(network), everything(alone))


def test_dropouts_seed_is_kept(path, monkeypatch):
    keep_always(monkeypatch, most_together=1)
    alone = make()
    train(alone)
    with monkeypatch.context() as patch:
        ending(patch, after=35)
        with pytest.raises(Ended):
            train(make(), checkpoint=path, checkpoint_seconds=1e-9)
    monkeypatch.setattr(
        "fastmlp.checkpoints.checkpoint.Checkpoint.seed", lambda self, draw: draw() ^ 1
    )
    network = make()
    train(network, checkpoint=path, resume=True)
    assert not np.array_equal(network.w1, alone.w1)


def test_time_is_counted_on(path, monkeypatch):
    keep_always(monkeypatch, most_together=1)
    with monkeypatch.context() as patch:
        ends = ending(patch, after=35)
        with pytest.raises(Ended):
            train(make(), checkpoint=path, checkpoint_seconds=1e-9)
    state = ends[0]["run"][0]["state"]
    assert 0 < state["epoch_seconds"] < state["seconds"]
    loaded = []
    go_on = Run._go_on

    def recorded(self, trainer):
        loaded.append(go_on(self, trainer))
        loaded.append(time.perf_counter() - self._start)
        return loaded[0]

    monkeypatch.setattr(Run, "_go_on", recorded)
    network = make()
    train(network, checkpoint=path, resume=True)
    assert loaded[0] == state["epoch_seconds"]
    assert loaded[1] >= state["seconds"]
    assert network.history_.seconds[1] >= state["epoch_seconds"]


def test_nothing_is_asked_of_a_training_without_a_checkpoint(monkeypatch):
    for name in ("state_dict", "load_state_dict"):
        monkeypatch.setattr(RunState, name, lambda *_: pytest.fail("asked"))
    monkeypatch.setattr("fastmlp.network.training.of_data", lambda *_: pytest.fail("read"))
    train(make())


def test_files_are_written_now_and_then_only(path, monkeypatch):
    """By the time asked for, and where writes take long, by that."""
    written = []
    write = checkpoint_file.CheckpointFile._write

    def counted(self, start):
        write(self, start)
        written.append(self.pause)

    monkeypatch.setattr(checkpoint_file.CheckpointFile, "_write", counted)
    train(make(), checkpoint=path, checkpoint_seconds=1e6)
    assert len(written) == 1  # the end
    assert os.listdir(path.parent) == ["run.ckpt"]
    assert threading.active_count() >= 1
