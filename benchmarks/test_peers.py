"""The peers harness itself: its arithmetic, its check of the sides, its worker processes."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import agreement, session
from benchmarks.peers.case import Case
from benchmarks.peers.race import race
from benchmarks.peers.sides import PEERS, Entry
from benchmarks.peers.worker import Worker, WorkerError


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
