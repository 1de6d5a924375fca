"""Profiles, from below: the stopwatches, the work that is counted, the machine's limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from engine_tools import inputs_divided, make_labels, make_rows
from profiling_tools import (
    CLASSES,
    OF_H,
    ROWS,
    STAGES,
    H,
    field,
    make_network,
    make_profile,
    make_watched,
)
from scipy.sparse import csr_matrix

import fastmlp
from fastmlp import profiling
from fastmlp.kernels.codegen.buffers import aligned
from fastmlp.kernels.runtime import clock
from fastmlp.kernels.runtime.autotune import Choice
from fastmlp.problem import Problem
from fastmlp.profiling import limits, machine, training
from fastmlp.profiling.work import Case, Work, work_of

pytestmark = pytest.mark.usefixtures("quick")

# -- stopwatches ------------------------------------------------------------------------------


def test_every_stage_of_every_layer_has_its_own_time() -> None:
    trainer, order = make_watched(1)
    watches = trainer.watch()
    trainer.epoch(order)
    assert trainer.stage_names == STAGES
    assert watches.shape == (1, clock.n_fields(len(STAGES)))
    # One thread waits for nobody.
    used = {clock.READING, *(field(stage) for stage in STAGES if stage != "wait")}
    assert set(np.flatnonzero(watches[0])) == used
    assert watches.min() >= 0


def test_a_thread_s_stages_fill_the_time_that_it_runs() -> None:
    trainer, order = make_watched(1)
    watches = trainer.watch()
    start = clock.ticks()
    trainer.epoch(order)
    assert 0 < watches[0, clock.FIRST :].sum() <= clock.ticks() - start


def test_threads_that_did_not_work_have_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, order = make_watched(3)
    watches = trainer.watch()
    assert len(watches) == 3
    monkeypatch.setattr(trainer._pace, "next", lambda: (Choice(1), 4))
    trainer.epoch(order)
    assert watches[0, field("gather")] > 0
    assert not watches[1:].any()


def test_stages_are_those_of_the_way_in_which_threads_shared_the_steps() -> None:
    x, y = make_rows(128, 600, "uint8", 0.2), make_labels(128, 4)
    network = fastmlp.MLP(600, 8, 4, n_threads=2, random_state=0)
    assert "exchange" not in profiling.profile(network, x, y, epochs=1).to_frame().index
    with inputs_divided(2):
        found = profiling.profile(network, x, y, epochs=1)
    assert "exchange" in found.to_frame().index
    assert "exchange adds up" in " ".join(found.notes())


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


def watches_of(*threads: dict[str, int]) -> np.ndarray:
    watches = np.zeros((len(threads), clock.n_fields(len(OF_H))), np.int64)
    watches[:, clock.READING] = 10**15
    for watch, ticks in zip(watches, threads, strict=True):
        for stage, value in ticks.items():
            watch[field(stage, OF_H)] = value
    return watches


def test_a_stage_s_time_is_the_mean_of_the_threads() -> None:
    first = {"gather": 100, "forward 1": 500, "wait": 400}
    second = {"gather": 300, "forward 1": 700, "wait": 0}
    seconds, n_threads = training._stage_seconds(watches_of(first, second), list(OF_H), 1000.0)
    assert n_threads == 2
    assert seconds["gather"] == pytest.approx(0.2)
    assert seconds["forward 1"] == pytest.approx(0.6)
    assert seconds["wait"] == pytest.approx(0.2)
    assert sum(seconds.values()) == pytest.approx(1.0)


def test_a_thread_that_came_for_a_trial_only_counts_for_that() -> None:
    first = {"gather": 100, "update 2": 900}
    trial = {"update 2": 250}
    for second, average in ((trial, 1.25), ({}, 1.0)):
        watches = watches_of(first, second)
        seconds, n_threads = training._stage_seconds(watches, list(OF_H), 1000.0)
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
    assert [*work, "wait"] == list(OF_H)


def test_an_optimizer_s_states_are_read_and_written_with_the_weights() -> None:
    plain = work_of(H)
    for optimizer, n_states in (("momentum", 1), ("adam", 2)):
        work = work_of(replace(H, problem=Problem(optimizer=optimizer)))
        for stage, n_weights in (("update 1", 784 * 64), ("update 2", 64 * 10)):
            more = work[stage].n_bytes - plain[stage].n_bytes
            assert more == 525 * 2 * n_states * n_weights * 4
        assert work["forward 1"] == plain["forward 1"]


def test_every_stage_of_a_program_has_its_work() -> None:
    """Of any network: the program says which stages there are."""
    x, y = make_rows(ROWS, 20), make_labels(ROWS, CLASSES)
    network = fastmlp.MLP(20, (16, 8), CLASSES, random_state=0, n_threads=1, activation="silu",
                          optimizer="adam", dropout=0.25)  # fmt: skip
    profile = profiling.profile(network, x, y, 1, 16)
    assert [*profile.work, "wait"] == STAGES
    computing = [stage for stage, work in profile.work.items() if work.done]
    assert computing == STAGES[1:-1]
    assert "silu, adam, dropout 0.25" in profile.title


def test_a_stage_that_nobody_has_counted_has_no_work() -> None:
    work = work_of(replace(H, stages=("gather", "polish 1", "wait")))
    assert work["polish 1"] == Work()


def test_bytes_are_what_each_stage_reads_and_writes_once_a_step() -> None:
    case = Case((5, 3, 2), 10, 4, "float64", False, 40.0, OF_H)  # 3 steps
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


def test_rows_that_are_read_in_place_are_neither_scaled_nor_copied() -> None:
    there = replace(H, in_place=True, forward_share=0.5, update_share=0.25)
    work, gathered = work_of(there), work_of(replace(there, in_place=False))
    assert there.input_bytes == 784
    assert (work["gather"].dense, work["gather"].n_bytes) == (0, 784 * 33_600)
    for stage, share in [("forward 1", 0.5), ("update 1", 0.25)]:
        saved = gathered[stage].n_bytes - work[stage].n_bytes
        assert saved == share * 3 * 784 * 33_600
    assert work["forward 2"] == gathered["forward 2"]


def test_the_share_of_zeros_is_the_data_s() -> None:
    x = np.zeros((ROWS, 64), np.float32)
    x[:, :16] = 1  # whole groups, whatever their length
    network = fastmlp.MLP(64, 16, CLASSES, random_state=0, n_threads=1)
    case = profiling.profile(network, x, make_labels(ROWS, CLASSES), 1).case
    assert (case.forward_share, case.update_share) == (0.25, 0.25)
    assert case.skips_zeros
    assert case.in_place
    assert not make_profile("float32").case.skips_zeros
    assert not make_profile("float32").case.in_place


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
    now = iter([0.0, 1.0, 3.0, 4.5, 5.0, 8.0, 9.0])  # runs from 1 to 3 and from 5 to 8
    monkeypatch.setattr(machine.time, "perf_counter", lambda: next(now))
    calls: list[int] = []
    assert machine._seconds(calls.append, 1) == [2.0, 3.0]
    assert calls == [0, 0]


def test_limits_count_the_work_of_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[int] = []

    def seconds(part: Any, n_threads: int) -> list[float]:
        for thread in range(n_threads):
            part(thread)
            parts.append(thread)
        return [0.5, 0.75, 1.0]

    monkeypatch.setattr(machine, "_seconds", seconds)
    in_a_round = limits.CHAINS * limits.VECTOR_BYTES // 4
    assert profiling.measure_fma_peak() == 2 * in_a_round * 1000 / 0.5
    assert profiling.measure_fma_peak("float64", 2) == 2 * in_a_round / 2 * 1000 * 2 / 0.5
    assert profiling.measure_bandwidth(2) == 2**20 / 0.5
    assert parts == [0, 0, 1, 0, 1]
    mean = machine.measure("float32", 1.75)
    assert mean.peak == 1.75 * profiling.measure_fma_peak()
    assert mean.memory == profiling.measure_bandwidth(2)
    assert mean.busy == pytest.approx(1 / 3)  # of the mean time, the best one took two thirds


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
