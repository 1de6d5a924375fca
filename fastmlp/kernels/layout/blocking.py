"""The sizes into which kernels cut their work.

Those of the first section fix the bits of a result: sums are added up in parts of these lengths,
whatever the processor and the number of threads. Those of the second one only set the speed.
"""

from __future__ import annotations

from fastmlp.kernels.codegen.simd import N_REGISTERS, VECTOR_BYTES

# Of sums, and so of bits.
INPUTS_PER_SUM = 512  # products of a forward or backward sum that are added up one by one
ROWS_PER_SUM = 128  # of an update's sum: a panel of their gradient stays in the first-level cache
SQUARES_PER_SUM = 256  # inputs whose weights' squares are added up one by one

# Of loops, and so of speed.
# 8 x 2 vectors of sums take 16 registers: all that SSE and AVX2 have.
TILE_ROWS = 8 if N_REGISTERS == 32 else 6
TILE_VECTORS = 2
# Rows are taken by the largest of these that fits. One more would take a second to compile.
TILE_HEIGHTS = (TILE_ROWS, 4, 1)
MASK_ROWS = 64  # rows of the batch that a mask covers: one bit each
LONGEST_GROUP = 8  # inputs that are skipped together, at most
STRIP_VECTORS = 4  # vectors of columns that a loop over nonzero inputs works on together
# The block of weights whose sums are kept from part to part: a quarter of a megabyte of them. Its
# columns' squares are a sum each.
SUMMED_INPUTS = SQUARES_PER_SUM
SUMMED_VECTORS = 1024 // VECTOR_BYTES
SUMS_PANEL = SUMMED_INPUTS * 2  # vectors from one panel of sums to the next
