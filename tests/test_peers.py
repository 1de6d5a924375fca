"""The peers harness itself: its arithmetic, its check of the sides, its worker processes."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray

from benchmarks.peers import agreement, charts, estimators, nets, pair, session
from benchmarks.peers.__main__ import compared
from benchmarks.peers.case import Case
from benchmarks.peers.estimators import Fit
from benchmarks.peers.field import Fields
from benchmarks.peers.race import race, ratio_target
from benchmarks.peers.reaching import Clock, Race, Recipe
from benchmarks.peers.rows import mlp_predict, reach, whole_fits
from benchmarks.peers.run import Run, Target, threads
from benchmarks.peers.sides import FASTMLP, PEERS, PIXELS, Entry
from benchmarks.peers.worker import Worker, WorkerError
from fastmlp import reference

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="workers are handed a pipe's number, as POSIX has it"
)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.standard_normal((512, 20), dtype=np.float32))
    np.save(tmp_path / "y.npy", rng.integers(10, size=512))
    return Case("tiny", (20, 16, 10), 16, tmp_path / "x.npy", tmp_path / "y.npy")


def test_flops_of_case_h() -> None:
    h = Case("H", (784, 64, 10), 64, Path(), Path())
    assert h.flops_per_row() == 2 * (2 * 784 * 64 + 3 * 64 * 10)


@pytest.mark.parametrize("fault", [{}, {"lambda_reg": 0.0}, {"learning_rate": 0.009}])
@pytest.mark.parametrize(("module", "name"), [("fastmlp_side", "FastMLP"), ("numpy_side", "NumPy")])
def test_check_of_weights_finds_a_fault(
    case: Case, module: str, name: str, fault: dict[str, float]
) -> None:
    few, expected, _ = agreement.expectation(case)
    session.start(module, name, replace(case, **fault), n_threads=1)  # type: ignore[arg-type]
    got = session.train(few)
    if fault:
        with pytest.raises(AssertionError, match="w1 is off by"):
            agreement.check_weights(name, case, got, expected)
    else:
        agreement.check_weights(name, case, got, expected)


@pytest.fixture(scope="module", params=PEERS, ids=lambda entry: entry.label)
def peer(request: pytest.FixtureRequest) -> Iterator[tuple[Entry, Worker]]:
    entry = request.param
    with Worker(1) as worker:
        try:
            worker.call(session.load, entry.module)
        except WorkerError as error:
            pytest.skip(f"{error.missing_module} is not installed")
        yield entry, worker


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("activation", "loss", "batch_size"),
    [("relu", "cross_entropy", 16), ("tanh", "squared_error", 16), ("tanh", "squared_error", 512)],
)
def test_peers_train_what_the_case_says(
    tmp_path: Path,
    peer: tuple[Entry, Worker],
    activation: str,
    loss: str,
    batch_size: int,
    dtype: str,
    optimizer: str,
) -> None:
    rng = np.random.default_rng(0)
    x_file, y_file = tmp_path / "x.npy", tmp_path / "y.npy"
    np.save(x_file, rng.standard_normal((512, 20)).astype(dtype))
    is_dense = loss == "squared_error"
    np.save(y_file, rng.random((512, 3)).astype(dtype) if is_dense else rng.integers(3, size=512))
    case = Case(
        f"{activation}, {loss}, {optimizer}, {dtype}, batch {batch_size}",
        (20, 16, 8, 3),
        batch_size,
        x_file,
        y_file,
        dtype=dtype,
        lambda_reg=0.1,
        activation=activation,
        loss=loss,
        optimizer=optimizer,
    )
    entry, worker = peer
    few, expected, _ = agreement.expectation(case)
    worker.call(session.start, entry.module, entry.class_name, case, 1)
    got = worker.call(session.train, few)
    agreement.check_weights(entry.label, case, got, expected)
    if not is_dense:
        p = reference.predict_proba(*expected, np.load(x_file))
        labels = worker.call(session.predictions, x_file)
        assert np.mean(labels == np.argmax(p, axis=1)) > 0.99
    other = replace(case, optimizer="sgd" if optimizer != "sgd" else "momentum")
    expected = agreement.expectation(other)[1]
    with pytest.raises(AssertionError, match="is off by"):
        agreement.check_weights(entry.label, other, got, expected)


def test_rounds_alternate() -> None:
    calls: list[str] = []

    def contestant(name: str) -> float:
        calls.append(name)
        return len(calls)

    results = race({name: partial(contestant, name) for name in "ab"}, n_rounds=3)
    assert results == {"a": [1, 4, 5], "b": [2, 3, 6]}
    assert calls == ["a", "b", "b", "a", "a", "b"]


def test_worker_is_pinned_and_limited() -> None:
    with Worker(1) as worker:
        assert worker.call(os.getpid) != os.getpid()
        assert worker.call(os.getenv, "OMP_NUM_THREADS") == "1"
        if hasattr(os, "sched_getaffinity"):
            assert len(worker.call(os.sched_getaffinity, 0)) == 1


def test_worker_tells_what_went_wrong() -> None:
    with Worker(1) as worker:
        with pytest.raises(WorkerError, match="no_such_module") as caught:
            worker.call(importlib.import_module, "no_such_module")
        assert caught.value.missing_module == "no_such_module"
        with pytest.raises(WorkerError, match="ZeroDivisionError"):
            worker.call(divmod, 1, 0)
        with pytest.raises(WorkerError, match="died"):
            worker.call(os._exit, 3)
    with Worker(1) as worker, pytest.raises(TimeoutError, match="sleep"):
        worker.call_within(0.2, time.sleep, 60)
    with Worker(1) as worker:
        worker.call(print, "heard", flush=True)
        assert "heard" in worker.output()


def test_sides_that_differ_stop_no_other_row() -> None:
    def fails() -> list[Target]:
        raise AssertionError("w1 is off by 4e-02")

    targets = compared("a grid", (2, 3), fails)
    assert [target.number for target in targets] == [2, 3]
    assert all(target.met is False and "w1 is off" in target.note for target in targets)
    assert compared("a grid", (2, 3), lambda: targets[:1]) == targets[:1]


def test_ratio_to_the_fastest_peer() -> None:
    seconds = {"fastmlp": [0.002, 0.001], "scikit-learn": [0.004, 0.005], "PyTorch eager": [0.003]}
    target = ratio_target(13, "H", seconds, 3.0)
    assert target.measured == "3.00 times"
    assert target.met
    assert target.note == "1.0 ms; PyTorch eager 3.0 ms"
    assert not ratio_target(13, "H", seconds, 3.1).met


def test_estimators_that_are_absent_are_said_to_be(tmp_path: Path) -> None:
    with Worker(1) as worker:
        assert worker.call(estimators.why_absent, "math") == "math.MLPClassifier is not there"
        assert "no_such" in (worker.call(estimators.why_absent, "no_such") or "")
        assert worker.call(estimators.why_absent, "sklearn.neural_network") is None


@pytest.mark.parametrize("number", [20, 21])
def test_rows_of_whole_fits_compare_losses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """With scikit-learn on both sides; then one of them starts from other weights."""
    monkeypatch.setitem(pair.MODULES, pair.OURS, "sklearn.neural_network")
    row = replace(whole_fits.ROWS[number], epochs=2)
    monkeypatch.setitem(whole_fits.ROWS, number, row)
    run = Run(tmp_path, quick=True)
    (target,) = whole_fits.measure(number, run, Fields(run))
    assert target.measured.endswith("of peak" if number == 20 else "times")
    fits = [
        Fit(row.class_name, row.table(run), {"max_iter": 2, "tol": 0.0, "random_state": seed})
        for seed in (0, 1)
    ]

    class Other:
        def call(self, function: object, module: str, fit: Fit) -> tuple[float, NDArray]:
            return estimators.timed_fit(module, fits[1])

    with Worker(1) as worker:
        whole_fits._agree("same", row, fits[0], {pair.OURS: worker, pair.THEIRS: worker})
        sides = {pair.OURS: Other(), pair.THEIRS: worker}
        with pytest.raises(AssertionError, match="losses differ"):
            whole_fits._agree("other", row, fits[0], sides)  # type: ignore[arg-type]


def test_clock_stops_at_the_accuracy_the_last_epoch_or_the_limit(tmp_path: Path) -> None:
    recipe = Recipe((8,), "adam", 16, 0.5, epochs=3)
    plan = Race(tmp_path, recipe, 0, 0.9, max_seconds=60.0, n_threads=1)
    clock = Clock(plan)
    assert clock.rate == 0.5
    assert not clock.is_over(0.89)
    assert clock.rate == pytest.approx(0.375)
    assert clock.is_over(0.9)
    assert clock.has_reached
    clock = Clock(plan)
    assert [clock.is_over(0.1) for _ in range(3)] == [False, False, True]
    assert not clock.has_reached
    assert Clock(replace(plan, max_seconds=0.0)).is_over(0.1)


def test_recipes_that_are_behind_are_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each recipe's epochs stand for its seconds here; one run in ten ends below the accuracy."""
    calls: list[tuple[int, int]] = []

    class Played:
        def call(self, function: object, side: str, race: Race) -> tuple[bool, float, int]:
            calls.append((race.recipe.epochs, race.seed))
            return race.seed != 1, min(race.recipe.epochs, race.max_seconds), race.recipe.epochs

    recipes = [Recipe((8,), "adam", 16, 0.1, epochs) for epochs in (4, 3, 5)]
    monkeypatch.setattr(reach, "RECIPES", recipes)
    monkeypatch.setitem(reach.LIMITS, "scikit-learn", (30.0, 4))
    plan = Race(tmp_path, recipes[0], 0, 0.9, 0.0, 1)
    run = Run(tmp_path)
    times, recipe = reach._best(run, Played(), "scikit-learn", plan)  # type: ignore[arg-type]
    assert recipe.epochs == 3
    assert times == [3, 6, 3, 3]  # seed 1 took a second run
    of_the_last = [seed for epochs, seed in calls if epochs == 5]
    assert of_the_last == [0, 1, 1001]  # 5 + 5 + 2 of the 12 to beat: no third seed


def test_names_and_figures_of_the_bars_keep_apart() -> None:
    """Drawn for two panels: no text touches another."""
    labels = [FASTMLP.label, PIXELS.label, *(peer.label for peer in PEERS)]
    seconds = {
        f"H, {threads(n)}": {label: [0.0123 * (i + 1)] for i, label in enumerate(labels)}
        for n in (1, 2)
    }
    figure = charts.bars(seconds, [1, 2], "built-in digits")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [t for axes in figure.axes for t in [*axes.texts, *axes.get_yticklabels()]]
    boxes = [t.get_window_extent() for t in texts if t.get_visible() and t.get_text()]
    assert len(boxes) == 3 * len(labels)
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_nets_of_the_same_weights_predict_the_same(case: Case) -> None:
    rows = case.load()[0][:100]
    labels = []
    for keep, module in mlp_predict.SIDES.values():
        keep(module, case)
        labels.append(nets.predictions(rows))
    assert len(labels) == 4
    for other in labels[1:]:
        np.testing.assert_array_equal(other, labels[0])
    assert len(np.unique(labels[0])) > 3


@pytest.mark.parametrize(
    ("n_rows", "ours", "estimator", "is_met"),
    [(1, 29, 30, True), (1, 31, 32, False), (1, 29, 28, False), (100, 9, 8, True),
     (100, 11, 12, False)],
)  # fmt: skip
def test_targets_of_a_prediction(n_rows: int, ours: float, estimator: float, is_met: bool) -> None:
    best = {mlp_predict.OURS: ours, mlp_predict.TUTORIAL: 10, mlp_predict.ESTIMATOR: estimator}
    assert mlp_predict._target("predict", n_rows, best).met is is_met
