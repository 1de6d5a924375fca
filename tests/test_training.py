"""One run of epochs: the loop that both front ends share, and what hangs on it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from estimator_tools import quiet

from fastmlp import MLP, MLPClassifier, reference
from fastmlp.parameters import Parameters
from fastmlp.training.fallback import Fallback
from fastmlp.training.run import Run
from fastmlp.training.schedules import TOO_SMALL, Adaptive, Cosine, CosLog, InverseScaling, Schedule
from fastmlp.training.stopping import Stopping

X = np.random.RandomState(0).rand(40, 3)
Y = np.arange(40) % 2
FRONT_ENDS = {
    "MLP": lambda: MLP(3, 4, 2, random_state=0).train(X, Y, 3, verbose=False),
    "reference.MLP": lambda: reference.MLP(3, 4, 2, random_state=0).train(X, Y, 3, verbose=False),
    "adam": lambda: quiet(MLPClassifier(max_iter=3, random_state=0), X, Y),
    "lbfgs": lambda: quiet(MLPClassifier(solver="lbfgs", max_iter=3, random_state=0), X, Y),
    "partial_fit": lambda: MLPClassifier(random_state=0).partial_fit(X, Y, classes=[0, 1]),
}


def parameters(value: float = 0.0) -> Parameters:
    return Parameters([np.full((3, 2), value)], [np.full((1, 2), value)])


def after(stopping: Stopping, *figures: float) -> list[bool]:
    """What a run's epochs bring: whether it has stalled after each."""
    name = stopping.monitor
    return [
        stopping.end_epoch(epoch, {name: figure}, parameters(epoch))
        for epoch, figure in enumerate(figures, start=1)
    ]


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_all_runs_take_the_same_loop(name, monkeypatch):
    ended = []
    original = Run.end_epoch

    def end_epoch(self, logs):
        original(self, logs)
        ended.append((self.state.epoch, self.state.loss))

    monkeypatch.setattr(Run, "end_epoch", end_epoch)
    FRONT_ENDS[name]()
    assert [epoch for epoch, _ in ended] == list(range(1, 2 if name == "partial_fit" else 4))
    assert all(math.isfinite(loss) for _, loss in ended)


@pytest.mark.parametrize("makes_unsound", [False, True])
@pytest.mark.parametrize("network_type", [MLP, reference.MLP])
def test_epochs_taken_together_equal_those_taken_alone(network_type, makes_unsound, monkeypatch):
    """Also where a block is taken back, for what its parameters might be."""
    networks = [network_type(3, 4, 2, random_state=np.random.RandomState(1)) for _ in range(2)]
    together, alone = networks
    engine, calls = together.engine, []
    original = engine.Trainer.epochs

    def epochs(trainer, orders, *rest):
        calls.append(len(orders))
        return original(trainer, orders, *rest)

    monkeypatch.setattr(engine.Trainer, "epochs", epochs)
    if makes_unsound:
        monkeypatch.setattr(engine.Trainer, "is_finite", lambda trainer: False)
    together.train(X, Y, 50, 10, verbose=False)
    assert sum(n > 1 for n in calls) == 1 if makes_unsound else max(calls) > 1
    alone.train(X, Y, 50, 10, verbose=False, callbacks=[lambda *_: None])
    for name in ("loss", "mean_loss"):
        assert getattr(together.history_, name) == getattr(alone.history_, name)
    for a, b in zip(together.parameters.arrays, alone.parameters.arrays, strict=True):
        np.testing.assert_array_equal(a, b)
    assert together.random_state.rand() == alone.random_state.rand()


@pytest.mark.parametrize("network_type", [MLP, reference.MLP])
def test_an_interrupt_between_epochs_taken_together_leaves_those_before(network_type, monkeypatch):
    original = Run.end_epoch
    for n_epochs in (1, 2, 3, 10, 30, 50):  # the first epoch is taken alone, the last is a block's

        def end_epoch(self, logs, n_epochs=n_epochs):
            original(self, logs)
            if self.state.epoch == n_epochs:
                raise KeyboardInterrupt

        network, expected = (network_type(3, 4, 2, random_state=1) for _ in range(2))
        with monkeypatch.context() as patch:
            patch.setattr(Run, "end_epoch", end_epoch)
            with pytest.raises(KeyboardInterrupt):
                network.train(X, Y, 50, 10, verbose=False)
        expected.train(X, Y, n_epochs, 10, verbose=False)
        assert network.history_.loss == expected.history_.loss
        for a, b in zip(network.parameters.arrays, expected.parameters.arrays, strict=True):
            np.testing.assert_array_equal(a, b)


def test_ties_are_improvements_with_a_tolerance_only():
    with_tol, without = Stopping(1, tol=0.0), Stopping(1)
    assert after(with_tol, 1.0, 1.0, 1.0, 1.0) == [False] * 4
    assert after(without, 1.0, 1.0, 1.0, 1.0) == [False, False, True, True]
    assert (without.best, without.best_epoch) == (1.0, 1)
    assert after(Stopping(1, tol=0.5), 2.0, 1.4, 1.2, 1.1, 1.05) == [False] * 3 + [True] * 2


def test_a_score_is_the_better_the_higher_it_is():
    stopping = Stopping(1, "val_score", tol=0.0, keeps=True)
    assert after(stopping, 0.5, 0.9, 0.8, 0.7) == [False, False, False, True]
    assert (stopping.best, stopping.best_epoch) == (-0.9, 2)
    assert stopping.best_parameters is not None
    assert stopping.best_parameters.weights[0][0, 0] == 2.0


@pytest.mark.parametrize("patience", [1, 3])
def test_no_run_stalls_within_what_is_safe(patience):
    stopping = Stopping(patience)
    for epoch in range(20):
        n_safe = stopping.n_safe
        copy = Stopping(**vars(stopping))
        has_stalled = after(copy, *[1.0 + epoch] * n_safe)
        assert not any(has_stalled[:-1])
        if stopping.end_epoch(epoch, {"loss": 1.0}, parameters()):
            break
    else:
        pytest.fail("the run has not stalled")


def test_not_a_number_is_no_improvement_but_for_scikit_learn():
    assert after(Stopping(0), math.nan) == [True]
    assert after(Stopping(0, tol=0.1), math.nan) == [False]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_run_that_diverges_falls_back(bad):
    network = parameters(1.0)
    fallback = Fallback(network)
    network.weights[0][...] = 2.0
    assert fallback.update(0.5)
    network.weights[0][...], network.biases[0][0, 1] = 3.0, bad
    assert not fallback.update(0.5)
    assert (network.weights[0] == 2.0).all()
    assert (network.biases[0] == 1.0).all()
    network.weights[0][...] = 4.0
    assert not fallback.update(bad)
    assert (network.weights[0] == 2.0).all()


def test_schedules():
    constant = Schedule(0.5)
    constant.end_epoch(10)
    assert (constant.of_epoch(3), constant.left, constant.stall()) == (0.5, 0.5, None)
    scaled = InverseScaling(0.5, power=0.5, n_rows_seen=0)
    scaled.end_epoch(3)
    assert (scaled.of_epoch(1), scaled.left) == (0.25, 0.5)
    adaptive = Adaptive(0.5, rate=0.1)
    assert "0.020000" in str(adaptive.stall())
    assert adaptive.left == adaptive.of_epoch(0) == pytest.approx(0.02)
    adaptive.rate = TOO_SMALL
    assert adaptive.stall() is None
    rates = np.concatenate([Cosine(0.5, n_epochs=2, n_steps=2).of_epoch(e) for e in (0, 1)])
    np.testing.assert_allclose(rates, 0.25 * (1 + np.cos(np.pi / 4 * np.arange(4))))


def test_coslog_has_four_cycles_each_twice_as_long():
    schedule = CosLog(0.5, n_epochs=150, n_steps=2)
    rates = np.concatenate([schedule.of_epoch(epoch) for epoch in range(150)])
    places = np.array([1, 3, 7]) * 20  # of t = 1/15, 3/15 and 7/15 in 300 steps
    np.testing.assert_allclose(rates[[0, *places]], 0, atol=1e-12)
    tops = np.flatnonzero((rates[1:-1] > rates[:-2]) & (rates[1:-1] >= rates[2:])) + 1
    assert len(tops) == 4
    np.testing.assert_allclose(rates[tops], 0.5, rtol=0.01)
    expected = 0.25 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * 45 / 300)))
    np.testing.assert_allclose(rates[45], expected, rtol=1e-12)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_interrupt_while_parameters_are_exported_leaves_all_figures(early_stopping, monkeypatch):
    """The curve, the counts and the best figure go together, as a warm start needs them."""
    from fastmlp.kernels import Trainer

    model = MLPClassifier(max_iter=4, early_stopping=early_stopping, random_state=0)
    exports = []

    def export(self):
        exports.append(self)
        if len(exports) == 1 + 2 * early_stopping:  # at the run's end; or after its third epoch
            raise KeyboardInterrupt
        original(self)

    original = Trainer.export
    monkeypatch.setattr(Trainer, "export", export)
    try:
        with pytest.warns(UserWarning, match="Training interrupted|Maximum iterations"):
            model.fit(X, Y)
    except KeyboardInterrupt:
        assert not early_stopping
    n_rows = 36 if early_stopping else 40
    assert model.n_iter_ == len(model.loss_curve_) == (3 if early_stopping else 4)
    assert model.t_ == n_rows * model.n_iter_
    assert model.loss_ == model.loss_curve_[-1]
    best = model.best_validation_score_ if early_stopping else model.best_loss_
    assert math.isfinite(best)


def test_a_warm_start_counts_its_epochs_anew_before_the_first_one(monkeypatch):
    seen = []
    original = Run.begin_epoch

    def begin_epoch(self):
        seen.append(model.n_iter_)
        original(self)

    monkeypatch.setattr(Run, "begin_epoch", begin_epoch)
    model = MLPClassifier(
        max_iter=2, warm_start=True, random_state=0, callbacks=[lambda epoch, logs: None]
    )
    quiet(quiet(model, X, Y), X, Y)
    assert seen == [0, 1, 0, 1]
