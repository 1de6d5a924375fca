"""A training that runs away stops, and leaves the last epoch that did not."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from network_tools import X, Y, assert_same_parameters, make_network, parameters
from numpy.testing import assert_array_equal

import fastmlp
from fastmlp import reference
from fastmlp.network.divergence import DivergenceError
from fastmlp.training import epochs

HUGE = {"float32": 1e30, "float64": 1e200}


@pytest.mark.parametrize("dtype", HUGE)
def test_divergence_in_the_first_epoch_leaves_the_first_weights(mlp_class, dtype, capsys):
    network = make_network(mlp_class, learning_rate=HUGE[dtype], dtype=dtype)
    first = [a.copy() for a in parameters(network)]
    calls = []
    with pytest.raises(
        DivergenceError, match=r"diverged in epoch 1 .*: scale the inputs"
    ) as caught:
        network.train(X, Y, 3, lambda_reg=0, callbacks=[lambda *_: calls.append(1)])
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, FloatingPointError)
    assert "\n" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    for array, kept in zip(parameters(network), first, strict=True):
        assert_array_equal(array, kept)
    assert network.history_.loss == calls == []
    assert "nan" not in capsys.readouterr().out


@pytest.mark.parametrize("dtype", HUGE)
def test_later_divergence_leaves_the_epochs_before(mlp_class, dtype):
    network, expected = (make_network(mlp_class, dtype=dtype) for _ in range(2))

    def run_away(epoch, logs):
        if epoch == 2:
            network.w1, network.w2 = network.w1 * HUGE[dtype], network.w2 * HUGE[dtype]
            network.learning_rate = 0.5

    with pytest.raises(
        DivergenceError, match=r"in epoch 3 .*smaller learning_rate than 0.5;.*after epoch 2$"
    ):
        network.train(X, Y, 5, verbose=False, callbacks=[run_away])
    expected.train(X, Y, 2, verbose=False)
    assert network.history_.loss == expected.history_.loss
    assert_same_parameters(network, expected, rtol=0, atol=0)
    assert_array_equal(network.predict(X), expected.predict(X))


@pytest.mark.parametrize(("dtype", "rate"), [("float32", 1e38), ("float64", 1e308)])
def test_weights_alone_may_diverge(mlp_class, dtype, rate):
    """The loss is that before an epoch's last update."""
    network = make_network(mlp_class, dtype=dtype, learning_rate=rate)
    first = network.w2.copy()
    with pytest.raises(
        DivergenceError, match=r"epoch 1 .a weight is not finite.: .*before the first"
    ):
        network.train(X * 1e6, Y, 3, len(X), lambda_reg=0, verbose=False)
    assert_array_equal(network.w2, first)


def test_one_huge_value_is_no_silent_divergence(mlp_class):
    rows = X.astype(np.float32)
    rows[3, 2] = 1e30
    network = make_network(mlp_class, learning_rate=0.1)
    with pytest.raises(DivergenceError, match=r"in epoch 2 .loss nan.: scale the inputs"):
        network.train(rows, Y, 5, verbose=False)
    assert all(np.isfinite(a).all() for a in parameters(network))


def test_an_interrupt_after_divergence_leaves_finite_weights(mlp_class, monkeypatch):
    network, expected = make_network(mlp_class), make_network(mlp_class)
    engine_epoch = network.engine.Trainer.epoch
    epochs = []

    def interrupted(trainer, order, between):
        epochs.append(1)
        if len(epochs) == 3:
            trainer.learning_rate = 1e200
            engine_epoch(trainer, order, between)
            raise KeyboardInterrupt
        return engine_epoch(trainer, order, between)

    monkeypatch.setattr(network.engine.Trainer, "epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        network.train(X, Y, 5, verbose=False, callbacks=[lambda *_: None])  # epochs one by one
    monkeypatch.undo()
    expected.train(X, Y, 2, verbose=False)
    assert_same_parameters(network, expected, rtol=0, atol=0)


@pytest.mark.parametrize("most", [50, 11])
def test_epochs_that_are_taken_together_diverge_as_one_by_one(mlp_class, most, monkeypatch):
    """The loss grows slowly until it is infinite, in the middle of a block or at its start."""
    monkeypatch.setattr(epochs, "LONGEST", most)
    together, one_by_one = (
        make_network(
            mlp_class, loss="squared_error", activation="identity", learning_rate=2.0,
            random_state=np.random.RandomState(1),
        )
        for _ in range(2)
    )  # fmt: skip
    targets, blocks, errors = np.random.RandomState(0).rand(len(X), 3), [], []
    trainer = together.engine.Trainer
    original = trainer.epochs
    monkeypatch.setattr(
        trainer, "epochs", lambda *args: (blocks.append(len(args[1])), original(*args))[1]
    )
    for network, callbacks in ((together, []), (one_by_one, [lambda *_: None])):
        with pytest.raises(DivergenceError) as caught:
            network.train(X, targets, 50, len(X), verbose=False, callbacks=callbacks)
        errors.append(str(caught.value))
    assert max(blocks) > 1
    assert errors[0] == errors[1]
    assert len(together.history_.loss) == 12
    assert together.history_.loss == one_by_one.history_.loss
    assert together.history_.mean_loss == one_by_one.history_.mean_loss
    assert_same_parameters(together, one_by_one, rtol=0, atol=0)
    assert together.random_state.rand() == one_by_one.random_state.rand()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["w1", "b1", "w2", "b2"])
@pytest.mark.parametrize(
    "method", ["train", "predict", "predict_proba", "forward", "score", "save"]
)
def test_weights_that_are_not_finite_are_refused(mlp_class, method, name, value, tmp_path):
    network = make_network(mlp_class)
    getattr(network, name)[0, 1] = value
    path = tmp_path / "m.safetensors"
    arguments = {"save": (path,), "train": (X, Y), "score": (X, Y)}.get(method, (X,))
    with pytest.raises(ValueError, match=f"^{name} holds NaN or infinity"):
        getattr(network, method)(*arguments)
    assert not path.exists()


def test_files_with_such_weights_are_refused(mlp_class, tmp_path, monkeypatch):
    network = make_network(mlp_class)
    network.w2[1, 1] = np.nan
    with monkeypatch.context() as patch:
        patch.setattr(fastmlp.checks, "as_finite", lambda *_: None)
        network.save(tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match=r"m\.safetensors .*: w2 holds NaN or infinity"):
        mlp_class.load(tmp_path / "m.safetensors")


def test_bare_weights_are_checked_too():
    network = make_network(reference.MLP)
    network.b2[0, 0] = np.inf
    with pytest.raises(ValueError, match=r"^b2 holds NaN or infinity"):
        fastmlp.make_prediction(X, network.w1, network.b1, network.w2, network.b2)
