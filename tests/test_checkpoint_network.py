"""MLP.train goes on from a checkpoint to the bits of a training that was left alone."""

from __future__ import annotations

import copy
import os
import threading
import time

import numpy as np
import pytest
import scipy.sparse as sp
from checkpoint_tools import Ended, assert_same, ending, keep_always, until_done, within

import fastmlp
from fastmlp import MLP
from fastmlp.checkpoints import file as checkpoint_file
from fastmlp.network.divergence import DivergenceError
from fastmlp.training.run import Run
from fastmlp.training.state import RunState

RNG = np.random.RandomState(0)
N_ROWS, N_FEATURES = 1100, 20
DENSE = RNG.rand(N_ROWS, N_FEATURES).astype(np.float32)
PIXELS = RNG.randint(0, 256, DENSE.shape).astype(np.uint8) * (DENSE < 0.3)
KINDS = {
    "dense": DENSE,
    "pixels": PIXELS,
    "csr": sp.csr_array(PIXELS / 255.0),
}
Y = (DENSE @ RNG.randn(N_FEATURES, 4)).argmax(axis=1)
EPOCHS = 3


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.ckpt"


def make(mlp_class=MLP, **settings):
    settings = {"random_state": 3, "optimizer": "adam", "dropout": 0.2} | settings
    return mlp_class(N_FEATURES, (16, 12), 4, 0.01, **settings)


def train(network, x=DENSE, epochs=EPOCHS, batch_size=50, **keywords):
    return network.train(x, Y, epochs, batch_size, verbose=False, **keywords)


def everything(network):
    """All that a training leaves."""
    stream = np.random if network.random_state is None else network.random_state
    return {
        "parameters": [*network.parameters.arrays],
        "history": network.history_.columns(),
        "stream": stream.get_state(legacy=False),
        "learning_rate": network.learning_rate,
    }


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


class Halving:
    """Halves the learning rate, and counts; what it remembers is kept."""

    def __init__(self, network):
        self.network, self.n_epochs, self.sums = network, 0, np.zeros(2)

    def __call__(self, epoch, logs):
        self.n_epochs += 1
        self.sums[epoch % 2] += logs["loss"]
        self.network.learning_rate /= 2
        self.network.w1[0, :] = self.n_epochs

    def state_dict(self):
        return {"n_epochs": self.n_epochs, "sums": self.sums}

    def load_state_dict(self, kept):
        self.n_epochs, self.sums = kept["n_epochs"], kept["sums"].copy()


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
