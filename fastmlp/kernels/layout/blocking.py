"""The sizes of the blocks into which kernels cut their work.

The first section fixes the bits of a result: sums are added up in parts of these lengths, whatever
the processor and the number of threads. The second section only affects speed.
"""

from __future__ import annotations

from fastmlp.kernels.codegen.buffers import rounded_up
from fastmlp.kernels.codegen.registers import N_REGISTERS, VECTOR_BYTES

# Lengths of partial sums: changing one changes bits.
INPUTS_PER_SUM = 512  # most products in a partial sum of a forward or backward product
ROWS_PER_SUM = 128  # rows in a partial sum of an update: their gradient panel stays in the L1 cache
PART_UNIT = 16  # such a sum has a multiple of these, whole vectors of any width
SQUARES_PER_SUM = 256  # most inputs in a partial sum of squared weights; it is within one part

# Sizes of loops: changing one changes only the speed.
# 8 x 2 vectors of sums take 16 registers, which is all that SSE and AVX2 have: they get 6 x 2.
TILE_ROWS = 8 if N_REGISTERS == 32 else 6
TILE_VECTORS = 2
# Heights of tiles: as many rows as the largest that fits. Each one more takes a second to compile.
TILE_HEIGHTS = (TILE_ROWS, 4, 1)
MASK_ROWS = 64  # rows of the batch that a mask covers: one bit each
LONGEST_GROUP = 8  # most inputs that are skipped together
STRIP_VECTORS = 4  # vectors of columns that a loop over nonzero inputs processes together
# The block of weights whose gradient sums are kept between parts of the batch: a quarter of a
# megabyte. The squares of each of its columns are one partial sum.
SUMMED_INPUTS = SQUARES_PER_SUM
SUMMED_VECTORS = 1024 // VECTOR_BYTES
SUMS_PANEL = SUMMED_INPUTS * 2  # distance between panels of sums, in vectors


def part_length(n: int) -> int:
    """The products in each partial sum of `n`: as few parts as there may be, of equal lengths."""
    return rounded_up(-(-n // -(-n // INPUTS_PER_SUM)), PART_UNIT)
