"""Floats on a short grid, such as pixels divided by 255, as bytes.

Training reads all of X in each epoch, and floats are four or eight times as many bytes on their way
through the caches as pixels are. Where all of them are one of 256 *levels*, which are 0 to 255
times a unit, or divided by a number, each becomes the number of its level: one byte. Kernels look
bytes up as they do with pixels (`skip_zeros`). Each element is compared with its
level, so they compute with exactly the numbers that were given.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from fastmlp.kernels.codegen.cache import compiled
from fastmlp.kernels.codegen.simd import BOOL, INT8, INT32, INT64, VECTOR_BYTES, Lanes, constant
from fastmlp.kernels.codegen.vector_op import Integer, vector_op

Array = NDArray[Any]

N_LEVELS = 256
SAMPLED = 2**13  # elements that the grid is guessed from
MOST_BYTES = 2**28  # that are kept beside X: with more, it is left as it is
SMALLEST = 1e-30  # from a level to the next: one by it is within float32's range
BLOCK = 4  # vectors that are looked at together
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
        with np.errstate(over="ignore"):  # `find_levels` refuses a grid with such levels
            table = np.arange(N_LEVELS, dtype=dtype) * dtype.type(self.unit)
        return table / dtype.type(self.divisor)


@vector_op
def _write_blocks(
    v: Lanes, x: Any, n: Any, out: Any, unit: Any, divisor: Any, steps: Any
) -> Integer:
    """``out[i] = rint(x[i] * steps)`` while level ``out[i]`` is ``x[i]``; returns whether all were.

    `n` is a multiple of BLOCK vectors. A block of zeros, of which most images have many, takes no
    more than a look.
    """
    b = v.builder
    rounded = v.splat(b.fdiv(v.scalar(1.0), divisor))
    units, divisors, factors = (v.splat(number) for number in (unit, divisor, steps))
    numbers, bytes_ = (ir.VectorType(kind, v.count) for kind in (INT32, INT8))
    vectors = range(0, BLOCK * v.count, v.count)

    def quotients(dividends: Any) -> Any:
        """Dividends by the divisor: nearly, and then by what remains. It is faster than to divide.

        A level is right but for some divisors, if any; `find_levels` makes sure of all 256.
        """
        nearly = b.fmul(dividends, rounded)
        return v.fma(v.fma(v.negative(nearly), divisors, dividends), rounded, nearly)

    def write(values: Sequence[Any], places: Sequence[Any]) -> list[Any]:
        """Numbers of levels; returns whether all of the levels are the values."""
        are_same = []
        for value, place in zip(values, places, strict=True):
            number = v.nearest(b.fmul(value, factors))
            is_level = b.and_(
                b.fcmp_ordered(">=", number, v.full(0.0)),
                b.fcmp_ordered("<", number, v.full(N_LEVELS)),
            )
            number = b.select(is_level, number, v.full(0.0))
            v.store(b.trunc(b.fptosi(number, numbers), bytes_), place)
            are_same.append(b.fcmp_ordered("==", quotients(b.fmul(number, units)), value))
        return [b.icmp_signed("==", v.bits(reduce(b.and_, are_same)), constant(2**v.count - 1))]

    def block(i: Any, _: Any) -> list[Any]:
        values = [v.load(v.at(x, b.add(i, constant(place)))) for place in vectors]
        places = [b.add(out, b.add(i, constant(place))) for place in vectors]
        are_nonzero = [b.fcmp_unordered("!=", value, v.full(0.0)) for value in values]
        is_any = b.icmp_signed("!=", v.bits(reduce(b.or_, are_nonzero)), constant(0))
        for place in places:
            v.store(ir.Constant(bytes_, [0] * v.count), place)
        (is_same,) = v.choose(is_any, lambda: write(values, places), [BOOL(1)])
        return [b.add(i, constant(BLOCK * v.count)), is_same]

    _, is_same = v.loop(
        [constant(0), BOOL(1)],
        lambda i, is_same: b.and_(is_same, b.icmp_signed("<", i, n)),
        block,
    )
    return b.zext(is_same, INT64)


@compiled
def _write(x, n, out, unit, divisor, steps):
    return _write_blocks(x, n, out, unit, divisor, steps)


def find_levels(x: Array) -> Levels | None:
    """Return the elements of `x` as bytes; None where they are on no such grid, or too many.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_features)
        float32 or float64, C-contiguous.
    """
    x = x.view()  # whose shape is its own
    if x.size > MOST_BYTES or _is_mapped(x):
        return None
    n_sampled = max(1, SAMPLED // x.shape[1])
    grid = _guess(x[:: max(1, len(x) // n_sampled)][:n_sampled].ravel())
    if grid is None:
        return None
    out = np.empty(x.shape, np.uint8)
    table = grid.table(x.dtype)
    n_block = BLOCK * VECTOR_BYTES // x.itemsize
    whole = x.size // n_block * n_block
    rest, last = np.zeros(n_block, x.dtype), np.empty(n_block, np.uint8)
    rest[: x.size - whole] = x.reshape(-1)[whole:]
    numbers = [x.dtype.type(number) for number in (*grid, grid.divisor / grid.unit)]
    of_table = np.empty(N_LEVELS, np.uint8)
    # The table first: each level has to be found, by its own number.
    for source, n, target in ((table, N_LEVELS, of_table), (x, whole, out), (rest, n_block, last)):
        if not _write(source.ctypes.data, n, target.ctypes.data, *numbers):
            return None
    if not np.array_equal(of_table, np.arange(N_LEVELS)):
        return None
    out.reshape(-1)[whole:] = last[: x.size - whole]
    return Levels(out, table)


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
