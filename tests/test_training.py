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
