"""The limits of the machine: multiply-adds a second, and bytes read a second."""

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

ROUNDS = 2**21  # of multiply-adds a measurement: some milliseconds
MEMORY_BYTES = 2**28  # much more than the caches hold
CACHE_BYTES = 192 * 2**10  # more than a first-level cache holds, less than a second-level one
CACHE_READ_BYTES = 2**28  # read from there in a measurement
SECONDS = 0.2  # that measurements are repeated; the best one counts


@dataclass(frozen=True)
class Machine:
    """What `n_threads` threads can do at best, all together.

    Attributes
    ----------
    n_threads : float
        An average, where their number changes.
    peak : float
        Floating-point operations a second, two in a multiply-add.
    memory, cache : float
        Bytes a second, read from memory and from the second-level caches.
    """

    n_threads: float
    peak: float
    memory: float
    cache: float


def measure(dtype: DTypeLike, n_threads: float) -> Machine:
    """Measure everything, which takes a second.

    Each core has multipliers and caches of its own: what one can do counts `n_threads` times. The
    memory is there for all of them, so all of them read it.
    """
    return Machine(
        n_threads,
        measure_fma_peak(dtype) * n_threads,
        measure_bandwidth(round(n_threads)),
        _bandwidth(1, CACHE_BYTES, CACHE_READ_BYTES // CACHE_BYTES) * n_threads,
    )


def measure_fma_peak(dtype: DTypeLike = "float32", n_threads: int = 1) -> float:
    """Measure how fast this machine multiplies and adds, in vectors, where nothing holds it up.

    Parameters
    ----------
    dtype : {'float32', 'float64'}
    n_threads : int
        Threads that do so at the same time.

    Returns
    -------
    float
        Floating-point operations a second of all threads together, two in a multiply-add.
    """
    kind = checks.as_dtype(dtype) or np.dtype(np.float32)
    n_threads = checks.as_count(n_threads, "n_threads")
    half = kind.type(0.5)
    out = aligned((n_threads, limits.CHAINS * limits.VECTOR_BYTES // kind.itemsize), kind)
    in_a_round = limits.multiply_add(1, out.ctypes.data, half)  # which compiles it

    def part(thread: int) -> None:
        limits.multiply_add(ROUNDS, out[thread].ctypes.data, half)

    return 2 * in_a_round * ROUNDS * n_threads / _best_seconds(part, n_threads)


def measure_bandwidth(n_threads: int = 1) -> float:
    """Measure how fast this machine reads memory from start to end.

    Parameters
    ----------
    n_threads : int
        Threads that read at the same time, each a part of 256 MiB.

    Returns
    -------
    float
        Bytes a second of all threads together.
    """
    n_threads = checks.as_count(n_threads, "n_threads")
    return _bandwidth(n_threads, MEMORY_BYTES // n_threads, times=1)


def _bandwidth(n_threads: int, n_bytes: int, times: int) -> float:
    """Bytes a second of threads that each read `n_bytes` of their own, so many times."""
    n_bytes = n_bytes // limits.READ_BYTES * limits.READ_BYTES
    numbers = aligned((n_threads, n_bytes // 8), np.float64)
    numbers[:] = 1  # zeros that were never written share one page

    def part(thread: int) -> None:
        limits.read(numbers[thread].ctypes.data, n_bytes, times)

    limits.read(numbers.ctypes.data, limits.READ_BYTES, 1)  # compiles it
    return n_bytes * n_threads * times / _best_seconds(part, n_threads)


def _best_seconds(part: Callable[[int], object], n_threads: int) -> float:
    """Seconds that the fastest run of the threads together takes."""
    best = np.inf
    deadline = time.perf_counter() + SECONDS
    while time.perf_counter() < deadline:
        start = time.perf_counter()
        Helpers().run(part, n_threads)
        best = min(best, time.perf_counter() - start)
    return best
