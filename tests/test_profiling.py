"""Profiles: what they hold and what they show."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from engine_tools import make_labels, make_rows
from matplotlib.axes import Axes
from profiling_tools import (
    CLASSES,
    ROWS,
    STAGES,
    H,
    made_up,
    make_network,
    make_profile,
)
from rich.console import Console

import fastmlp
from fastmlp import kernels, profiling, reference
from fastmlp.kernels.runtime import clock
from fastmlp.profiling import training
from fastmlp.profiling.result import Profile
from fastmlp.profiling.roofline import roofline
from fastmlp.profiling.work import work_of

pytestmark = pytest.mark.usefixtures("quick")


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
    with pytest.raises(TypeError, match=r"network is a MLP: give a fastmlp\.MLP, an MLPCl"):
        profiling.profile(reference.MLP(20, 8, CLASSES, random_state=0), x, y)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="epochs is 0"):
        profiling.profile(make_network(), x, y, 0)
    with pytest.raises(ValueError, match="x_train"):
        profiling.profile(make_network(), x[:, :3], y)
    monkeypatch.setattr(clock, "HAS_COUNTER", False)
    with pytest.raises(OSError, match="counter can't be read: profile on x86-64 or ARM"):
        profiling.profile(make_network(), x, y)


def test_an_estimator_is_profiled_as_it_is_set() -> None:
    x, y = make_rows(ROWS, 20, "float32"), make_labels(ROWS, CLASSES)
    model = fastmlp.MLPClassifier((16, 8), early_stopping=True, random_state=0, n_threads=1)
    model.set_params(solver="sgd", batch_size=30, max_iter=1, callbacks=["broken"])
    seen: list[int] = []
    profile = profiling.profile(model, x, y, 2, progress=lambda done, _: seen.append(done))
    assert seen == [1, 2, 3, 4, 5]
    case = profile.case
    assert (case.layer_sizes, case.n_rows, case.batch_size) == ((20, 16, 8, 3), ROWS, 30)
    assert case.problem.optimizer == "nesterov"
    assert not hasattr(model, "coefs_")
    regressor = fastmlp.MLPRegressor(hidden_layer_sizes=(4,), random_state=0, n_threads=1)
    assert profiling.profile(regressor, x, y, 1).case.batch_size == ROWS
    with pytest.raises(ValueError, match="batch_size is given with an estimator: set its own batc"):
        profiling.profile(model, x, y, batch_size=3)
    with pytest.raises(ValueError, match="lambda_reg is given with an estimator: set its own alph"):
        profiling.profile(model, x, y, lambda_reg=3)
    with pytest.raises(ValueError, match="solver is 'lbfgs', which has no steps to profile"):
        profiling.profile(fastmlp.MLPClassifier(solver="lbfgs"), x, y)


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
    assert any("means over threads" in note for note in two.notes())
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


def test_the_figure_says_which_stages_it_leaves_out() -> None:
    profile = made_up()
    words = [text.get_text() for text in profile.figure().texts]
    assert "Without arithmetic, so not drawn: wait 10 %, outside 20 % of the time." in words
    work = profile.work | {"gather": replace(profile.work["gather"], done=0)}
    words = [text.get_text() for text in replace(profile, work=work).figure().texts]
    assert any("not drawn: gather 10 %, wait 10 %, outside" in text for text in words)


def test_the_figure_says_which_points_have_no_name() -> None:
    crowded = {f"update {n}": 10.0 * 1.02**n for n in range(40)}
    axes = crowd(crowded | {f"forward {n}": 10.0 * 1.02**n for n in range(40)})
    named = " ".join(text.get_text() for text in axes.texts)
    (note,) = (t.get_text() for t in axes.figure.texts if "Without room" in t.get_text())
    for group in note.partition(": ")[2].rstrip(".").split("; "):
        assert group not in named


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
