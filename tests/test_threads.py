"""How many threads there may be, and threads that work together."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_tools import assert_same_bits, make_labels, make_parameters, make_rows, train

import fastmlp
from fastmlp import kernels
from fastmlp.kernels.runtime import threads
from fastmlp.kernels.runtime.threads import Fit, Helpers, usable_threads


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine of 8 cores that nothing limits; its cgroups are files in the folder returned."""
    for name in threads.ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(threads, "Path", lambda path: tmp_path / path.lstrip("/"))
    folder = tmp_path / "sys/fs/cgroup"
    (folder / "cpu").mkdir(parents=True)
    return folder


def test_every_core_is_used_where_nothing_limits(system, monkeypatch):
    assert usable_threads() == 8
    monkeypatch.delattr(threads.os, "sched_getaffinity")  # as on macOS and Windows
    assert usable_threads() == 8
    monkeypatch.setattr(threads.os, "cpu_count", lambda: None)
    assert usable_threads() == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("50000 100000\n", 1),
        ("1600000 100000\n", 8),
        ("", 8),
        ("200000 0\n", 8),
    ],
)
def test_quota_of_cgroup_2(system, text, expected):
    (system / "cpu.max").write_text(text)
    assert usable_threads() == expected


@pytest.mark.parametrize(
    ("quota", "period", "expected"),
    [("-1\n", "100000\n", 8), ("300000\n", "100000\n", 3), ("10000\n", "100000\n", 1)],
)
def test_quota_of_cgroup_1(system, quota, period, expected):
    (system / "cpu/cpu.cfs_quota_us").write_text(quota)
    assert usable_threads() == 8  # a half of it only
    (system / "cpu/cpu.cfs_period_us").write_text(period)
    assert usable_threads() == expected


CGROUP_2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
CGROUP_1 = "\n".join([
    "31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755",
    "32 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
    "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
])  # fmt: skip
DOCKER = CGROUP_1.replace("0:30 /", "0:30 /docker/abc").replace("cpu,cpuacct rw", "cpu\\040x rw")


@pytest.mark.parametrize(
    ("groups", "mounts", "limits", "expected"),
    [
        # A scope of systemd's: its own limit, or one of those above it, the narrowest of all.
        ("0::/user.slice/run-1.scope", CGROUP_2, {"user.slice/run-1.scope": "300000 100000"}, 3),
        ("0::/user.slice/run-1.scope", CGROUP_2, {"user.slice": "200000 100000"}, 2),
        ("0::/a/b/c", CGROUP_2, {"a/b/c": "400000 100000", "a": "250000 100000", "": "max 1"}, 3),
        ("0::/a/b/c", CGROUP_2, {"a/b/c": "max 100000", "a/b": "150000 100000"}, 2),
        ("0::/a", CGROUP_2, {"b": "100000 100000", "a/c": "100000 100000"}, 8),  # other groups
        ("0::/", CGROUP_2, {"": "100000 100000"}, 1),  # a container's own
        ("0::/../other", CGROUP_2, {"": "500000 100000"}, 5),
        ("0::/a:b c", CGROUP_2, {"a:b c": "100000 100000"}, 1),
        ("0::/a", "", {"a": "200000 100000"}, 2),
        ("5:memory:/m\n3:cpu,cpuacct:/a/b\n0::/u", CGROUP_1, {"cpu,cpuacct/a": "300000 100000"}, 3),
        ("3:cpu,cpuacct:/a/b", CGROUP_1, {"cpu,cpuacct/a/b": "-1 100000"}, 8),
        ("5:memory:/m\n3:cpuacct:/a", CGROUP_1, {"cpu,cpuacct/a": "100000 100000"}, 8),
        ("3:cpu:/docker/abc", DOCKER, {"cpu x": "200000 100000"}, 2),
        ("3:cpu:/docker/abc/d", DOCKER, {"cpu x/d": "200000 100000"}, 2),
        ("3:cpu:/elsewhere", DOCKER, {"cpu x": "400000 100000"}, 4),
        ("nonsense", "nonsense - cgroup2", {}, 8),
    ],
)
def test_quota_of_the_processs_own_group(system, tmp_path, groups, mounts, limits, expected):
    process = tmp_path / "proc/self"
    process.mkdir(parents=True)
    (process / "cgroup").write_text(groups + "\n")
    (process / "mountinfo").write_text(mounts + "\n")
    for folder, limit in limits.items():
        group = system / folder
        group.mkdir(parents=True, exist_ok=True)
        if folder.startswith("cpu"):
            quota, period = limit.split()
            (group / "cpu.cfs_quota_us").write_text(quota + "\n")
            (group / "cpu.cfs_period_us").write_text(period + "\n")
        else:
            (group / "cpu.max").write_text(limit + "\n")
    assert usable_threads() == expected


@pytest.mark.parametrize("name", threads.ENVIRONMENT)
@pytest.mark.parametrize(
    ("value", "expected"),
    [("3", 3), (" 2 ", 2), ("4,2", 4), ("64", 8), ("0", 8), ("-1", 8), ("", 8), ("all", 8)],
)
def test_variables_of_the_environment(system, monkeypatch, name, value, expected):
    monkeypatch.setenv(name, value)
    assert usable_threads() == expected


def test_the_narrowest_limit_counts(system, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "6")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "5")
    assert usable_threads() == 5
    (system / "cpu.max").write_text("300000 100000")
    assert usable_threads() == 3
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: {5, 7})
    assert usable_threads() == 2


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_affinity_of_the_calling_thread():
    found: list[int] = []

    def pinned() -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # of this thread alone
        found.append(usable_threads())

    thread = threading.Thread(target=pinned)
    thread.start()
    thread.join()
    assert found == [1]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux's affinity")
def test_a_helper_leaves_a_core_that_is_taken(monkeypatch):
    asked: dict[int, set[int]] = {}  # by thread
    caller = threading.get_ident()

    def core() -> int:
        """All threads start on core 0."""
        return min(asked.get(threading.get_ident(), {0}))

    monkeypatch.setattr(threads, "_core", core)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: {0, 1, 2})
    monkeypatch.setattr(
        threads.os,
        "sched_setaffinity",
        lambda pid, cores: asked.update({threading.get_ident(): cores}) if pid == 0 else 1 / 0,
    )
    together = threading.Barrier(4, timeout=60)  # so that each thread has an identity of its own
    Helpers().run(lambda _: together.wait(), 4)
    assert sorted(map(sorted, asked.values())) == [[1, 2], [2]]  # and for the last one, no core
    assert caller not in asked


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux's affinity")
def test_the_callers_affinity_stays():
    before = os.sched_getaffinity(0)
    for _ in range(20):
        Helpers().run(lambda _: None, 3)
    assert os.sched_getaffinity(0) == before


def test_helpers_calls_each_thread_once_and_waits():
    seen: dict[int, int] = {}

    def work(thread: int) -> None:
        seen[thread] = threading.get_ident()

    for n_threads in (1, 2, 5):
        seen.clear()
        Helpers().run(work, n_threads)
        assert sorted(seen) == list(range(n_threads))
        assert seen[0] == threading.get_ident()


def test_helpers_passes_on_what_thread_0_raises():
    ended = []

    def work(thread: int) -> None:
        if thread == 0:
            raise ValueError("it")
        ended.append(thread)

    with pytest.raises(ValueError, match="it"):
        Helpers().run(work, 3)
    assert sorted(ended) == [1, 2]


@contextlib.contextmanager
def a_fit_elsewhere() -> Iterator[None]:
    """Another thread trains within the block."""
    begun, done = threading.Event(), threading.Event()

    def work() -> None:
        with Fit():
            begun.set()
            assert done.wait(60)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(60)
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_fit_is_alone():
    with Fit() as first:
        assert first.is_alone
        with a_fit_elsewhere():
            assert not first.is_alone
            with first:
                assert not first.is_alone
        assert first.is_alone
        with Fit() as inner, first:  # of a callback
            assert first.is_alone
            assert inner.is_alone
    with pytest.raises(ValueError, match="it"), Fit():
        raise ValueError("it")
    with a_fit_elsewhere(), Fit() as third:
        assert not third.is_alone
    assert not threads._fits


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_whole_fit_counts_and_not_its_stretches_only(solver):
    seen = []
    model = fastmlp.MLPRegressor(
        hidden_layer_sizes=(5,),
        solver=solver,
        max_iter=3,
        callbacks=[lambda *_: seen.append(len(threads._fits))],
    )
    x = make_rows(50, 4)
    model.fit(x, x[:, 0])
    assert seen == [1, 1, 1]
    assert not threads._fits


def test_a_fit_goes_on_serially_when_another_one_starts(monkeypatch):
    parameters = make_parameters((20, 40, 5), "float32")
    x, y = make_rows(3000, 20), make_labels(3000, 5)
    expected = train(parameters, x, y, n_threads=1, batch_size=2)
    used: list[int] = []

    run_part = kernels.Trainer._run_part

    def watched(trainer: Any, thread: int, n_threads: int, *steps: int) -> int:
        used.append(n_threads)
        return run_part(trainer, thread, n_threads, *steps)

    monkeypatch.setattr(kernels.Trainer, "_run_part", watched)
    assert_same_bits(train(parameters, x, y, n_threads=2, batch_size=2), expected)
    assert 2 in used
    used.clear()
    with a_fit_elsewhere():
        assert_same_bits(train(parameters, x, y, n_threads=2, batch_size=2), expected)
    assert set(used) == {1}
