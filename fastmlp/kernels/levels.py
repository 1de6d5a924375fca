"""Encodes floats on a grid of 256 levels, such as pixels divided by 255, as bytes.

The levels are 0, 1, ..., 255 times a unit, or divided by a divisor. If all elements of X are
levels, each is replaced by its code, the index of its level, which is one byte. Kernels look up the
float for each code as they do for pixels (`skip_zeros`). Each element is compared with the level of
its code, so training computes with exactly the values that were given.

It is faster because training reads all of X in each epoch, and floats take four or eight times as
much memory bandwidth as bytes.
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
from fastmlp.kernels.codegen.registers import VECTOR_BYTES
from fastmlp.kernels.codegen.simd import BOOL, INT8, INT32, INT64, Lanes, constant
from fastmlp.kernels.codegen.vector_op import Integer, vector_op

Array = NDArray[Any]

N_LEVELS = 256
SAMPLED = 2**13  # elements from which the grid is guessed
MOST_BYTES = 2**28  # of codes, which take memory in addition to X: larger X is not encoded
SMALLEST = 1e-30  # distance between levels, whose inverse is within float32's range
BLOCK = 4  # vectors that are encoded together
FEWEST_EPOCHS = 3  # encoding takes about as long as it saves in two


class Levels(NamedTuple):
    """The codes of the elements, in the shape of X, and the table of the 256 levels.

    Code 0 stands for zero, and no other code does.
    """

    codes: NDArray[np.uint8]
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
    """``out[i] = rint(x[i] * steps)`` while level ``out[i]`` equals ``x[i]``; whether all did.

    `n` is a multiple of BLOCK vectors. Blocks of zeros, of which most images have many, take a
    shortcut.
    """
    b = v.builder
    rounded = v.splat(b.fdiv(v.scalar(1.0), divisor))
    units, divisors, factors = (v.splat(scalar) for scalar in (unit, divisor, steps))
    integers, bytes_ = (ir.VectorType(kind, v.count) for kind in (INT32, INT8))
    vectors = range(0, BLOCK * v.count, v.count)

    def quotients(dividends: Any) -> Any:
        """Divide: multiply by the rounded inverse, then correct by the remainder. It is faster.

        For a few divisors, if any, a quotient may be inexact; `find_levels` checks all 256 first.
        """
        approximate = b.fmul(dividends, rounded)
        remainder = v.fma(v.negative(approximate), divisors, dividends)
        return v.fma(remainder, rounded, approximate)

    def write(values: Sequence[Any], places: Sequence[Any]) -> list[Any]:
        """Store the codes of some vectors; returns whether their levels equal the values."""
        are_same = []
        for value, place in zip(values, places, strict=True):
            code = v.nearest(b.fmul(value, factors))
            is_code = b.and_(
                b.fcmp_ordered(">=", code, v.full(0.0)),
                b.fcmp_ordered("<", code, v.full(N_LEVELS)),
            )
            code = b.select(is_code, code, v.full(0.0))
            v.store(b.trunc(b.fptosi(code, integers), bytes_), place)
            are_same.append(b.fcmp_ordered("==", quotients(b.fmul(code, units)), value))
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
    """Return the elements of `x` as codes; None if they are on no such grid, or too many.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_features)
        float32 or float64, C-contiguous.
    """
    x = x.view()  # its shape can't be changed by others
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
    scalars = [x.dtype.type(scalar) for scalar in (*grid, grid.divisor / grid.unit)]
    of_table = np.empty(N_LEVELS, np.uint8)
    # The table first: each level must get its own code.
    for source, n, target in ((table, N_LEVELS, of_table), (x, whole, out), (rest, n_block, last)):
        if not _write(source.ctypes.data, n, target.ctypes.data, *scalars):
            return None
    if not np.array_equal(of_table, np.arange(N_LEVELS)):
        return None
    out.reshape(-1)[whole:] = last[: x.size - whole]
    return Levels(out, table)


def _is_mapped(x: Any) -> bool:
    """Whether `x` is memory-mapped, in which case its owner wants to save memory."""
    while x is not None:
        if isinstance(x, np.memmap | mmap.mmap):
            return True
        x = x.obj if isinstance(x, memoryview) else getattr(x, "base", None)
    return False


def _guess(sample: Array) -> _Grid | None:
    """Return a grid that contains all values of a sample; None if none does, or all are 0."""
    values = np.unique(np.append(sample, sample.dtype.type(0)))
    if not 1 < len(values) <= N_LEVELS or values[0] < 0 or not np.isfinite(values[-1]):
        return None
    gap = float(np.diff(values).min())
    if gap < SMALLEST:
        return None
    unit = float(values[1] / np.rint(values[1] / gap))  # more exact than the gap: rounded only once
    divisors, units = (np.rint(1 / gap), 1.0, 255.0), (unit, 1 / 255)
    for grid in [*(_Grid(1.0, n) for n in divisors), *(_Grid(n, 1.0) for n in units)]:
        if 0 < grid.divisor < np.inf and np.isin(values, grid.table(sample.dtype)).all():
            return grid
    return None
