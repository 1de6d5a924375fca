"""Profiles: the stopwatches, the work that is counted, the machine's limits, and what is shown."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from engine_tools import make_labels, make_rows
from matplotlib.axes import Axes
from rich.console import Console
from scipy.sparse import csr_matrix

import fastmlp
from fastmlp import kernels, profiling, reference
from fastmlp.kernels import clock, limits
from fastmlp.kernels.plan import aligned
from fastmlp.profiling import machine, training
from fastmlp.profiling.machine import Machine
from fastmlp.profiling.result import Profile
from fastmlp.profiling.roofline import roofline
from fastmlp.profiling.work import Case, work_of

ROWS, CLASSES = 150, 3
H = Case((784, 64, 10), 33_600, 64, "float32", scaled=True, input_bytes=784.0)
STAGES = [
    "gather", "forward 1", "forward 2", "forward 3", "loss", "backward 3", "backward 2",
    "update 1", "update 2", "update 3", "wait",
]  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits needn't be measured well here."""
    monkeypatch.setattr(machine, "SECONDS", 0.001)
    monkeypatch.setattr(machine, "ROUNDS", 1000)
    monkeypatch.setattr(machine, "MEMORY_BYTES", 2**20)
    monkeypatch.setattr(machine, "CACHE_READ_BYTES", 2**20)


def make_network(**options: Any) -> fastmlp.MLP:
    return fastmlp.MLP(20, (16, 8), CLASSES, 0.1, random_state=0, **options)


def make_profile(kind: str = "uint8", density: float = 1.0, **options: Any) -> Profile:
    x, y = make_rows(ROWS, 20, kind, density), make_labels(ROWS, CLASSES)
    network = make_network(input_scale=255, n_threads=1)
    return profiling.profile(network, x, y, 2, 16, **options)


def make_watched(n_threads: int | None, **options: Any) -> tuple[kernels.Trainer, np.ndarray]:
    network = make_network(dtype="float32")
    x, y = make_rows(ROWS, 20), make_labels(ROWS, CLASSES)
    trainer = kernels.Trainer(
        network.weights, network.biases, x, y, batch_size=16, n_threads=n_threads, **options
    )
    return trainer, np.arange(ROWS)


def of_layer(stage: int, layer: int) -> int:
    return stage + layer * clock.LAYER_STAGES


# -- stopwatches ------------------------------------------------------------------------------


def test_every_stage_of_every_layer_has_its_own_time() -> None:
    trainer, order = make_watched(1)
    watches = trainer.watch()
    trainer.epoch(order)
    assert watches.shape == (1, clock.n_fields(3))
    used = {clock.READING, clock.GATHER, clock.LOSS, clock.WAIT}
    used |= {of_layer(stage, n) for stage in (clock.FORWARD, clock.UPDATE) for n in range(3)}
    used |= {of_layer(clock.BACKWARD, n) for n in (1, 2)}
    assert set(np.flatnonzero(watches[0])) == used
    assert watches.min() >= 0


def test_a_thread_s_stages_fill_the_time_that_it_runs() -> None:
    trainer, order = make_watched(1)
    watches = trainer.watch()
    start = clock.ticks()
    trainer.epoch(order)
    assert 0 < watches[0, clock.GATHER :].sum() <= clock.ticks() - start


def test_threads_that_did_not_work_have_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, order = make_watched(3)
    watches = trainer.watch()
    assert len(watches) == 3
    monkeypatch.setattr(trainer._pace, "next", lambda: (1, 4))
    trainer.epoch(order)
    assert watches[0, clock.GATHER] > 0
    assert not watches[1:].any()


def test_watching_changes_no_bit_and_stops_when_told() -> None:
    watched, order = make_watched(1)
    other, _ = make_watched(1)
    watches = watched.watch()
    assert watched.epoch(order) == other.epoch(order)
    watched.unwatch()
    before = watches.copy()
    assert watched.epoch(order) == other.epoch(order)
    np.testing.assert_array_equal(watches, before)
    for trainer in (watched, other):
        trainer.export()
    for mine, its in zip(watched.outside[0], other.outside[0], strict=True):
        np.testing.assert_array_equal(mine, its)


def watches_of(*threads: dict[int, int]) -> np.ndarray:
    watches = np.zeros((len(threads), clock.n_fields(2)), np.int64)
    watches[:, clock.READING] = 10**15
    for watch, ticks in zip(watches, threads, strict=True):
        for stage, value in ticks.items():
            watch[stage] = value
    return watches


def test_a_stage_s_time_is_the_mean_of_the_threads() -> None:
    first = {clock.GATHER: 100, of_layer(clock.FORWARD, 0): 500, clock.WAIT: 400}
    second = {clock.GATHER: 300, of_layer(clock.FORWARD, 0): 700, clock.WAIT: 0}
    seconds, n_threads = training._stage_seconds(watches_of(first, second), 2, 1000.0)
    assert n_threads == 2
    assert seconds["gather"] == pytest.approx(0.2)
    assert seconds["forward 1"] == pytest.approx(0.6)
    assert seconds["wait"] == pytest.approx(0.2)
    assert sum(seconds.values()) == pytest.approx(1.0)


def test_a_thread_that_came_for_a_trial_only_counts_for_that() -> None:
    first = {clock.GATHER: 100, of_layer(clock.UPDATE, 1): 900}
    trial = {of_layer(clock.UPDATE, 1): 250}
    for second, average in ((trial, 1.25), ({}, 1.0)):
        seconds, n_threads = training._stage_seconds(watches_of(first, second), 2, 1000.0)
        assert n_threads == average
        assert sum(seconds.values()) == pytest.approx(1.0)
        assert seconds["update 2"] == pytest.approx((900 + 250 * (average > 1)) / average / 1000)


# -- work -------------------------------------------------------------------------------------


def test_products_are_counted_as_the_roofline_does() -> None:
    work = work_of(H)
    products = sum(w.dense for stage, w in work.items() if stage not in ("gather", "loss"))
    assert products == 2 * (2 * 784 * 64 + 3 * 64 * 10) * 33_600
    assert work["gather"].dense == 784 * 33_600
    assert work["loss"].dense == 5 * 10 * 33_600
    assert list(work) == [
        "gather", "forward 1", "forward 2", "loss", "backward 2", "update 1", "update 2",
    ]  # fmt: skip


def test_bytes_are_what_each_stage_reads_and_writes_once_a_step() -> None:
    case = Case((5, 3, 2), 10, 4, "float64", scaled=False, input_bytes=40.0)  # 3 steps
    expected = {
        "gather": 10 * (40 + 5 * 8),
        "forward 1": 8 * (10 * 5 + 3 * 15 + 10 * 3),
        "forward 2": 8 * (10 * 3 + 3 * 6 + 10 * 2),
        "loss": 8 * 10 * (2 + 2),
        "backward 2": 8 * (10 * 2 + 3 * 6 + 10 * 3 + 10 * 3),
        "update 1": 8 * (10 * 5 + 10 * 3 + 3 * 2 * 15),
        "update 2": 8 * (10 * 3 + 10 * 2 + 3 * 3 * 6),
    }
    assert {stage: work.n_bytes for stage, work in work_of(case).items()} == expected
    assert work_of(case)["gather"].dense == 0


def test_skipped_zeros_are_not_done_but_count_as_dense() -> None:
    skipping = replace(H, forward_share=0.5, update_share=0.25)
    work, dense = work_of(skipping), work_of(H)
    assert {stage: w.dense for stage, w in work.items()} == {s: w.dense for s, w in dense.items()}
    assert work["forward 1"].done == 0.5 * dense["forward 1"].done
    assert work["update 1"].done == 0.25 * dense["update 1"].done
    assert work["forward 2"] == dense["forward 2"]
    assert work["forward 1"].n_bytes < dense["forward 1"].n_bytes


def test_the_share_of_zeros_is_the_data_s() -> None:
    x = np.zeros((ROWS, 64), np.float32)
    x[:, :16] = 1  # whole groups, whatever their length
    network = fastmlp.MLP(64, 16, CLASSES, random_state=0, n_threads=1)
    case = profiling.profile(network, x, make_labels(ROWS, CLASSES), 1).case
    assert (case.forward_share, case.update_share) == (0.25, 0.25)
    assert case.skips_zeros
    assert not make_profile("float32").case.skips_zeros


def test_the_case_is_what_was_trained() -> None:
    case = make_profile("uint8").case
    assert case.layer_sizes == (20, 16, 8, CLASSES)
    assert (case.n_rows, case.batch_size, case.dtype) == (ROWS, 16, "float32")
    assert (case.scaled, case.input_bytes) == (True, 20)
    case = make_profile("float64").case
    assert (case.dtype, case.scaled, case.input_bytes) == ("float64", False, 160)


def test_sparse_rows_count_what_they_hold() -> None:
    x = csr_matrix(make_rows(ROWS, 20, "float32", 0.3))
    network = make_network(dtype="float32", n_threads=1)
    case = profiling.profile(network, x, make_labels(ROWS, CLASSES), 1, 16).case
    assert case.input_bytes == pytest.approx(8 * x.nnz / ROWS)


# -- the machine ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_multiply_adds_of_a_round_are_really_done(dtype: type) -> None:
    n_lanes = limits.VECTOR_BYTES // np.dtype(dtype).itemsize
    out = aligned(limits.CHAINS * n_lanes, dtype)
    assert limits.multiply_add(3, out.ctypes.data, dtype(0.5)) == out.size
    np.testing.assert_array_equal(out, 1 - 0.5**4)


def test_all_of_the_memory_is_read() -> None:
    numbers = aligned(5 * limits.READ_BYTES // 8, np.float64)
    numbers[:] = np.arange(numbers.size)
    assert limits.read(numbers.ctypes.data, numbers.nbytes, 1) == numbers.sum()
    assert limits.read(numbers.ctypes.data, numbers.nbytes, 3) == 3 * numbers.sum()


def test_limits_are_work_divided_by_the_best_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SECONDS", 6.0)
    now = iter([0.0, 0.0, 1.0, 3.0, 4.5, 5.0, 8.0, 9.0])  # runs from 1 to 3 and from 5 to 8
    monkeypatch.setattr(machine.time, "perf_counter", lambda: next(now))
    calls: list[int] = []
    assert machine._best_seconds(calls.append, 1) == 2.0
    assert calls == [0, 0]


def test_limits_count_the_work_of_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[int] = []

    def best_seconds(part: Any, n_threads: int) -> float:
        for thread in range(n_threads):
            part(thread)
            parts.append(thread)
        return 0.5

    monkeypatch.setattr(machine, "_best_seconds", best_seconds)
    in_a_round = limits.CHAINS * limits.VECTOR_BYTES // 4
    assert profiling.measure_fma_peak() == 2 * in_a_round * 1000 / 0.5
    assert profiling.measure_fma_peak("float64", 2) == 2 * in_a_round / 2 * 1000 * 2 / 0.5
    assert profiling.measure_bandwidth(2) == 2**20 / 0.5
    assert parts == [0, 0, 1, 0, 1]
    mean = machine.measure("float32", 1.75)
    assert mean.peak == 1.75 * profiling.measure_fma_peak()
    assert mean.memory == profiling.measure_bandwidth(2)


def test_each_thread_reads_its_own_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[int, int]] = []
    monkeypatch.setattr(limits, "read", lambda start, n_bytes, _: read.append((start, n_bytes)))
    machine._bandwidth(2, 2**16, times=1)
    starts = {start for start, n_bytes in read if n_bytes == 2**16}
    assert max(starts) - min(starts) == 2**16


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (profiling.measure_fma_peak, ("int8",), "dtype is 'int8'"),
        (profiling.measure_fma_peak, ("float32", 0), "n_threads is 0"),
        (profiling.measure_bandwidth, (0,), "n_threads is 0"),
    ],
)
def test_limits_of_nonsense_are_refused(function: Any, arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)


# -- the profile ------------------------------------------------------------------------------


def test_a_profile_accounts_for_the_whole_epoch() -> None:
    profile = make_profile()
    frame = profile.to_frame()
    assert list(profile.stage_seconds) == STAGES
    assert list(frame.index) == [*STAGES, "outside", "total"]
    assert frame.index.name == "stage"
    stages = frame.drop("total")
    assert (stages["seconds"] >= 0).all()
    assert (stages["seconds"].drop("wait") > 0).all()
    assert frame.loc["total", "seconds"] == pytest.approx(profile.epoch_seconds)
    assert stages["share"].sum() == pytest.approx(1)
    assert frame.loc["total", "share"] == pytest.approx(1)
    assert np.isfinite(frame.to_numpy()).all()


def test_the_fastest_epochs_with_and_without_stopwatches_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watches, counted = [], []
    train, watch, count = training._WatchedMLP.train, kernels.Trainer.watch, training._stage_seconds

    def timed(*arguments: Any, **options: Any) -> fastmlp.History:
        history = train(*arguments, **options)
        history.seconds[:] = [1.0, 5.0, 4.0, 3.0, 6.0]
        return history

    def watched(trainer: kernels.Trainer) -> np.ndarray:
        watches.append(watch(trainer))
        return watches[-1]

    def counting(ticks: np.ndarray, *arguments: Any) -> Any:
        counted.append(ticks)
        return count(ticks, *arguments)

    monkeypatch.setattr(training._WatchedMLP, "train", timed)
    monkeypatch.setattr(kernels.Trainer, "watch", watched)
    monkeypatch.setattr(training, "_stage_seconds", counting)
    profile = make_profile()
    assert (profile.epoch_seconds, profile.epoch_seconds_unwatched) == (3.0, 4.0)
    assert len(watches) == 2
    assert counted[0] is watches[1]


def test_stages_take_nearly_all_of_a_large_epoch_s_time() -> None:
    x, y = make_rows(8192, 512), make_labels(8192, 10)
    network = fastmlp.MLP(512, 256, 10, random_state=0, n_threads=1)

    def share_of_stages() -> float:
        profile = profiling.profile(network, x, y, 3, 128)
        return sum(profile.stage_seconds.values()) / profile.epoch_seconds

    # Another program may come between two stretches, but hardly each time.
    assert any(0.9 < share_of_stages() < 1.01 for _ in range(5))


def made_up() -> Profile:
    """H in a second, of which each stage takes a tenth."""
    case = replace(H, forward_share=0.3, update_share=0.2)
    work = work_of(case)
    seconds = dict.fromkeys([*work, "wait"], 0.1)
    return Profile(case, Machine(1, 50e9, 10e9, 40e9), work, seconds, 1.0, 0.8, 1)


def test_rates_are_work_by_time_and_limits() -> None:
    profile = made_up()
    frame = profile.to_frame()
    first = frame.loc["forward 1"]
    assert first["dense_gflop"] == pytest.approx(2 * 784 * 64 * 33_600 / 1e9)
    assert first["done_gflop"] == pytest.approx(0.3 * first["dense_gflop"])
    assert first["dense_gflop_per_second"] == pytest.approx(10 * first["dense_gflop"])
    assert first["done_gflop_per_second"] == pytest.approx(10 * first["done_gflop"])
    assert first["of_peak"] == pytest.approx(10 * first["done_gflop"] / 50)
    assert first["of_memory"] == pytest.approx(10 * first["gbyte"] / 10)
    assert first["intensity"] == pytest.approx(first["done_gflop"] / first["gbyte"])
    assert frame.loc["outside", "seconds"] == pytest.approx(0.2)
    assert frame.loc["outside", "of_peak"] == frame.loc["wait", "of_memory"] == 0
    assert frame.loc["total", "dense_gflop"] == pytest.approx(
        sum(work.dense for work in profile.work.values()) / 1e9
    )
    assert profile.overhead == pytest.approx(0.25)
    assert profile.of_roofline == pytest.approx(0.8 * 50e9 / 6_872_678_400)


def test_a_profile_leaves_the_network_and_its_generator_as_they_were() -> None:
    network = make_network(dtype="float32")
    arrays = [*network.weights, *network.biases]
    copies = [array.copy() for array in arrays]
    assert network.random_state is not None
    generator, history = network.random_state.get_state()[1].copy(), network.history_
    public = fastmlp.MLP(20, 8, CLASSES)  # draws from NumPy's own generator
    own = np.random.get_state()[1].copy()
    x, y = make_rows(ROWS, 20), make_labels(ROWS, CLASSES)
    profiling.profile(network, x, y, 1, 16)
    profiling.profile(public, x, y, 1, 16)
    assert all(a is b for a, b in zip(arrays, [*network.weights, *network.biases], strict=True))
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    np.testing.assert_array_equal(network.random_state.get_state()[1], generator)
    assert network.history_ is history
    np.testing.assert_array_equal(np.random.get_state()[1], own)


def test_rows_come_in_the_order_that_the_network_would_draw() -> None:
    network = make_network()
    assert network.random_state is not None
    watched = training._WatchedMLP(network)
    assert watched.random_state is not None
    assert watched.random_state.randint(1000, size=9).tolist() == (
        network.random_state.randint(1000, size=9).tolist()
    )


def test_a_profile_trains_the_epochs_that_it_says_and_reports_each() -> None:
    seen: list[tuple[int, int]] = []
    make_profile(progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, 5) for n in range(1, 6)]


def test_what_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = make_rows(ROWS, 20), make_labels(ROWS, CLASSES)
    with pytest.raises(TypeError, match=r"network is a MLP: give a fastmlp\.MLP"):
        profiling.profile(reference.MLP(20, 8, CLASSES, random_state=0), x, y)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="epochs is 0"):
        profiling.profile(make_network(), x, y, 0)
    with pytest.raises(ValueError, match="x_train"):
        profiling.profile(make_network(), x[:, :3], y)
    monkeypatch.setattr(clock, "HAS_COUNTER", False)
    with pytest.raises(OSError, match="counter can't be read: profile on x86-64 or ARM"):
        profiling.profile(make_network(), x, y)


def shown(profile: Profile) -> str:
    console = Console(width=200, file=io.StringIO())
    console.print(profile.table())
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_table_shows_every_stage_and_its_rates() -> None:
    lines = {line.split("  ")[0]: line.split() for line in shown(made_up()).splitlines()}
    assert [*lines] == [
        "stage", "gather", "forward 1", "forward 2", "loss", "backward 2", "update 1", "update 2",
        "wait", "outside", "total",
    ]  # fmt: skip
    assert " ".join(lines["forward 1"]) == "forward 1 100.00 10 % 10 20 % 34 1.5 15 %"
    assert " ".join(lines["wait"]) == "wait 100.00 10 % - - - -"
    assert " ".join(lines["total"]).startswith("total 1000.00 100 %")


def test_dense_figures_are_shown_only_where_zeros_are_skipped() -> None:
    profile = made_up()
    dense = replace(profile, case=H, work=work_of(H))
    assert "as if dense" in shown(profile)
    assert "as if dense" not in shown(dense)
    assert any("forward 1 does 30 % and update 1 20 %" in note for note in profile.notes())
    assert not any("skipped" in note for note in dense.notes())


def test_notes_speak_of_threads_where_there_are_some() -> None:
    profile = made_up()
    assert "1 thread" in profile.title
    two = replace(profile, machine=replace(profile.machine, n_threads=2), most_threads=2)
    assert "2 threads" in two.title
    assert any("threads' mean" in note for note in two.notes())
    mixed = replace(profile, machine=replace(profile.machine, n_threads=1.4), most_threads=2)
    assert "1.4 threads on average" in mixed.title
    assert mixed.notes()[-1].startswith("2 threads were tried too")
    assert not any("tried" in note for note in two.notes())


def test_the_figure_has_a_point_and_a_name_for_each_stage_that_computes() -> None:
    figure = made_up().figure()
    (axes,) = figure.axes
    texts = {text.get_text() for text in axes.texts}
    stages = {"gather", "forward 1", "forward 2", "loss", "backward 2", "update 1", "update 2"}
    assert stages <= texts
    assert {"multiply-adds: 50 GFLOP/s", "caches: 40 GB/s", "memory: 10 GB/s"} <= texts
    points = axes.collections[0].get_offsets()
    assert len(points) == len(stages)
    frame = made_up().to_frame().loc[sorted(stages)]
    expected = frame[["intensity", "done_gflop_per_second"]].to_numpy()
    np.testing.assert_allclose(sorted(map(tuple, points)), sorted(map(tuple, expected)))
    stream = io.BytesIO()
    figure.savefig(stream, dpi=50)
    assert stream.getvalue().startswith(b"\x89PNG")


def crowd(stages: dict[str, float]) -> Axes:
    """The figure of stages with these intensities, all just below the peak, and of a gather."""
    frame = pd.DataFrame({"intensity": stages}).assign(share=0.02, done_gflop_per_second=240.0)
    frame.loc["gather"] = {"intensity": 0.1, "share": 0.2, "done_gflop_per_second": 1.0}
    (axes,) = roofline(frame, 250.0, {"memory": 40.0}, "a crowd").axes
    return axes


def test_names_in_the_figure_neither_overlap_nor_leave_it() -> None:
    stages = {
        "forward 1": 14.6, "forward 2": 36.5, "forward 3": 25.6, "forward 4": 4.3,
        "backward 4": 2.3, "backward 3": 18.3, "backward 2": 28.4,
        "update 1": 6.4, "update 2": 17.0, "update 3": 14.2, "update 4": 3.8, "loss": 0.6,
    }  # fmt: skip
    axes = crowd(stages)
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text() in stages]
    assert len(boxes) == len(stages)
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_stages_on_one_spot_share_a_name_which_stays_inside() -> None:
    axes = crowd({f"update {n}": 40.0 for n in range(1, 21)} | {"loss": 10.0, "forward 1": 40.0})
    texts = {text.get_text(): text.get_window_extent() for text in axes.texts}
    shared = texts["update " + ", ".join(map(str, range(1, 21)))]
    assert {"gather", "loss", "forward 1"} <= set(texts)
    left, bottom, right, top = axes.bbox.extents
    assert left <= shared.x0 < shared.x1 <= right
    assert bottom <= shared.y0 < shared.y1 <= top


def test_a_gather_without_arithmetic_has_no_place_in_the_figure() -> None:
    figure = make_profile("float32").figure()
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "gather" not in texts
    assert "forward 1" in texts
