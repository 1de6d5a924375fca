"""The share of a core's peak that a fit, an evaluation or a prediction reaches.

What counts are the multiply-adds of the layers' products, as `fastmlp.profiling` counts them: not
those that skipped zeros save, nor anything else, such as an optimiser's formula, or SciPy's lbfgs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.peers.machine import by_core
from benchmarks.peers.race import race
from benchmarks.peers.worker import Worker
from fastmlp.kernels.codegen.registers import VECTOR_BYTES
from fastmlp.kernels.inputs import nonzero_share, skips_zeros
from fastmlp.kernels.stages.skip_zeros import FORWARD_GROUP, UPDATE_GROUP
from fastmlp.profiling import measure_fma_peak
from fastmlp.profiling.work import Case, work_of

PEAK = "peak"  # the contestant that only multiplies and adds


@dataclass(frozen=True)
class OfPeak:
    """What a call of ours computes, and what one core could.

    Attributes
    ----------
    operations : float
        A call's floating-point operations; see the module's functions.
    peak : float
        A core's operations per second at best.
    target : dict, optional
        Per cent to reach, as `machine.by_core` takes them.
    """

    operations: float
    peak: float
    target: Mapping[str, float] | None = None

    def percent(self, seconds: float) -> float:
        return 100 * self.operations / (seconds * self.peak)

    @property
    def percent_to_reach(self) -> float | None:
        return None if self.target is None else by_core(**self.target)


def of_training(x: Any, layer_sizes: Sequence[int], dtype: str) -> float:
    """Operations of an epoch, or of a loss with its gradient: rows go forth and back once."""
    above = range(2, len(layer_sizes))
    stages = [f"{kind} {layer}" for layer in above for kind in ("forward", "backward", "update")]
    return _operations(x, layer_sizes, dtype, ["forward 1", "update 1", *stages])


def of_prediction(x: Any, layer_sizes: Sequence[int], dtype: str) -> float:
    """Operations of a prediction: rows go forth once."""
    stages = [f"forward {layer}" for layer in range(1, len(layer_sizes))]
    return _operations(x, layer_sizes, dtype, stages)


def _operations(x: Any, layer_sizes: Sequence[int], dtype: str, stages: Sequence[str]) -> float:
    n_vectors = -(-layer_sizes[1] * np.dtype(dtype).itemsize // VECTOR_BYTES)

    def share(groups: dict[int, int]) -> float:
        widest = max(n for n in groups if n <= n_vectors)
        return nonzero_share(x, groups[widest]) if skips_zeros(x) else 1.0

    case = Case(
        layer_sizes=tuple(layer_sizes),
        n_rows=x.shape[0],
        batch_size=x.shape[0],
        dtype=dtype,
        scaled=False,
        input_bytes=0.0,
        stages=tuple(stages),
        forward_share=share(FORWARD_GROUP),
        update_share=share(UPDATE_GROUP),
    )
    return sum(work.done for work in work_of(case).values())


def race_beside_peak(
    contestants: Mapping[str, Callable[[], float]], ours: Worker, dtype: str, n_rounds: int
) -> tuple[dict[str, list[float]], float]:
    """As `race`; and the peak of a core of ours, in operations per second, the best of as many."""
    peak = partial(ours.call, measure_fma_peak, dtype, 1)
    seconds = race({**contestants, PEAK: peak}, n_rounds)
    return seconds, max(seconds.pop(PEAK))
