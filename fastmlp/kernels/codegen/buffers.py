"""Allocates buffers that start at a cache line, and whose rows do so too."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np

LINE = 64  # bytes of a cache line
PAGE = 4096  # bytes


def aligned(shape: int | tuple[int, ...], dtype: Any) -> np.ndarray:
    """Zeros that start at a cache line: loading a vector that straddles two lines costs twice."""
    dtype = np.dtype(dtype)
    n_bytes = (math.prod(shape) if isinstance(shape, tuple) else shape) * dtype.itemsize
    raw = np.zeros(n_bytes + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + n_bytes].view(dtype).reshape(shape)


def row_stride(n: int, itemsize: int) -> int:
    """Elements from row to row: an odd number of cache lines with room for `n`.

    A cache has few places for lines whose addresses differ by a power of two. If rows were that far
    apart, the rows of a batch would evict each other.
    """
    return (-(-n * itemsize // LINE) | 1) * LINE // itemsize


def rounded_up(n: int, unit: int) -> int:
    """The smallest multiple of `unit` that is at least `n`."""
    return -(-n // unit) * unit


def address_of(array: np.ndarray) -> int:
    """The address of an array's memory: ``array.ctypes.data`` in a third of the time."""
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))  # type: ignore[arg-type]
    except (TypeError, ValueError):  # read-only, not contiguous, or empty
        return array.ctypes.data
