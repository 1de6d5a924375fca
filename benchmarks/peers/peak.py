"""The machine's FMA peak, measured in a worker beside the sides of a race."""

from __future__ import annotations


def fma_peak(dtype: str) -> float:
    """Operations a second of one core."""
    try:
        from fastmlp.profiling import measure_fma_peak
    except ImportError:
        import time

        import numpy as np

        a = np.random.rand(1024, 1024).astype(dtype)
        c = a.copy()
        best = 9
        for _ in range(8):
            t = time.perf_counter()
            np.dot(a, a, out=c)
            best = min(best, time.perf_counter() - t)
        return 2 * 1024**3 / best

    return measure_fma_peak(dtype, 1)
