"""What the tests of profiles share: a small network, its profile, quick measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from engine_tools import make_labels, make_rows

import fastmlp
from fastmlp import kernels, profiling
from fastmlp.kernels.runtime import clock
from fastmlp.profiling import machine
from fastmlp.profiling.machine import Machine
from fastmlp.profiling.result import Profile
from fastmlp.profiling.work import Case, work_of

ROWS, CLASSES = 150, 3
OF_H = ("gather", "forward 1", "forward 2", "loss", "backward 2", "update 1", "update 2", "wait")
H = Case((784, 64, 10), 33_600, 64, "float32", scaled=True, input_bytes=784.0, stages=OF_H)
STAGES = [
    "gather", "forward 1", "forward 2", "forward 3", "loss", "backward 3", "backward 2",
    "update 1", "update 2", "update 3", "wait",
]  # fmt: skip


@pytest.fixture
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


def made_up() -> Profile:
    """H in a second, of which each stage takes a tenth."""
    case = replace(H, forward_share=0.3, update_share=0.2)
    work = work_of(case)
    seconds = dict.fromkeys([*work, "wait"], 0.1)
    return Profile(case, Machine(1, 50e9, 10e9, 40e9), work, seconds, 1.0, 0.8, 1)


def make_watched(n_threads: int | None, **options: Any) -> tuple[kernels.Trainer, np.ndarray]:
    network = make_network(dtype="float32")
    x, y = make_rows(ROWS, 20), make_labels(ROWS, CLASSES)
    trainer = kernels.Trainer(
        network.weights, network.biases, x, y, batch_size=16, n_threads=n_threads, **options
    )
    return trainer, np.arange(ROWS)


def field(stage: str, names: Sequence[str] = STAGES) -> int:
    """Where a stage's time stands in a stopwatch."""
    return clock.FIRST + names.index(stage)
