"""Floats on a short grid, such as pixels divided by 255, as bytes.

Training reads all of X in each epoch, and floats are four or eight times as many bytes on their way
through the caches as pixels are. Where all of them are one of 256 *levels*, which are 0 to 255
times a unit, or divided by a number, each becomes the number of its level: one byte. Kernels look
bytes up as they do with pixels (:mod:`fastmlp.kernels.skip`). Each element is compared with its
level, so they compute with exactly the numbers that were given.
"""

from __future__ import annotations

import mmap
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from fastmlp.kernels.cache import compiled
from fastmlp.kernels.ops import Integer, vector_op
from fastmlp.kernels.simd import BOOL, INT8, INT32, VECTOR_BYTES, Lanes, constant

Array = NDArray[Any]

N_LEVELS = 256
SAMPLED = 2**13  # elements that the grid is guessed from
MOST_BYTES = 2**28  # that are kept beside X: with more, it is left as it is
SMALLEST = 1e-30  # from a level to the next: one by it is within float32's range
FEWEST_EPOCHS = 3  # to write the bytes takes about as long as they save in two


class Levels(NamedTuple):
    """Elements as bytes, in the shape of X, and the 256 numbers that they stand for.

    0 stands for zero, and no other byte does.
    """

    numbers: NDArray[np.uint8]
    table: Array


class _Grid(NamedTuple):
    """Level i is ``i * unit / divisor``; one of the two is 1."""

    unit: float
    divisor: float

    def table(self, dtype: np.dtype[Any]) -> Array:
        with np.errstate(over="ignore"):  # of levels that X need not have
            table = np.arange(N_LEVELS, dtype=dtype) * dtype.type(self.unit)
        return table / dtype.type(self.divisor)


@vector_op
def _write_vectors(
    v: Lanes, x: Any, n: Any, out: Any, unit: Any, divisor: Any, steps: Any
) -> Integer:
    """``out[i] = rint(x[i] * steps)`` while level ``out[i]`` is ``x[i]``; returns whether all were.

    `n` is a multiple of the vector's length.
    """
    b = v.builder
    units, divisors, factors = (v.splat(number) for number in (unit, divisor, steps))
    zeros = v.full(0.0)
    numbers, bytes_ = (ir.VectorType(kind, v.count) for kind in (INT32, INT8))
    nothing, every = constant(0), constant(2**v.count - 1)

    def write(value: Any, place: Any) -> list[Any]:
        """A vector of numbers of levels, and for which of them the level is the value."""
        number = v.nearest(b.fmul(value, factors))
        is_level = b.and_(
            b.fcmp_ordered(">=", number, zeros), b.fcmp_ordered("<", number, v.full(N_LEVELS))
        )
        number = b.select(is_level, number, zeros)
        v.store(b.trunc(b.fptosi(number, numbers), bytes_), place)
        level = b.fdiv(b.fmul(number, units), divisors)
        return [v.bits(b.fcmp_ordered("==", level, value))]

    def vector(i: Any, _: Any) -> list[Any]:
        value, place = v.load(v.at(x, i)), b.add(out, i)
        v.store(ir.Constant(bytes_, [0] * v.count), place)
        # Most vectors of most images are zeros.
        nonzero = v.bits(b.fcmp_unordered("!=", value, zeros))
        is_any = b.icmp_signed("!=", nonzero, nothing)
        (same,) = v.choose(is_any, lambda: write(value, place), [every])
        return [b.add(i, constant(v.count)), b.icmp_signed("==", same, every)]

    _, is_same = v.loop(
        [nothing, BOOL(1)],
        lambda i, is_same: b.and_(is_same, b.icmp_signed("<", i, n)),
        vector,
    )
    return b.zext(is_same, nothing.type)


@compiled
def _write(x, n, out, unit, divisor, steps):
    return _write_vectors(x, n, out, unit, divisor, steps)


def find_levels(x: Array) -> Levels | None:
    """Return the elements of `x` as bytes; None where they are on no such grid, or too many.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_features)
        float32 or float64, C-contiguous.
    """
    if x.size > MOST_BYTES or _is_mapped(x):
        return None
    n_sampled = max(1, SAMPLED // x.shape[1])
    grid = _guess(x[:: max(1, len(x) // n_sampled)][:n_sampled].ravel())
    if grid is None:
        return None
    out = np.empty(x.shape, np.uint8)
    n_lanes = VECTOR_BYTES // x.itemsize
    whole = x.size // n_lanes * n_lanes
    rest, last = np.zeros(n_lanes, x.dtype), np.empty(n_lanes, np.uint8)
    rest[: x.size - whole] = x.reshape(-1)[whole:]
    numbers = [x.dtype.type(number) for number in (*grid, grid.divisor / grid.unit)]
    for source, n, target in ((x, whole, out), (rest, n_lanes, last)):
        if not _write(source.ctypes.data, n, target.ctypes.data, *numbers):
            return None
    out.reshape(-1)[whole:] = last[: x.size - whole]
    return Levels(out, grid.table(x.dtype))


def _is_mapped(x: Any) -> bool:
    """Whether a file is mapped: then memory is what its owner wants to save."""
    while x is not None:
        if isinstance(x, np.memmap | mmap.mmap):
            return True
        x = x.obj if isinstance(x, memoryview) else getattr(x, "base", None)
    return False


def _guess(sample: Array) -> _Grid | None:
    """Return a grid that has all numbers of a sample; None if there is none, or they are zeros."""
    values = np.unique(np.append(sample, sample.dtype.type(0)))
    if not 1 < len(values) <= N_LEVELS or values[0] < 0 or not np.isfinite(values[-1]):
        return None
    gap = float(np.diff(values).min())
    if gap < SMALLEST:
        return None
    unit = float(values[1] / np.rint(values[1] / gap))  # nearer, as it was rounded but once
    divisors, units = (np.rint(1 / gap), 1.0, 255.0), (unit, 1 / 255)
    for grid in [*(_Grid(1.0, n) for n in divisors), *(_Grid(n, 1.0) for n in units)]:
        if 0 < grid.divisor < np.inf and np.isin(values, grid.table(sample.dtype)).all():
            return grid
    return None
