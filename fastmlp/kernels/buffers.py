"""Buffers as kernels like them: from a cache line on, rows some lines apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

LINE = 64  # bytes of a cache line
PAGE = 4096  # bytes


def aligned(shape: int | tuple[int, ...], dtype: Any) -> np.ndarray:
    """Zeros that start at a cache line: vectors that straddle two lines cost twice."""
    dtype = np.dtype(dtype)
    n_bytes = (math.prod(shape) if isinstance(shape, tuple) else shape) * dtype.itemsize
    raw = np.zeros(n_bytes + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + n_bytes].view(dtype).reshape(shape)


def row_stride(n: int, itemsize: int) -> int:
    """Elements from row to row: an odd number of cache lines with room for `n`.

    With rows a power of two apart, those of a batch would contend for the same few places of the
    cache.
    """
    return (-(-n * itemsize // LINE) | 1) * LINE // itemsize


def rounded_up(n: int, unit: int) -> int:
    """The least multiple of `unit` that is not less than `n`."""
    return -(-n // unit) * unit
