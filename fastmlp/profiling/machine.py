"""Measures the limits of the machine: multiply-adds per second, and bytes read per second."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from fastmlp import checks
from fastmlp.kernels.codegen.buffers import aligned
from fastmlp.kernels.runtime.threads import Helpers
from fastmlp.profiling import limits

ROUNDS = 2**21  # of multiply-adds per measurement: some milliseconds
MEMORY_BYTES = 2**28  # much more than the caches hold
CACHE_BYTES = 192 * 2**10  # more than an L1 cache holds, less than an L2 cache
CACHE_READ_BYTES = 2**28  # read from the L2 cache per measurement
SECONDS = 0.2  # for which measurements are repeated; the best one counts


@dataclass(frozen=True)
class Machine:
    """What `n_threads` threads together can do at best.

    Attributes
    ----------
    n_threads : float
        An average if the number changes during the training.
    peak : float
        Floating-point operations per second; a multiply-add counts as two.
    memory, cache : float
        Bytes per second, read from memory and from the L2 caches.
    busy : float
        The share of the multipliers' time that other programs seem to have taken during the
        measurement.
    """

    n_threads: float
    peak: float
    memory: float
    cache: float
    busy: float = 0.0


def measure(dtype: DTypeLike, n_threads: float) -> Machine:
    """Measure everything, which takes a second.

    Each core has its own multipliers and caches, so the limits of one core count `n_threads` times.
    Cores share the memory, so all of them read it at the same time.
    """
    peak, busy = _fma_peak(dtype, 1)
    return Machine(
        n_threads,
        peak * n_threads,
        measure_bandwidth(round(n_threads)),
        _bandwidth(1, CACHE_BYTES, CACHE_READ_BYTES // CACHE_BYTES) * n_threads,
        busy,
    )


def measure_fma_peak(dtype: DTypeLike = "float32", n_threads: int = 1) -> float:
    """Measure the peak rate of vectorised multiply-adds.

    Parameters
    ----------
    dtype : {'float32', 'float64'}
    n_threads : int
        Threads that compute at the same time.

    Returns
    -------
    float
        Floating-point operations per second of all threads; a multiply-add counts as two.
    """
    return _fma_peak(dtype, checks.as_count(n_threads, "n_threads"))[0]


def _fma_peak(dtype: DTypeLike, n_threads: int) -> tuple[float, float]:
    """Return the peak, and the share of the time that other programs seem to have taken."""
    kind = checks.as_dtype(dtype) or np.dtype(np.float32)
    half = kind.type(0.5)
    out = aligned((n_threads, limits.CHAINS * limits.VECTOR_BYTES // kind.itemsize), kind)
    in_a_round = limits.multiply_add(1, out.ctypes.data, half)  # also compiles it

    def part(thread: int) -> None:
        limits.multiply_add(ROUNDS, out[thread].ctypes.data, half)

    seconds = _seconds(part, n_threads)
    best = min(seconds)
    return 2 * in_a_round * ROUNDS * n_threads / best, 1 - best / float(np.mean(seconds))


def measure_bandwidth(n_threads: int = 1) -> float:
    """Measure how fast this machine reads memory sequentially.

    Parameters
    ----------
    n_threads : int
        Threads that read at the same time, each its part of 256 MiB.

    Returns
    -------
    float
        Bytes per second of all threads.
    """
    n_threads = checks.as_count(n_threads, "n_threads")
    return _bandwidth(n_threads, MEMORY_BYTES // n_threads, times=1)


def _bandwidth(n_threads: int, n_bytes: int, times: int) -> float:
    """Bytes per second of threads that each read their own `n_bytes`, `times` times."""
    n_bytes = n_bytes // limits.READ_BYTES * limits.READ_BYTES
    values = aligned((n_threads, n_bytes // 8), np.float64)
    values[:] = 1  # pages of zeros that were never written would all be the same page

    def part(thread: int) -> None:
        limits.read(values[thread].ctypes.data, n_bytes, times)

    limits.read(values.ctypes.data, limits.READ_BYTES, 1)  # compiles it
    return n_bytes * n_threads * times / min(_seconds(part, n_threads))


def _seconds(part: Callable[[int], object], n_threads: int) -> list[float]:
    """Seconds of some runs of all threads."""
    seconds: list[float] = []
    deadline = time.perf_counter() + SECONDS
    while True:
        start = time.perf_counter()
        Helpers().run(part, n_threads)
        seconds.append(time.perf_counter() - start)
        if time.perf_counter() >= deadline:
            return seconds
