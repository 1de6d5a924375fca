"""The share of a core's peak that the peers harness prints: its operations, counted by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from benchmarks.peers import machine, pair, peak
from benchmarks.peers.estimators import Fit, Table
from benchmarks.peers.peak import OfPeak
from benchmarks.peers.rows import lbfgs
from benchmarks.peers.worker import Worker
from fastmlp import MLPClassifier, profiling

SIZES = (16, 5, 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_operations_of_a_small_net_are_those_counted_by_hand(dtype: str) -> None:
    dense = np.ones((4, 16), dtype)
    # Two operations a row and weight. Layer 1 goes forth and into its gradient; layer 2 goes back
    # through its inputs, too.
    assert peak.of_training(dense, SIZES, dtype) == 4 * 2 * (2 * 16 * 5 + 3 * 5 * 3)
    assert peak.of_prediction(dense, SIZES, dtype) == 4 * 2 * (16 * 5 + 5 * 3)
    # Groups of 2, 4 or 8 neighbouring inputs: in 2 of the 4 rows, half of them are not zero.
    sparse = np.zeros((4, 16), dtype)
    sparse[::2, 8:] = 1
    assert peak.of_training(sparse, SIZES, dtype) == 4 * 2 * (2 * 16 * 5 / 4 + 3 * 5 * 3)
    assert peak.of_prediction(sparse, SIZES, dtype) == 4 * 2 * (16 * 5 / 4 + 5 * 3)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("hidden", [(40,), (7, 64)])
@pytest.mark.parametrize("share", [0.1, 1.0])
def test_operations_are_those_of_a_profile(hidden: tuple[int, ...], share: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.random((200, 32)) * (rng.random((200, 32)) < share)
    y = np.arange(200) % 3
    found = profiling.profile(MLPClassifier(hidden, n_threads=1, random_state=0), x, y, epochs=1)
    products = ("forward", "backward", "update")
    done = sum(work.done for stage, work in found.work.items() if stage.startswith(products))
    assert peak.of_training(x, (32, *hidden, 3), "float64") == pytest.approx(done)


def test_a_share_of_the_peak_is_the_target_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = {pair.OURS: [0.003, 0.002], pair.THEIRS: [0.006]}
    of_peak = OfPeak(operations=15e6, peak=10e9)  # 7.5 of 10 GFLOP/s
    target = pair.times_target(26, "fit", seconds, 2.0, of_peak=of_peak)
    assert target.measured == "3.00 times, 75.0 % of peak"
    assert (target.target, target.met) == (">= 2 times", True)
    assert target.note == "2 against 6 ms; peak 10 GFLOP/s"
    of_peak = OfPeak(15e6, 10e9, {"zen_5": 74, "zen_4": 80})
    for is_zen_5, text, met in [(True, ">= 74 % of peak", True), (False, ">= 80 % of peak", False)]:
        monkeypatch.setattr(machine, "is_zen_5", lambda is_it=is_zen_5: is_it)
        target = pair.times_target(22, "fit", seconds, 99.0, of_peak=of_peak)
        assert (target.target, target.met) == (text, met)
    plain = pair.times_target(21, "fit", seconds, 2.0)
    assert (plain.measured, plain.note) == ("3.00 times", "2 against 6 ms")


@pytest.mark.skipif(sys.platform == "win32", reason="workers need POSIX's pipes")
def test_the_peak_is_measured_in_each_round_and_is_no_side() -> None:
    with Worker(1) as worker:
        seconds, best = peak.race_beside_peak({"a": lambda: 0.5}, worker, "float32", 2)
        assert seconds == {"a": [0.5, 0.5]}
        assert best > 1e8


def test_layer_sizes_of_a_fit(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((6, 4)))
    np.save(tmp_path / "y.npy", np.arange(6) % 3)
    table = Table(tmp_path / "x.npy", tmp_path / "y.npy")
    assert Fit("MLPClassifier", table).layer_sizes() == (4, 100, 3)
    settings: dict[str, Any] = {"hidden_layer_sizes": (7, 8)}
    assert Fit("MLPRegressor", table, settings).layer_sizes() == (4, 7, 8, 1)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_lbfgs_evaluates_as_often_as_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastmlp.estimators.lbfgs import Objective

    calls = []
    evaluate = Objective.__call__

    def counted(self: Objective, vector: Any) -> Any:
        calls.append(1)
        return evaluate(self, vector)

    monkeypatch.setattr(Objective, "__call__", counted)
    x, y = load_digits(return_X_y=True)
    MLPClassifier(
        solver="lbfgs", random_state=0, tol=0.0, max_iter=10 * lbfgs.LIMIT, max_fun=lbfgs.LIMIT
    ).fit(x, y)
    assert len(calls) == lbfgs.EVALUATIONS
